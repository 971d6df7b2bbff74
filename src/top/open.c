/* SPDX-License-Identifier: MIT */
/* The public calls that open, make and remove segments. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/sys.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/name.h"
#include "segment/open.h"
#include "top/fork.h"
#include "top/handle.h"
#include "top/removed.h"
#include "top/sized.h"
#include "top/succession.h"
#include "top/why.h"

/* How often to try while other processes give the name to other files. */
#define MOST_TRIES 100
/* How often to try again after -ENOSPC, and after -EBUSY: may_pass(). */
#define CREATE_TRIES 5
#define BUSY_TRIES 100

#define ALL_FLAGS                                                             \
	(SFSHM_CREATE | SFSHM_EXCLUSIVE | SFSHM_SET_OWNER | SFSHM_SET_GROUP | \
	 SFSHM_HUGE_PAGES | SFSHM_FOLLOW_FORK)

/* Checks the options. Copies those of another version to *own; see sized.h. */
static int check_options(const struct sfshm_options **options,
			 struct sfshm_options *own)
{
	const struct sfshm_options *o;
	int r;

	r = sized_adopt_options(options, own);
	o = *options;
	if (r)
		return r;
	why_clear(o);
	if (!process_cookie() || fork_prepare())
		return -ENOMEM;
	if (!o)
		return 0;
	if (o->mode & ~0777u || o->flags & ~(uint32_t)ALL_FLAGS) {
		options_explain(o, "the options have a mode or flags that do "
				   "not exist; correct the call");
		return -EINVAL;
	}
	return 0;
}

static bool follows_fork(const struct sfshm_options *o)
{
	return o && (o->flags & SFSHM_FOLLOW_FORK);
}

static int create(const char *path, const struct sfshm_options *o)
{
	int r;

	why_clear(o);
	r = file_create(path, o, removed_inode(path, o));
	if (r == -EEXIST && !(o->flags & SFSHM_EXCLUSIVE))
		return -EAGAIN;
	if (r == -EEXIST)
		options_explain(o, "%s exists already", path);
	return r ? r : -EAGAIN;
}

/* Tries once. -EAGAIN: try again; this call or another has changed the name. */
static int open_once(struct mapping **map, const char *path,
		     const struct sfshm_options *o, bool *made)
{
	bool may_make = o && (o->flags & SFSHM_CREATE);
	bool must_make = may_make && (o->flags & SFSHM_EXCLUSIVE);
	int r = -ENOENT;

	/* With SFSHM_EXCLUSIVE, opens only a file that this call has made. */
	if (*made || !must_make)
		r = mapping_open_path(map, path, o);
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
 * Whether to try again in *ms milliseconds, because the error may pass:
 * -ENOSPC, because creators that race for the name each need room for a while;
 * -EBUSY, because another process is about to remove the file.
 */
static bool may_pass(int r, int tries, unsigned int *ms)
{
	*ms = r == -ENOSPC ? 2 : 10;
	return (r == -ENOSPC && tries < CREATE_TRIES) ||
	       (r == -EBUSY && tries < BUSY_TRIES);
}

/* Tries with handle_lock held, and never sleeps. */
static int open_locked(struct sfshm **out, const char *path,
		       const struct sfshm_options *o, bool *made)
{
	struct mapping *map = NULL;
	int r = -EAGAIN;

	pthread_mutex_lock(&handle_lock);
	for (int i = 0; r == -EAGAIN && i < MOST_TRIES; i++)
		r = open_once(&map, path, o, made);
	if (!r)
		r = handle_make(out, map, follows_fork(o));
	pthread_mutex_unlock(&handle_lock);
	return r;
}

/*
 * Sleeps between tries without handle_lock, because other opens and fork() need
 * that lock.
 */
static int open_path(struct sfshm **out, const char *path,
		     const struct sfshm_options *o)
{
	int state = uncancelled_begin();
	struct timespec nap = { 0 };
	bool made = false;
	unsigned int ms;
	int r = open_locked(out, path, o, &made);

	for (int i = 0; may_pass(r, i, &ms); i++) {
		nap.tv_nsec = (long)(ms * NS_PER_MS);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
		r = open_locked(out, path, o, &made);
	}
	uncancelled_end(state);
	if (!r)
		why_clear(o);
	return r;
}

int sfshm_open(struct sfshm **out, const char *name,
	       const struct sfshm_options *o)
{
	struct sfshm_options own;
	char path[4096];
	bool theirs;
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	r = check_options(&o, &own);
	if (r)
		return why_at_least(r, o);
	theirs = o && (o->flags & SFSHM_SET_OWNER);
	r = name_to_path(name, theirs ? o->owner : geteuid(), path,
			 sizeof(path));
	if (!r)
		return why_at_least(open_path(out, path, o), o);
	if (r == -EINVAL)
		options_explain(o, "a segment's name has letters, digits and "
				   "._-+@: only, or is a path with a slash");
	return why_at_least(r, o);
}

/*
 * Closes a descriptor that is not needed. The kernel then drops this process's
 * byte locks on the file, so close_extra() takes them again at once if this
 * process has the file mapped.
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
 * Whether the segment, opened by a descriptor, is a successor into which keys
 * are still being moved. This process does not know the predecessor's path, so
 * it might lead a key that another caller leads in the predecessor.
 */
static bool lacks_predecessor(const struct mapping *map)
{
	return mapping_replaces(map) && !load_acquire(&map->header->drained) &&
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
		options_explain(o, "a resize is moving keys into this segment; "
				   "open the segment by its name, or finish "
				   "the resize");
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
	struct sfshm_options o = { 0 }, own;
	int state, r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	r = check_options(&options, &own);
	if (r == -ENOMEM)
		close(fd);
	if (!r && fd < 0)
		r = -EBADF;
	if (r)
		return why_at_least(r, options);
	/* Accepts the mode 0777 by default, because a memfd has it. That is
	   safe: a memfd has no name to open. */
	if (options)
		o = *options;
	o.mode = o.mode ? o.mode : 0777;
	state = uncancelled_begin();
	pthread_mutex_lock(&handle_lock);
	r = open_fd_locked(&map, fd, &o);
	if (!r)
		r = handle_make(out, map, follows_fork(&o));
	pthread_mutex_unlock(&handle_lock);
	uncancelled_end(state);
	return why_at_least(r, &o);
}

int sfshm_memfd(const char *label, const struct sfshm_options *options)
{
	struct sfshm_options own;
	int state = uncancelled_begin();
	int r = check_options(&options, &own);

	if (!r)
		r = file_create_memfd(label, options);
	uncancelled_end(state);
	return why_at_least(r, options);
}

/*
 * Also removes the names that a dead resizer may have left beside this one
 * (NAME~, NAME~new), because nobody would look for them later. Removes the
 * segment's own name first: a process that can still open the segment must find
 * the predecessor, too.
 */
int sfshm_unlink(const char *name)
{
	char path[4096], passing[4096], alias[4096];
	struct sfshm_options any = { .mode = 07777 };
	bool both[2] = { false };
	struct stat st;
	int r = name_to_path(name, geteuid(), path, sizeof(path));

	if (!r)
		r = fork_prepare();
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
