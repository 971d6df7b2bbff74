/* SPDX-License-Identifier: MIT */
#include "top/succession.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "os/sys.h"
#include "peer/wait.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/name.h"
#include "store/evict.h"
#include "sync/flight.h"
#include "top/heartbeat.h"
#include "top/removed.h"

/* A name that keeps changing hands under us is given up on after this. */
#define MOST_TRIES 100
#define CREATE_TRIES 5
#define BUSY_TRIES 100

#define ALL_FLAGS                                                             \
	(SFSHM_CREATE | SFSHM_EXCLUSIVE | SFSHM_SET_OWNER | SFSHM_SET_GROUP | \
	 SFSHM_HUGE_PAGES)

pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * Closed handles, the oldest first; guarded by handle_lock. The oldest is used
 * again once there are more than so many.
 */
#define KEPT_CLOSED 1024
static struct sfshm *closed, **closed_end = &closed;
static uint32_t closed_count;

/*
 * All locks of the library are taken around a fork, so that the child finds
 * none of them locked. The handlers may be registered more than once: of those
 * of one fork the first to run does the work, and the last undoes it.
 */
static __thread uint32_t forking;

static void before_fork(void)
{
	if (forking++)
		return;
	heartbeat_fork_lock();
	pthread_mutex_lock(&handle_lock);
	mapping_fork_lock();
	urcu_bp_before_fork();
}

static void unlock_after_fork(void)
{
	mapping_fork_unlock();
	pthread_mutex_unlock(&handle_lock);
	heartbeat_fork_unlock();
}

static void after_fork_parent(void)
{
	if (--forking)
		return;
	urcu_bp_after_fork_parent();
	unlock_after_fork();
}

static void after_fork_child(void)
{
	if (--forking)
		return;
	urcu_bp_after_fork_child();
	wait_unrest();
	heartbeat_forget();
	unlock_after_fork();
}

/* What the levels below need of those above, and the fork handlers. */
int handle_prepare(void)
{
	static uint32_t prepared;

	if (likely(load_acquire(&prepared)))
		return 0;
	store_relaxed(&peer_sweep, flight_sweep);
	store_relaxed(&arena_reclaim, evict_for_memory);
	if (pthread_atfork(before_fork, after_fork_parent, after_fork_child))
		return -ENOMEM;
	store_release(&prepared, 1);
	return 0;
}

static int check_options(const struct sfshm_options *o)
{
	if (!process_cookie() || handle_prepare())
		return -ENOMEM;
	if (!o)
		return 0;
	if (o->size != sizeof(*o) || o->mode & ~0777u ||
	    o->flags & ~(uint32_t)ALL_FLAGS)
		return -EINVAL;
	if (o->why && o->why_size)
		o->why[0] = '\0';
	return 0;
}

static struct sfshm *take_closed(void)
{
	struct sfshm *h = closed;

	closed = h->next_closed;
	closed_count--;
	return h;
}

static void keep_closed(struct sfshm *h)
{
	h->next_closed = NULL;
	*closed_end = h;
	closed_end = &h->next_closed;
	closed_count++;
}

/* Called with handle_lock held; takes over the reference. */
static int make_handle(struct sfshm **out, struct mapping *map)
{
	struct sfshm *h = closed_count > KEPT_CLOSED ? take_closed() :
						       calloc(1, sizeof(*h));

	if (!h) {
		mapping_drop_handle(map);
		return -ENOMEM;
	}
	store_relaxed(&h->cookie, process_cookie());
	rcu_assign_pointer(h->map, map);
	store_release(&h->magic, HANDLE_OPEN);
	*out = h;
	return 0;
}

static int create(const char *path, const struct sfshm_options *o)
{
	int r;

	if (o->why && o->why_size)
		o->why[0] = '\0';
	r = file_create(path, o, removed_inode(path, o));
	if (r == -EEXIST && !(o->flags & SFSHM_EXCLUSIVE))
		return -EAGAIN;
	if (r == -EEXIST)
		options_explain(o, "%s exists already", path);
	return r ? r : -EAGAIN;
}

/* So that a process that changes its folder finds a successor all the same. */
static char *absolute(const char *path)
{
	char *copy = strdup(path), *dir, *whole = NULL;
	const char *slash = strrchr(path, '/');

	if (!copy || !slash || path[0] == '/')
		return copy;
	copy[slash - path] = '\0';
	dir = realpath(copy, NULL);
	if (dir && asprintf(&whole, "%s%s", dir, slash) < 0)
		whole = NULL;
	free(dir);
	free(copy);
	return whole;
}

static ino_t folder_of(const char *path)
{
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s.",
		 (int)(strrchr(path, '/') + 1 - path), path);
	return stat(folder, &st) ? 0 : st.st_ino;
}

/* Without a path it would not find its successor. It keeps the first. */
static int name_mapping(struct mapping *map, const char *path)
{
	char *whole;

	if (map->path)
		return 0;
	errno = ENOMEM;
	whole = absolute(path);
	if (!whole) {
		mapping_drop_handle(map);
		return -errno;
	}
	map->folder = folder_of(whole);
	store_release(&map->path, whole);
	return 0;
}

int handle_map_path(struct mapping **map, const char *path,
		    const struct sfshm_options *o)
{
	bool may_make = o && (o->flags & SFSHM_CREATE);
	struct stat st;
	int fd, r = file_inspect(path, o, &st);

	if (r)
		return r;
	*map = mapping_find(st.st_dev, st.st_ino, -1);
	if (*map)
		return name_mapping(*map, path);
	fd = file_open(path, O_RDWR, o, &st);
	if (fd < 0)
		return fd;
	r = mapping_open_stat(map, fd, &st, o);
	if (!r)
		return name_mapping(*map, path);
	if (r == -ESTALE && may_make) {
		r = file_remove_stale(path, fd, o);
		r = r ? r : -EAGAIN;
	} else if (r == -ESTALE) {
		r = -EPROTO;
	}
	close(fd);
	return r;
}

/* One try: -EAGAIN when somebody else changed what the name stands for. */
static int open_once(struct mapping **map, const char *path,
		     const struct sfshm_options *o, bool *made)
{
	bool may_make = o && (o->flags & SFSHM_CREATE);
	bool must_make = may_make && (o->flags & SFSHM_EXCLUSIVE);
	int r = -ENOENT;

	/* What somebody else has made is not even looked at. */
	if (*made || !must_make)
		r = handle_map_path(map, path, o);
	if (r == -ENOENT && may_make) {
		r = create(path, o);
		*made |= r == -EAGAIN;
	}
	if (r)
		return r;
	r = handle_adopt_predecessor(*map, path, o);
	if (r)
		mapping_drop_handle(*map);
	return r;
}

/*
 * Some things get better by themselves, and count only if they last: a lack of
 * room, for creators that race for the name each need some for a while; and a
 * file that another process is about to remove. True: try again in *ms.
 */
static bool may_pass(int r, int tries, unsigned int *ms)
{
	*ms = r == -ENOSPC ? 2 : 10;
	return (r == -ENOSPC && tries < CREATE_TRIES) ||
	       (r == -EBUSY && tries < BUSY_TRIES);
}

/* One try, with the lock held for no longer than it takes. */
static int open_locked(struct sfshm **out, const char *path,
		       const struct sfshm_options *o, bool *made)
{
	struct mapping *map = NULL;
	int r = -EAGAIN;

	pthread_mutex_lock(&handle_lock);
	for (int i = 0; r == -EAGAIN && i < MOST_TRIES; i++)
		r = open_once(&map, path, o, made);
	if (!r)
		r = make_handle(out, map);
	pthread_mutex_unlock(&handle_lock);
	return r;
}

/* Naps are outside of the lock, for it holds up other opens, and fork(). */
static int open_path(struct sfshm **out, const char *path,
		     const struct sfshm_options *o)
{
	int state = handle_begin_uncancelled();
	struct timespec nap = { 0 };
	bool made = false;
	unsigned int ms;
	int r = open_locked(out, path, o, &made);

	for (int i = 0; may_pass(r, i, &ms); i++) {
		nap.tv_nsec = (long)(ms * NS_PER_MS);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		r = open_locked(out, path, o, &made);
	}
	handle_end_uncancelled(state);
	if (!r && o && o->why && o->why_size)
		o->why[0] = '\0';
	return r;
}

int sfshm_open(struct sfshm **out, const char *name,
	       const struct sfshm_options *o)
{
	bool theirs = o && (o->flags & SFSHM_SET_OWNER);
	char path[4096];
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	r = check_options(o);
	if (r)
		return r;
	r = name_to_path(name, theirs ? o->owner : geteuid(), path,
			 sizeof(path));
	if (!r)
		return open_path(out, path, o);
	options_explain(o, "a segment's name has letters, digits and ._-+@: "
			   "only, or is a path with a slash");
	return r;
}

/*
 * Closing a descriptor of a file that is mapped here drops the process's byte
 * locks on it: they are taken again at once.
 */
static void close_extra(int fd, struct mapping *map)
{
	if (map && mapping_fd(map) == fd)
		return;
	close(fd);
	if (map)
		peer_relock(map);
}

/*
 * A successor into which keys are still being moved, opened by a descriptor:
 * where its predecessor stands is not known, and who cannot ask there might lead
 * what is led there.
 */
static bool lacks_predecessor(const struct mapping *map)
{
	return load_relaxed(&map->header->predecessor) &&
	       !load_acquire(&map->header->drained) &&
	       !load_relaxed(&map->predecessor);
}

static int open_fd_locked(struct mapping **out, int fd,
			  const struct sfshm_options *o)
{
	struct mapping *map;
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	map = mapping_find(st.st_dev, st.st_ino, fd);
	r = file_check(&st, "the descriptor's file", o);
	if (!r && !map) {
		r = fcntl(fd, F_SETFD, FD_CLOEXEC) ?
			    -errno :
			    mapping_open_stat(&map, fd, &st, o);
		if (r)
			close(fd);
	} else {
		close_extra(fd, map);
	}
	if (!r && map && lacks_predecessor(map)) {
		options_explain(o, "a resize is moving keys into it; open it "
				   "by its name, or finish the resize");
		r = -EBUSY;
	}
	if (r && map) {
		mapping_drop_handle(map);
		map = NULL;
	}
	*out = map;
	return r == -ESTALE ? -EPROTO : r;
}

int sfshm_open_fd(struct sfshm **out, int fd,
		  const struct sfshm_options *options)
{
	struct mapping *map = NULL;
	struct sfshm_options o = { 0 };
	int state, r;

	if (!out || fd < 0)
		return fd < 0 ? -EBADF : -EINVAL;
	*out = NULL;
	r = check_options(options);
	if (r)
		return r;
	/* A memfd has the mode 0777: nobody can open it by a name. */
	if (options)
		o = *options;
	o.mode = o.mode ? o.mode : 0777;
	state = handle_begin_uncancelled();
	pthread_mutex_lock(&handle_lock);
	r = open_fd_locked(&map, fd, &o);
	if (!r)
		r = make_handle(out, map);
	pthread_mutex_unlock(&handle_lock);
	handle_end_uncancelled(state);
	return r;
}

int sfshm_memfd(const char *label, const struct sfshm_options *options)
{
	int state = handle_begin_uncancelled();
	int r = check_options(options);

	if (!r)
		r = file_create_memfd(label, options);
	handle_end_uncancelled(state);
	return r;
}

int handle_enter_slow(struct sfshm *h, struct peer **out)
{
	struct mapping *map;
	int r;

	if (!h || load_acquire(&h->magic) != HANDLE_OPEN)
		return -EBADF;
	if (load_relaxed(&h->cookie) != process_cookie())
		return -ECHILD;
	/* order: H1 pairs H2 */
	urcu_bp_read_lock();
	map = rcu_dereference(h->map);
	if (map && !mapping_get(map))
		map = NULL;
	urcu_bp_read_unlock();
	if (!map)
		return -EBADF;
	r = peer_attach(map, out);
	mapping_put(map);
	return r;
}

int sfshm_close(struct sfshm *h)
{
	struct mapping *map;
	int state;

	if (!h || !cas_acq_rel(&h->magic, HANDLE_OPEN, HANDLE_CLOSED))
		return -EBADF;
	state = handle_begin_uncancelled();
	/* Somebody may be following to a successor just now. */
	pthread_mutex_lock(&handle_lock);
	map = rcu_xchg_pointer(&h->map, NULL);
	pthread_mutex_unlock(&handle_lock);
	if (load_relaxed(&h->cookie) == process_cookie()) {
		fetch_add_acq_rel(&h->closing, 1);
		sys.wake(&h->closing, INT32_MAX);
		/* order: H2 pairs H1 */
		urcu_bp_synchronize_rcu();
	}
	handle_drop_left(h, true);
	handle_detach_if_last(map);
	mapping_drop_handle(map);
	pthread_mutex_lock(&handle_lock);
	keep_closed(h);
	pthread_mutex_unlock(&handle_lock);
	handle_end_uncancelled(state);
	return 0;
}

/*
 * A resize that died may have left other names, which nobody would find. The
 * name itself goes first: who opens it finds what belongs to it.
 */
int sfshm_unlink(const char *name)
{
	char path[4096], passing[4096], alias[4096];
	struct sfshm_options any = { .mode = 07777 };
	bool both[2] = { false };
	struct stat st;
	int r = name_to_path(name, geteuid(), path, sizeof(path));

	if (!r)
		r = handle_prepare();
	if (!r)
		r = file_inspect(path, &any, &st);
	if (r)
		return r;
	if (!handle_passing_path(path, passing, sizeof(passing)))
		both[0] = succession_owns(path, passing) == 1;
	if (!handle_old_path(path, alias, sizeof(alias)))
		both[1] = succession_owns(path, alias) == 1;
	if (unlink(path))
		return -errno;
	if ((both[0] && unlink(passing)) || (both[1] && unlink(alias)))
		return -errno;
	return 0;
}
