/* SPDX-License-Identifier: MIT */
/*
 * Resizing: an empty successor takes the segment's name, then the contents move
 * into it. succession.h says what holds at each step, and how processes follow.
 */
#include <sfshm/resize.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sfshm/flight.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/holder.h"
#include "segment/name.h"
#include "store/history.h"
#include "store/sharers.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/moving.h"
#include "top/succession.h"
#include "top/why.h"

/*
 * The successor's generations start this far above the old segment's highest
 * one; the old segment never gets that far.
 */
#define GENERATION_LEAP (UINT64_C(1) << 32)
/* Tries while other processes resize at the same time. */
#define MOST_TRIES 10

struct resize {
	const struct sfshm_options *wish; /* NULL: only finish */
	char path[4096];
	char alias[4096];
	char passing[4096];
	struct move move; /* from the segment of that name to its successor */
};

/*
 * Locks the segment's file by flock(2). A forked child may share the mapping's
 * open file, and would then share the lock, so this opens the file once more.
 * Without /proc it duplicates the mapping's descriptor. Returns a descriptor
 * for unlock_file(); -EBUSY, another resizer has the lock; or an error.
 */
static int lock_file(struct mapping *map)
{
	int own = mapping_fd(map), fd, r;
	char self[64];

	if (own < 0)
		return -EBADF;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", own);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	peer_relock(map);
	return r;
}

static void unlock_file(int fd, struct mapping *map)
{
	flock(fd, LOCK_UN);
	close(fd);
	peer_relock(map);
}

/* Whether `path` still names this segment. */
static bool stands_under(const struct mapping *map, const char *path)
{
	struct stat st;

	return !lstat(path, &st) && st.st_dev == map->dev &&
	       st.st_ino == map->ino;
}

/*
 * Moves the old segment's contents to the successor, which already has the
 * name, and removes the old segment's alias.
 */
static int drain(const struct resize *z, struct move *m)
{
	int r = move_all(m);

	if (r)
		return r;
	kill_point(resize_emptied);
	/* Leaders in the old segment may have seen newer tokens meanwhile. */
	holder_note_token(m->new, load_relaxed(&m->old->header->fleet_token));
	store_release(&m->new->header->drained, 1);
	kill_point(resize_drained);
	history_rare(m->to, EVENT_resized, HISTORY_NO_SLOT, 0, 0, 0);
	if (stands_under(m->old, z->alias) && unlink(z->alias))
		return -errno;
	return 0;
}

/* Returns the caller's options, with each 0 replaced by the old value. */
static struct sfshm_options fill_wish(const struct resize *z)
{
	const struct shm_geometry *g = &z->move.old->geometry;
	struct sfshm_options o = *z->wish;

	o.flags &= SFSHM_HUGE_PAGES;
	o.flags |= SFSHM_SET_OWNER | SFSHM_SET_GROUP;
	if (load_relaxed(&z->move.old->header->compatible) & SHM_HUGE)
		o.flags |= SFSHM_HUGE_PAGES;
	o.slots = o.slots ? o.slots : g->slots;
	o.participants = o.participants ? o.participants : g->participants;
	o.max_value = o.max_value ? o.max_value : g->max_value;
	o.bytes = o.bytes ? o.bytes : geometry_bytes(g);
	o.mode = z->move.old->mode;
	o.owner = z->move.old->uid;
	o.group = z->move.old->gid;
	return o;
}

/* Sets the successor's first generation above all of the old segment's. */
static int set_floor(struct resize *z)
{
	uint32_t used = slots_used(z->move.old);
	uint64_t top = load_acquire(&z->move.old->header->generation_floor);

	for (uint32_t i = 0; i < used; i++) {
		uint64_t gen = ctl_gen(load_seq(&z->move.old->slots[i].ctl));

		top = gen > top ? gen : top;
	}
	if (top + 2 * GENERATION_LEAP >= CTL_GEN_END)
		return -EOVERFLOW;
	store_relaxed(&z->move.new->header->generation_floor,
		      top + GENERATION_LEAP);
	return 0;
}

static int make_successor(struct resize *z)
{
	struct sfshm_options o = fill_wish(z);
	int fd = file_make(z->path, &o, z->move.old->ino);
	int r;

	if (fd < 0)
		return fd;
	r = mapping_open(&z->move.new, fd, &o);
	if (r) {
		close(fd);
		return r;
	}
	z->move.new->folder = z->move.old->folder;
	z->move.new->path = strdup(z->move.old->path);
	if (!z->move.new->path)
		return -ENOMEM;
	holder_pass(z->move.new, z->move.old);
	r = set_floor(z);
	return r ? r : peer_attach(z->move.new, &z->move.to);
}

/*
 * Gives the name to the successor. Other processes see only the rename. Locks
 * the successor's file first, so that a process that wants to resize it by the
 * name gets -EBUSY.
 */
static int take_the_name(struct resize *z)
{
	int r = 0;

	if (flock(z->move.new->fd, LOCK_EX | LOCK_NB) ||
	    link(z->path, z->alias))
		return -errno;
	if (!stands_under(z->move.old, z->alias))
		return -EAGAIN;
	kill_point(resize_aliased);
	r = file_link(z->move.new->fd, z->passing);
	if (r)
		return r;
	kill_point(resize_linked);
	if (rename(z->passing, z->path))
		return -errno;
	store_relaxed(&z->move.new->nameless, false);
	kill_point(resize_renamed);
	store_seq(&z->move.old->header->moved, SHM_MOVED);
	kill_point(resize_moved);
	return 0;
}

/* Removes the names that a resizer left if it died before its rename, or after
   the move but before it removed the alias. */
static int tidy(struct resize *z)
{
	int passing = succession_owns(z->path, z->passing);
	int alias = succession_owns(z->path, z->alias);

	if (passing < 0 || alias < 0) {
		options_explain(z->wish,
				"%s or %s exists and is no part of this "
				"segment; move it away",
				z->alias, z->passing);
		return -EEXIST;
	}
	if ((passing && unlink(z->passing)) || (alias && unlink(z->alias)))
		return -errno;
	return 0;
}

/* Finishes the move of a resizer that died or timed out after its rename. */
static int finish_interrupted(struct resize *z)
{
	struct move rest = {
		.old = mapping_predecessor(z->move.old),
		.new = z->move.old,
		.to = z->move.from,
		.progress = z->move.progress,
		.arg = z->move.arg,
		.deadline = z->move.deadline,
		.value = SFSHM_RESULT_INIT,
	};
	int fd, r;

	if (!rest.old)
		return 0;
	fd = lock_file(rest.old);
	r = fd < 0 ? -EBUSY : peer_attach(rest.old, &rest.from);
	if (!r)
		r = drain(z, &rest);
	if (fd >= 0)
		unlock_file(fd, rest.old);
	mapping_put(rest.old);
	move_clear(&rest);
	return r;
}

static int replace(struct resize *z)
{
	int r = make_successor(z);

	if (!r)
		r = take_the_name(z);
	if (!r)
		r = drain(z, &z->move);
	if (z->move.new) {
		flock(z->move.new->fd, LOCK_UN);
		mapping_drop_handle(z->move.new);
	}
	return r;
}

/*
 * Finishes an earlier resize, then does this one. Called with the file locked;
 * this process's death releases the lock.
 */
static int run_locked(struct resize *z)
{
	int r;

	if (handle_moved(z->move.old) || !stands_under(z->move.old, z->path))
		return -EAGAIN;
	r = finish_interrupted(z);
	if (!r)
		r = tidy(z);
	if (!r && z->wish)
		r = replace(z);
	return r;
}

static int run(struct resize *z)
{
	int fd = lock_file(z->move.old), r;

	if (fd < 0)
		return fd;
	r = run_locked(z);
	unlock_file(fd, z->move.old);
	return r;
}

static bool leads_or_holds(struct peer *p)
{
	const struct shm_participant *rec = p->record;
	bool all = load_relaxed(&rec->owned_overflow);
	uint32_t n = all ? slots_used(p->map) : SHM_OWNED;

	if (p->permits || load_relaxed(&p->lent) || sharer_holds_any(rec))
		return true;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = all ? i : load_relaxed(&rec->owned[i]) - 1;
		const struct shm_slot *s = slot_at(p->map, slot);
		uint64_t ctl = s ? load_seq(&s->ctl) : 0;

		if (ctl_busy(ctl) && ctl_owner(ctl) == p->id)
			return true;
	}
	return false;
}

/*
 * Whether this thread leads or holds something in the segment or in one of its
 * predecessors. The resize would wait for this thread, or for another thread
 * that waits for this one.
 */
static bool would_wait_for_itself(struct peer *p)
{
	struct mapping *old = mapping_predecessor(p->map);
	struct peer *there = old ? peer_attached(old, 0) : NULL;
	bool is = leads_or_holds(p) || (there && would_wait_for_itself(there));

	if (old)
		mapping_put(old);
	return is;
}

static int open_and_run(struct resize *z, const char *name)
{
	struct sfshm_options any = { .size = sizeof(any), .mode = 0777 };
	struct sfshm *h;
	int r;

	if (z->wish) {
		any.why = z->wish->why;
		any.why_size = z->wish->why_size;
	}
	r = sfshm_open(&h, name, &any);
	if (r)
		return r;
	r = handle_enter(h, &z->move.from);
	z->move.old = h->map;
	z->move.new = NULL;
	if (!r)
		r = would_wait_for_itself(z->move.from) ? -EDEADLK : run(z);
	sfshm_close(h);
	return r;
}

static void explain(const struct sfshm_options *o, int r)
{
	if (r == -EBUSY)
		options_explain(o, "another resize is running; let it finish");
	if (r == -EDEADLK)
		options_explain(o, "this thread leads a flight, or holds a "
				   "lock or permit, in the segment, and the "
				   "resize would wait for it; end it first");
	if (r == -ETIMEDOUT)
		options_explain(o, "resized, but flights go on in the old "
				   "segment; finish the resize later");
	if (r == -ENOSPC)
		options_explain(o, "no room for the new segment; "
				   "nothing has changed");
	if (r == -EOVERFLOW)
		options_explain(o, "generations have run out after many "
				   "resizes; make a new segment");
}

static int prepare(struct resize *z, const char *name)
{
	int r = name_to_path(name, geteuid(), z->path, sizeof(z->path));

	if (!r)
		r = handle_old_path(z->path, z->alias, sizeof(z->alias));
	if (!r)
		r = handle_passing_path(z->path, z->passing,
					sizeof(z->passing));
	return r;
}

/*
 * The process's cookie while one of its threads resizes. Without /proc the lock
 * on the file is that of the mapping's own open file, which all threads share;
 * this word then keeps the other threads out. A forked child finds its parent's
 * cookie here, and may resize.
 */
static uint64_t resizing_cookie;

static int begin_work(void)
{
	uint64_t me = process_cookie(), seen = load_relaxed(&resizing_cookie);

	if (!me)
		return -ENOMEM;
	return seen != me && cas_acq_rel(&resizing_cookie, seen, me) ? 0 :
								       -EBUSY;
}

int sfshm_resize(const char *name, const struct sfshm_options *options,
		 uint64_t deadline_ns, sfshm_progress_fn progress, void *arg)
{
	struct resize z = {
		.move.value = SFSHM_RESULT_INIT,
		.move.progress = progress,
		.move.arg = arg,
		.move.deadline = deadline_ns,
	};
	struct sfshm_options own;
	int tries = 0, state;
	int r = sized_adopt_options(&options, &own);

	if (r)
		return why_at_least(r, options);
	why_clear(options);
	r = prepare(&z, name);
	if (r)
		return why_at_least(r, options);
	r = begin_work();
	if (r) {
		explain(options, r);
		return why_at_least(r, options);
	}
	z.wish = options;
	state = uncancelled_begin();
	do {
		r = open_and_run(&z, name);
	} while (r == -EAGAIN && ++tries < MOST_TRIES);
	store_release(&resizing_cookie, 0);
	uncancelled_end(state);
	explain(options, r);
	move_clear(&z.move);
	return why_at_least(r == -EAGAIN ? -EBUSY : r, options);
}
