/* SPDX-License-Identifier: MIT */
#include "top/succession.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/open.h"
#include "store/sharers.h"
#include "sync/flight.h"
#include "sync/semaphore.h"
#include "top/removed.h"

pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;

static int beside(const char *path, const char *suffix, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s%s", path, suffix);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int handle_old_path(const char *path, char *buf, size_t size)
{
	return beside(path, "~", buf, size);
}

int handle_passing_path(const char *path, char *buf, size_t size)
{
	return beside(path, "~new", buf, size);
}

/* Options that require the same owner, group and mode. */
static struct sfshm_options same_as(const struct mapping *map)
{
	struct sfshm_options o = {
		.flags = SFSHM_SET_OWNER | SFSHM_SET_GROUP,
		.owner = map->uid,
		.group = map->gid,
		.mode = map->mode,
	};

	return o;
}

/* Tries once. -EAGAIN: another process gave the alias to another file. */
static int try_predecessor(struct mapping *map, const char *path,
			   const char *alias, struct mapping **old)
{
	struct sfshm_options same = same_as(map);
	uint64_t ino = mapping_replaces(map);
	struct stat st;

	return !lstat(alias, &st) && st.st_ino == ino ?
		       mapping_open_path(old, alias, &same) :
		       removed_map(old, path, ino, &same);
}

/*
 * Maps the predecessor, which a resize leaves under an alias; a removed
 * predecessor has no alias, and removed_map() finds it. Returns -ENOENT if the
 * predecessor that the header names is missing.
 */
static int map_predecessor(struct mapping *map, const char *path,
			   struct mapping **old, const struct sfshm_options *o)
{
	char alias[4096];
	int r = handle_old_path(path, alias, sizeof(alias)), tries = 0;

	if (r)
		return r;
	do {
		r = try_predecessor(map, path, alias, old);
	} while (r == -EAGAIN && ++tries < 100);
	if (r && r != -ENOENT)
		options_explain(o, "the segment's predecessor %s: %s", alias,
				sfshm_strerror(r));
	return r;
}

/* SUCCESSION-1: marks the predecessor as replaced or as removed. */
static void mark_predecessor(struct mapping *old)
{
	if (removal_seen(old))
		removal_mark(old);
	else
		store_seq(&old->header->moved, SHM_MOVED);
}

int handle_adopt_predecessor(struct mapping *map, const char *path,
			     const struct sfshm_options *o)
{
	struct mapping *old;
	int r;

	if (!mapping_replaces(map) || load_acquire(&map->header->drained) ||
	    load_relaxed(&map->predecessor))
		return 0;
	r = map_predecessor(map, path, &old, o);
	if (r)
		return r == -ENOENT ? 0 : r;
	mark_predecessor(old);
	r = handle_adopt_predecessor(old, path, o);
	if (r || (removal_known(old) && !succession_left(old))) {
		if (!r)
			store_release(&map->header->drained, 1);
		mapping_drop_handle(old);
		return r;
	}
	mapping_set_predecessor(map, old);
	return 0;
}

uint64_t succession_under_way(struct mapping *map)
{
	uint32_t used = slots_used(map), max, held;
	uint64_t n;

	peer_reap_all(map);
	n = sharers_count_all(map);
	for (uint32_t i = 0; i < used; i++) {
		n += ctl_busy(load_seq(&map->slots[i].ctl));
		if (slot_kind(&map->slots[i]) == SHM_SEMAPHORE &&
		    semaphore_peek(map, i, &max, &held))
			n += held;
	}
	return n;
}

/*
 * Whether a living participant owns a slot that its record notes, or holds a
 * lock shared, or a permit. Looks only where the records' notes lead, so it
 * costs less than succession_under_way(), and may miss what that function
 * finds. A note whose slot the participant does not own counts for nothing:
 * another thread may have ended the flight, and the note stays (MOVE-6).
 */
static bool anything_owned(struct mapping *map)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];
		bool any = sharer_holds_any(rec);

		for (int n = 0; !any && n < SHM_OWNED; n++)
			any = flight_note_stands(map, i + 1,
						 load_relaxed(&rec->owned[n]));
		if (any && life_held(map, rec))
			return true;
	}
	return false;
}

/*
 * ORDER-M1 pairs ORDER-M2
 * This process has set the segment's `moved`, then looks for flights and
 * permits in the segment. A leader in the segment claims a slot, then looks at
 * `moved`.
 */
bool succession_left(struct mapping *map)
{
	struct mapping *old = mapping_peek_predecessor(map);
	bool left = false;

	if (old) {
		left = succession_left(old);
		mapping_put(old);
	}
	fence_seq();
	peer_examine_all(map);
	return left || anything_owned(map) || succession_under_way(map);
}

/*
 * Warns the segment's leaders and holders: if a flight or hold began before
 * now, another caller may have led or held the same key, too.
 */
static void warn(struct mapping *map)
{
	uint64_t now = sys.now(), *at = &map->header->doubled;
	uint64_t until = load_relaxed(at);

	while (until < now && !cas_relaxed(at, until, now))
		until = load_relaxed(at);
}

/*
 * Drops the removed segment if nothing is left in it. If something is left, and
 * the new segment's header does not name the removed one, warns the new
 * segment's leaders and holders, which cannot know of the removed one.
 */
static void look_at_removed(struct mapping *map, struct mapping *old)
{
	bool named = mapping_replaces(map) == old->ino;

	if (succession_left(old)) {
		if (!named)
			warn(map);
	} else if (named) {
		store_release(&map->header->drained, 1);
	} else if (!urcu_bp_read_ongoing()) {
		mapping_set_predecessor(map, NULL);
	}
}

void handle_look(struct mapping *map)
{
	struct mapping *old;

	removal_look(map, sys.coarse());
	old = mapping_predecessor(map);
	if (!old)
		return;
	if (removal_known(old))
		look_at_removed(map, old);
	mapping_put(old);
}

/*
 * If the new segment's creator did not know of the removed segment, and the new
 * one has no other predecessor, makes the removed segment its predecessor in
 * this process, which then leads no key in both. warn() tells the other
 * processes.
 */
static void remember_removed(struct mapping *map, struct mapping *old)
{
	struct mapping *kept;

	if (mapping_replaces(map) == old->ino || !succession_left(old))
		return;
	warn(map);
	if (mapping_replaces(map) || load_relaxed(&map->predecessor))
		return;
	kept = mapping_find(old->dev, old->ino, -1);
	if (kept)
		mapping_set_predecessor(map, kept);
}

/* Whether the path leads into the folder where the segment was opened. */
static bool folder_stands(const struct mapping *map)
{
	char folder[4096];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s.",
		 (int)(strrchr(map->path, '/') + 1 - map->path), map->path);
	return !stat(folder, &st) && st.st_dev == map->dev &&
	       st.st_ino == map->folder;
}

/*
 * Makes the removed segment anew, with its owner, group and mode. Makes nothing
 * if this process has become another user, or if the path leads into another
 * folder. Returns -EAGAIN if there is a segment now.
 */
static int make_anew(const struct mapping *map,
		     const struct sfshm_options *anew)
{
	struct sfshm_options o = *anew;
	int r;

	if (!removal_known(map) || geteuid() != map->uid || !folder_stands(map))
		return -ENOENT;
	o.flags |= SFSHM_SET_GROUP;
	o.group = map->gid;
	o.mode = map->mode;
	r = file_create(map->path, &o, removed_inode(map->path, &o));
	return !r || r == -EEXIST ? -EAGAIN : r;
}

int succession_next(struct mapping *map, const struct sfshm_options *anew,
		    struct mapping **next)
{
	struct sfshm_options same = same_as(map);
	int r = -EAGAIN;

	if (!map->path)
		return -ESHUTDOWN;
	for (int i = 0; r == -EAGAIN && i < 100; i++) {
		r = mapping_open_path(next, map->path, &same);
		if (r == -ENOENT && anew)
			r = make_anew(map, anew);
	}
	if (r)
		return r == -ENOMEM || r == -EMFILE ? r : -ESHUTDOWN;
	if (*next != map)
		r = handle_adopt_predecessor(*next, map->path, NULL);
	if (*next != map && !r) {
		if (removal_known(map))
			remember_removed(*next, map);
		return 0;
	}
	mapping_drop_handle(*next);
	return r ? r : -ESHUTDOWN;
}

void handle_warn_newcomers(struct mapping *removed)
{
	struct sfshm_options same = same_as(removed);
	struct mapping *map;
	int state;

	if (!removal_known(removed))
		return;
	state = uncancelled_begin();
	pthread_mutex_lock(&handle_lock);
	if (removed->path && !mapping_open_path(&map, removed->path, &same)) {
		if (mapping_replaces(map) != removed->ino)
			warn(map);
		mapping_drop_handle(map);
	}
	pthread_mutex_unlock(&handle_lock);
	uncancelled_end(state);
}

/* Closing any descriptor of a file drops all this process's locks on it. */
void handle_close_beside(int fd, const struct stat *st)
{
	struct mapping *mine;

	close(fd);
	mine = mapping_find(st->st_dev, st->st_ino, -1);
	if (!mine)
		return;
	peer_relock(mine);
	mapping_drop_handle(mine);
}

static int peek_header(const char *path, struct shm_header *h, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = -EINVAL;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, st) && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
	    pread(fd, h, sizeof(*h), 0) == sizeof(*h) &&
	    !memcmp(h->magic, SHM_MAGIC, sizeof(h->magic)))
		r = 0;
	handle_close_beside(fd, st);
	return r;
}

int succession_owns(const char *path, const char *other)
{
	struct shm_header here = { 0 }, there = { 0 };
	struct stat st = { 0 }, other_st = { 0 };
	int r = peek_header(other, &there, &other_st);

	if (r == -ENOENT)
		return 0;
	if (r || peek_header(path, &here, &st))
		return -EEXIST;
	return other_st.st_ino == st.st_ino ||
			       other_st.st_ino == here.predecessor ||
			       there.predecessor == st.st_ino ?
		       1 :
		       -EEXIST;
}
