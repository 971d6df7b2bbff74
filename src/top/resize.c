/* SPDX-License-Identifier: MIT */
/*
 * Making a successor: an empty one takes the name, then everything moves.
 * What holds at each step, and how processes follow, is told in succession.h.
 */
#include <sfshm/resize.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sfshm/flight.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/name.h"
#include "store/owned.h"
#include "sync/semaphore.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/succession.h"

/* Generations leap by this, past all that the old segment may still reach. */
#define GENERATION_LEAP (UINT64_C(1) << 32)
/* How long to sleep between looks at the flights that are left. */
#define LOOK_AGAIN_NS (5 * NS_PER_MS)
/* Others may resize at the same time: how often to look anew. */
#define MOST_TRIES 10

struct resize {
	const struct sfshm_options *wish; /* NULL: only finish */
	char path[4096];
	char alias[4096];
	char passing[4096];
	struct mapping *old, *new;
	struct peer *from, *to;
	struct sfshm_result value;
	sfshm_progress_fn progress;
	void *arg;
	uint64_t moved;
	uint64_t deadline;
};

static uint32_t kept_ms(struct field field)
{
	uint64_t ms = unscale_ms(load_relaxed(&field.back->keep));

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/*
 * Publishes the old segment's value in the flight `f` of the new one. While
 * that flight is ours nobody leads the key there, and here nobody begins to:
 * unless it is under way here, what stands here is the newest. If it was
 * forgotten or purged here meanwhile, so it is there.
 */
static int carry_over(struct resize *z, struct call *from, struct call *to,
		      struct flight *f)
{
	struct field field;
	struct sighting seen;
	struct iovec bytes;
	uint32_t ttl;
	int r = look(from, &seen);

	if (r != LOOK_HIT || ctl_busy(seen.ctl))
		return r < 0 ? r : -ENODATA;
	field = slot_value(z->old, seen.slot, seen.ctl);
	ttl = load_relaxed(&field.front->ttl_ms);
	f->ttl_ms = ttl;
	f->stored = front_stored(field.front);
	f->keep_ms = kept_ms(field);
	bytes.iov_base = z->value.value.data;
	bytes.iov_len = z->value.value.len;
	r = flight_publish(f, z->to, &bytes, 1);
	if (r)
		return r;
	/*
	 * ORDER-X2 pairs ORDER-X1
	 * Who invalidates softly ends the lifetime here, then looks there.
	 */
	fence_seq();
	if (load_relaxed(&field.front->ttl_ms) == ttl &&
	    slot_retire(z->from, seen.slot, seen.ctl))
		return 0;
	return flight_forget(to) ?: -ENODATA;
}

/* What has no room in the new segment, or is in use there. */
static bool left_behind(int r)
{
	return r == -ENOSPC || r == -EMSGSIZE || r == -ENODATA ||
	       r == -ESTALE || r == -EBUSY || r == -EREMOTEIO || r == -ENOENT;
}

/*
 * Of a lock only this moves: that its last holder died, which the next one is
 * to be told. It is left in the new segment as if that had happened there.
 */
static int orphan_over(struct resize *z, struct call *from,
		       const struct flight *f)
{
	struct sighting seen;
	int r = look(from, &seen);

	if (flight_abandon(z->to, f->slot, f->ctl)) {
		event_wake(&z->new->cold[f->slot].event, true);
		owned_drop(z->to, f->slot);
	} else {
		flight_yield(z->to, f->slot);
	}
	if (r == LOOK_CLAIMABLE && seen.ctl & LOCK_ORPHANED)
		slot_retire(z->from, seen.slot, seen.ctl);
	return 0;
}

/* Should this process be stopped, others need not wait for it. */
static const struct sfshm_policy plain = {
	.size = sizeof(plain),
	.flags = SFSHM_KEEP,
	.lock_age_ms = 1000,
};

/* Moves one key's value, unless the key is in use in the new segment. */
static int move_key(struct resize *z, enum shm_kind kind, const uint8_t *key,
		    int len)
{
	struct sfshm_result there = SFSHM_RESULT_INIT;
	struct call from = {
		.self = z->from,
		.key = key_make(z->old, kind, key, (size_t)len),
		.result = &z->value,
		.policy = &plain,
	};
	struct call to = {
		.self = z->to,
		.key = key_make(z->new, kind, key, (size_t)len),
		.result = &there,
		.policy = &plain,
	};
	struct flight f;
	int r = flight_begin_moving(&to, &f);

	sfshm_result_clear(&there);
	if (r != SFSHM_LEADER)
		return r >= 0 || left_behind(r) ? 0 : r;
	if (kind == SHM_LOCK)
		return orphan_over(z, &from, &f);
	r = carry_over(z, &from, &to, &f);
	if (flight_open(&f))
		(void)flight_end_somehow(&f, z->to, 0, NULL);
	if (!r)
		z->moved++;
	return left_behind(r) ? 0 : r;
}

static bool to_be_moved(enum shm_kind kind, uint64_t ctl)
{
	switch (kind) {
	case SHM_VALUE:
	case SHM_SEMAPHORE:
	case SHM_SAVE: return ctl_has(ctl);
	case SHM_LOCK: return ctl & LOCK_ORPHANED;
	default: return false;
	}
}

/*
 * A semaphore's maximum goes with it, its permits do not: each is looked for
 * in both segments until this one is let go. Who sleeps for one here learns
 * that it has moved.
 */
static int move_semaphore(struct resize *z, uint32_t slot, const uint8_t *key,
			  int len)
{
	struct sfshm_result there = SFSHM_RESULT_INIT;
	struct call to = {
		.self = z->to,
		.key = key_make(z->new, SHM_SEMAPHORE, key, (size_t)len),
		.result = &there,
		.policy = &plain,
	};
	struct shm_semaphore head;
	struct semaphore s;
	struct iovec iov[2];
	struct flight f;
	int r;

	if (!semaphore_at(z->old, slot, &s))
		return 0;
	r = flight_begin_moving(&to, &f);
	sfshm_result_clear(&there);
	if (r == SFSHM_LEADER) {
		f.ttl_ms = SFSHM_FOREVER;
		semaphore_fresh(&head, semaphore_max(&s), iov);
		r = flight_publish(&f, z->to, iov, 2);
		if (flight_open(&f))
			(void)flight_end_somehow(&f, z->to, 0, NULL);
	}
	event_wake(&z->old->cold[slot].event, true);
	return r >= 0 || left_behind(r) ? 0 : r;
}

/*
 * The key of a slot that has something to move, and stayed what it was while it
 * was read; or 0.
 */
static int key_at(struct resize *z, uint32_t slot, enum shm_kind *kind,
		  uint8_t *key)
{
	struct shm_slot *s = &z->old->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);
	int n;

	*kind = slot_kind(s);
	if (!ctl_at_rest(ctl) || !to_be_moved(*kind, ctl))
		return 0;
	n = key_load(z->old, s, key);
	fence_acquire();
	return load_seq(&s->ctl) == ctl ? n : 0;
}

static int move_values(struct resize *z)
{
	uint32_t used = slots_used(z->old);
	uint8_t key[SFSHM_KEY_MAX];

	for (uint32_t i = 0; i < used; i++) {
		enum shm_kind kind;
		int n = key_at(z, i, &kind, key);
		int r = 0;

		if (n > 0)
			r = kind == SHM_SEMAPHORE ?
				    move_semaphore(z, i, key, n) :
				    move_key(z, kind, key, n);
		if (r)
			return r;
		if (z->progress && i % 4096 == 0)
			z->progress(z->moved, 0, z->arg);
	}
	return 0;
}

static int wait_for_flights(struct resize *z)
{
	struct timespec nap = { .tv_nsec = LOOK_AGAIN_NS };
	uint64_t left;

	while ((left = succession_under_way(z->old))) {
		if (z->progress)
			z->progress(z->moved, left, z->arg);
		if (z->deadline && sys.now() >= z->deadline)
			return -ETIMEDOUT;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	return 0;
}

/* The name may have gone to another file since it was opened. */
static bool stands_under(const struct mapping *map, const char *path)
{
	struct stat st;

	return !lstat(path, &st) && st.st_dev == map->dev &&
	       st.st_ino == map->ino;
}

/* The successor is in place: empties the old segment and lets go of it. */
static int drain(struct resize *z)
{
	/* The values of a removed one have gone with it. */
	bool keep = !removal_known(z->old);
	int r = keep ? move_values(z) : 0;

	if (!r)
		r = wait_for_flights(z);
	if (!r && keep)
		r = move_values(z);
	if (r)
		return r;
	kill_point(resize_emptied);
	store_release(&z->new->header->drained, 1);
	kill_point(resize_drained);
	if (stands_under(z->old, z->alias) && unlink(z->alias))
		return -errno;
	return 0;
}

/* The wish, with what it leaves open taken from the old segment. */
static struct sfshm_options fill_wish(const struct resize *z)
{
	const struct shm_geometry *g = &z->old->geometry;
	struct sfshm_options o = *z->wish;

	o.flags &= SFSHM_HUGE_PAGES;
	o.flags |= SFSHM_SET_OWNER | SFSHM_SET_GROUP;
	if (load_relaxed(&z->old->header->compatible) & SHM_HUGE)
		o.flags |= SFSHM_HUGE_PAGES;
	o.slots = o.slots ? o.slots : g->slots;
	o.participants = o.participants ? o.participants : g->participants;
	o.max_value = o.max_value ? o.max_value : g->max_value;
	o.bytes = o.bytes ? o.bytes : geometry_bytes(g);
	o.mode = z->old->mode;
	o.owner = z->old->uid;
	o.group = z->old->gid;
	return o;
}

/* No generation of the old segment reaches the new one's floor. */
static int set_floor(struct resize *z)
{
	uint32_t used = slots_used(z->old);
	uint64_t top = load_acquire(&z->old->header->generation_floor);

	for (uint32_t i = 0; i < used; i++) {
		uint64_t gen = ctl_gen(load_seq(&z->old->slots[i].ctl));

		top = gen > top ? gen : top;
	}
	if (top + 2 * GENERATION_LEAP >= CTL_GEN_END)
		return -EOVERFLOW;
	store_relaxed(&z->new->header->generation_floor, top + GENERATION_LEAP);
	return 0;
}

static int make_successor(struct resize *z)
{
	struct sfshm_options o = fill_wish(z);
	int fd = file_make(z->path, &o, z->old->ino);
	int r;

	if (fd < 0)
		return fd;
	r = mapping_open(&z->new, fd, &o);
	if (r) {
		close(fd);
		return r;
	}
	z->new->folder = z->old->folder;
	z->new->path = strdup(z->old->path);
	if (!z->new->path)
		return -ENOMEM;
	r = set_floor(z);
	return r ? r : peer_attach(z->new, &z->to);
}

/*
 * The step that everybody sees is the rename. The successor's file is locked
 * before, so that who finds it under the name finds a resize at work.
 */
static int take_the_name(struct resize *z)
{
	int r = 0;

	if (flock(z->new->fd, LOCK_EX | LOCK_NB) || link(z->path, z->alias))
		return -errno;
	if (!stands_under(z->old, z->alias))
		return -EAGAIN;
	kill_point(resize_aliased);
	r = file_link(z->new->fd, z->passing);
	if (r)
		return r;
	kill_point(resize_linked);
	if (rename(z->passing, z->path))
		return -errno;
	store_relaxed(&z->new->nameless, false);
	kill_point(resize_renamed);
	store_seq(&z->old->header->moved, SHM_MOVED);
	kill_point(resize_moved);
	return 0;
}

/* What a resize left that died before the rename, or after the last step. */
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

/* A resize that died after the rename: its rest. */
static int finish_interrupted(struct resize *z)
{
	struct resize rest = *z;
	int r = 0;

	rest.new = z->old;
	rest.to = z->from;
	rest.old = mapping_predecessor(z->old);
	if (!rest.old)
		return 0;
	if (flock(rest.old->fd, LOCK_EX | LOCK_NB))
		r = -EBUSY;
	if (!r)
		r = peer_attach(rest.old, &rest.from);
	if (!r)
		r = drain(&rest);
	flock(rest.old->fd, LOCK_UN);
	mapping_put(rest.old);
	z->value = rest.value;
	return r;
}

static int replace(struct resize *z)
{
	int r = make_successor(z);

	if (!r)
		r = take_the_name(z);
	if (!r)
		r = drain(z);
	if (z->new) {
		flock(z->new->fd, LOCK_UN);
		mapping_drop_handle(z->new);
	}
	return r;
}

/* With the lock on the file under the name held: its death frees it. */
static int run_locked(struct resize *z)
{
	int r;

	if (handle_moved(z->old) || !stands_under(z->old, z->path))
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
	int fd = mapping_fd(z->old), r;

	if (fd < 0)
		return -EBADF;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = run_locked(z);
	flock(fd, LOCK_UN);
	return r;
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
	r = handle_enter(h, &z->from);
	z->old = h->map;
	z->new = NULL;
	if (!r)
		r = run(z);
	sfshm_close(h);
	return r;
}

static void explain(const struct sfshm_options *o, int r)
{
	if (r == -EBUSY)
		options_explain(o, "another resize is running; let it finish");
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
 * The lock on the file is the process's, not the thread's: of its threads one
 * resizes at a time. What is noted is the process's cookie, for in a forked
 * child nobody is at it, whatever its parent was doing.
 */
static uint64_t at_work;

static int begin_work(void)
{
	uint64_t me = process_cookie(), seen = load_relaxed(&at_work);

	if (!me)
		return -ENOMEM;
	return seen != me && cas_acq_rel(&at_work, seen, me) ? 0 : -EBUSY;
}

int sfshm_resize(const char *name, const struct sfshm_options *options,
		 uint64_t deadline_ns, sfshm_progress_fn progress, void *arg)
{
	struct resize z = {
		.value = SFSHM_RESULT_INIT,
		.progress = progress,
		.arg = arg,
		.deadline = deadline_ns,
	};
	struct sfshm_options own;
	int tries = 0, state;
	int r = sized_adopt_options(&options, &own);

	if (!r)
		r = prepare(&z, name);
	if (r)
		return r;
	r = begin_work();
	if (r) {
		explain(options, r);
		return r;
	}
	z.wish = options;
	state = uncancelled_begin();
	do {
		r = open_and_run(&z, name);
	} while (r == -EAGAIN && ++tries < MOST_TRIES);
	store_release(&at_work, 0);
	uncancelled_end(state);
	explain(options, r);
	sfshm_result_clear(&z.value);
	return r == -EAGAIN ? -EBUSY : r;
}
