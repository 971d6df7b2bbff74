/* SPDX-License-Identifier: MIT */
/*
 * How processes get from a segment to the one that replaces it.
 *
 * The successor takes the name by rename(2), and its header names the inode
 * of its predecessor, which stays in reach under an alias ("NAME~") until
 * nothing is left in it. Invariants:
 *
 *  U1. Nobody leads in a successor before having set its predecessor's
 *      `moved`: whoever maps the one maps the other and sets it.
 *  U2. Once `moved` is set, no flight begins in the predecessor: who claims
 *      one looks at `moved` afterwards and gives it back.
 *  U3. Before leading a key in the successor one looks for its flight in the
 *      predecessor, and waits for it there.
 *
 * So a key has one leader throughout, whatever dies when: before the rename
 * there is no successor, after it everybody who opens the name does the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <urcu/urcu-bp.h>

#include "top/handle.h"

int handle_old_path(const char *path, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s~", path);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int handle_adopt_predecessor(struct mapping *map, const char *path)
{
	uint64_t was = map->header->predecessor;
	struct sfshm_options any = { .mode = 0777 };
	struct mapping *old;
	char alias[4096];
	int r;

	if (!was || load_acquire(&map->header->drained) ||
	    load_relaxed(&map->predecessor))
		return 0;
	r = handle_old_path(path, alias, sizeof(alias));
	if (!r)
		r = handle_map_path(&old, alias, &any);
	if (r)
		return r == -ENOENT ? 0 : r;
	if (old->ino != was) {
		mapping_drop_handle(old);
		return 0;
	}
	__atomic_store_n(&old->header->moved, 1, __ATOMIC_SEQ_CST);
	mapping_set_predecessor(map, old);
	return 0;
}

/* The segment that stands under the name now, if it is another one. */
static int find_successor(struct mapping *map, struct mapping **next)
{
	struct sfshm_options same = { .mode = 0777 };
	struct stat st;
	int r = -EAGAIN;

	if (!map->path || stat(map->path, &st))
		return -ENOENT;
	same.flags = SFSHM_SET_OWNER;
	same.owner = st.st_uid;
	for (int i = 0; r == -EAGAIN && i < 100; i++)
		r = handle_map_path(next, map->path, &same);
	if (r)
		return r;
	if (*next != map)
		r = handle_adopt_predecessor(*next, map->path);
	if (*next != map && !r)
		return 0;
	mapping_drop_handle(*next);
	return r ? r : -ENOENT;
}

/*
 * A thread inside an RCU read-side section of its program cannot wait for a
 * grace period: it leaves that to a later call.
 */
void handle_drop_left(struct sfshm *h)
{
	if (!h->left || urcu_bp_read_ongoing())
		return;
	urcu_bp_synchronize_rcu();
	while (h->left) {
		struct mapping *map = h->left;

		h->left = map->left_next;
		mapping_drop_handle(map);
	}
}

static int follow_locked(struct sfshm *h)
{
	struct mapping *map = h->map, *next;
	int r;

	if (!map || !handle_moved(map))
		return 0;
	r = find_successor(map, &next);
	if (r == -ENOENT) {
		map->stranded = true;
		return 0;
	}
	if (r)
		return r;
	rcu_assign_pointer(h->map, next);
	map->left_next = h->left;
	h->left = map;
	handle_drop_left(h);
	return 0;
}

int handle_follow(struct sfshm *h, struct peer **out)
{
	int state = handle_begin_uncancelled();
	int r;

	pthread_mutex_lock(&handle_lock);
	r = follow_locked(h);
	pthread_mutex_unlock(&handle_lock);
	handle_end_uncancelled(state);
	return r ? r : handle_enter(h, out);
}
