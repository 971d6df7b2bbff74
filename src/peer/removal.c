/* SPDX-License-Identifier: MIT */
#include "peer/removal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/killpoint.h"
#include "peer/wait.h"

/* The sum of this period and a sleeper's slice stays under a second. */
uint64_t removal_every_ns = NS_PER_S / 2;

bool removal_seen(struct mapping *map)
{
	struct stat st;
	int fd = mapping_fd(map);

	return fd >= 0 && !fstat(fd, &st) && !st.st_nlink;
}

static bool leads_to(const struct mapping *map, const struct stat *st)
{
	return st->st_dev == map->dev && st->st_ino == map->ino;
}

/* Whether another file has the name, in the same folder as at the opening. */
static bool replaced(const struct mapping *map)
{
	const char *path = load_acquire(&map->path), *slash;
	char other[PATH_MAX];
	struct stat st;

	if (!path || lstat(path, &st) || st.st_dev != map->dev ||
	    st.st_ino == map->ino)
		return false;
	slash = strrchr(path, '/');
	snprintf(other, sizeof(other), "%.*s.", (int)(slash - path + 1), path);
	if (stat(other, &st) || st.st_ino != map->folder)
		return false;
	snprintf(other, sizeof(other), "%s~", path);
	return lstat(other, &st) || !leads_to(map, &st);
}

/*
 * Wakes all that sleep at a slot's event; they then see `moved` and leave. A
 * writer that drains a lock (SHARE-3 of store/sharers.h) does not sleep there,
 * and goes on.
 */
static void wake_all(struct mapping *map)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		uint32_t slot =
			wait_slot(load_relaxed(&map->participants[i].wait));

		if (slot && slot_at(map, slot - 1))
			event_wake(map, &map->cold[slot - 1].event, true);
	}
}

void removal_mark(struct mapping *map)
{
	if (!cas_seq(&map->header->moved, 0, SHM_REMOVED))
		return;
	kill_point(removal_marked);
	wake_all(map);
}

void removal_look(struct mapping *map, uint64_t coarse)
{
	store_relaxed(&map->look_at, coarse + removal_every_ns);
	if (load_relaxed(&map->nameless) || load_relaxed(&map->header->moved))
		return;
	if (removal_seen(map) || replaced(map))
		removal_mark(map);
}
