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

#include "segment/geometry.h"

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

/* Whoever owns the file, and may do what with it, that owns and may here. */
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

/* An alias that is missing, or not what the header names, is nothing. */
static int map_predecessor(struct mapping *map, const char *path,
			   struct mapping **old, const struct sfshm_options *o)
{
	struct sfshm_options same = same_as(map);
	char alias[4096];
	struct stat st;
	int r = handle_old_path(path, alias, sizeof(alias));

	if (!r && (lstat(alias, &st) ||
		   st.st_ino != load_relaxed(&map->header->predecessor)))
		r = -ENOENT;
	if (!r)
		r = handle_map_path(old, alias, &same);
	if (r && r != -ENOENT)
		options_explain(o, "%s, which it is taking over from: %s",
				alias, sfshm_strerror(r));
	return r;
}

int handle_adopt_predecessor(struct mapping *map, const char *path,
			     const struct sfshm_options *o)
{
	struct mapping *old;
	int r;

	if (!load_relaxed(&map->header->predecessor) ||
	    load_acquire(&map->header->drained) ||
	    load_relaxed(&map->predecessor))
		return 0;
	r = map_predecessor(map, path, &old, o);
	if (r)
		return r == -ENOENT ? 0 : r;
	store_seq(&old->header->moved, 1);
	mapping_set_predecessor(map, old);
	return 0;
}

/* The segment that stands under the name now, if it is another one. */
static int find_successor(struct mapping *map, struct mapping **next)
{
	struct sfshm_options same = same_as(map);
	int r = -EAGAIN;

	if (!map->path)
		return -ESHUTDOWN;
	for (int i = 0; r == -EAGAIN && i < 100; i++)
		r = handle_map_path(next, map->path, &same);
	if (r)
		return r == -ENOMEM || r == -EMFILE ? r : -ESHUTDOWN;
	if (*next != map)
		r = handle_adopt_predecessor(*next, map->path, NULL);
	if (*next != map && !r)
		return 0;
	mapping_drop_handle(*next);
	return r ? r : -ESHUTDOWN;
}

void handle_detach_if_last(struct mapping *map)
{
	struct mapping *old;

	if (!mapping_last_handle(map))
		return;
	old = mapping_predecessor(map);
	if (old) {
		handle_detach_if_last(old);
		mapping_put(old);
	}
	peer_detach(map);
}

/*
 * A thread inside an RCU read-side section of its program cannot wait for a
 * grace period: it leaves that to a later call. Called without handle_lock,
 * for somebody inside such a section may be waiting for that.
 */
void handle_drop_left(struct sfshm *h, bool closing)
{
	struct left *left;

	if (!load_relaxed(&h->left) || urcu_bp_read_ongoing())
		return;
	pthread_mutex_lock(&handle_lock);
	left = h->left;
	store_relaxed(&h->left, NULL);
	pthread_mutex_unlock(&handle_lock);
	if (!left)
		return;
	urcu_bp_synchronize_rcu();
	while (left) {
		struct left *one = left;

		left = one->next;
		if (closing)
			handle_detach_if_last(one->map);
		mapping_drop_handle(one->map);
		free(one);
	}
}

static int follow_locked(struct sfshm *h)
{
	struct mapping *map = h->map, *next;
	struct left *left;
	int r;

	if (!map || !handle_moved(map))
		return 0;
	left = malloc(sizeof(*left));
	if (!left)
		return -ENOMEM;
	r = find_successor(map, &next);
	if (r) {
		free(left);
		return r;
	}
	rcu_assign_pointer(h->map, next);
	left->map = map;
	left->next = h->left;
	store_relaxed(&h->left, left);
	return 0;
}

int handle_follow(struct sfshm *h, struct peer **out)
{
	int state = handle_begin_uncancelled();
	int r;

	pthread_mutex_lock(&handle_lock);
	r = follow_locked(h);
	pthread_mutex_unlock(&handle_lock);
	if (!r)
		handle_drop_left(h, false);
	handle_end_uncancelled(state);
	return r ? r : handle_enter(h, out);
}

/* Closing any descriptor of a file drops this process's locks on it. */
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
