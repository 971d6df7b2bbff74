/* SPDX-License-Identifier: MIT */
/* Making a successor; how it takes over is told in succession.c. */
#include <sfshm/resize.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sfshm/flight.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "segment/file.h"
#include "segment/geometry.h"
#include "segment/name.h"
#include "sync/flight.h"
#include "top/handle.h"

/* Generations leap by this, past all that the old segment may still reach. */
#define GENERATION_LEAP (UINT64_C(1) << 32)
/* How long to sleep between looks at the flights that are left. */
#define LOOK_AGAIN_NS (5 * NS_PER_MS)

struct resize {
	const struct sfshm_options *wish;
	char path[4096];
	char alias[4096];
	struct mapping *old;
	struct mapping *new;
	struct peer *from;
	struct peer *to;
	struct sfshm_result value;
	sfshm_progress_fn progress;
	void *arg;
	uint64_t moved;
	uint64_t deadline;
};

/* When the value that is there was made; 0: there is none. */
static uint64_t stored_at(struct call *c, uint32_t *ttl_ms)
{
	struct sighting seen;
	const struct shm_field *f;

	if (look(c, &seen) != LOOK_HIT)
		return 0;
	f = &c->self->map->slots[seen.slot].field[ctl_cur(seen.ctl)];
	*ttl_ms = load_relaxed(&f->ttl_ms);
	return load_relaxed(&f->stored);
}

/* Moves one key's value, unless a newer one is there. */
static int move_key(struct resize *z, const uint8_t *key, int len)
{
	const struct sfshm_policy plain = SFSHM_POLICY_INIT;
	struct call from = {
		.self = z->from,
		.result = &z->value,
		.policy = &plain,
	};
	struct call to = { .self = z->to, .policy = &plain };
	struct sfshm_result there = SFSHM_RESULT_INIT;
	struct iovec bytes;
	struct flight f;
	uint32_t ttl_ms, ignored;
	uint64_t stored;
	int r;

	to.key = key_make(z->new, key, (size_t)len);
	to.result = &there;
	stored = stored_at(&to, &ignored);
	from.key = key_make(z->old, key, (size_t)len);
	if (stored_at(&from, &ttl_ms) <= stored) {
		sfshm_result_clear(&there);
		return 0;
	}
	stored = sys.coarse() - z->value.age_ns;
	bytes.iov_base = z->value.value.data;
	bytes.iov_len = z->value.value.len;
	r = flight_begin_moved(&to, &f, stored, ttl_ms);
	sfshm_result_clear(&there);
	if (r != SFSHM_LEADER)
		return r == -EBUSY ? 0 : r;
	r = flight_publish(&f, z->to, &bytes, 1);
	if (r)
		flight_release(&f, z->to);
	else
		z->moved++;
	return r;
}

/* A key that was read while its slot stayed what it was. */
static int key_at(struct resize *z, uint32_t slot, uint8_t *key)
{
	struct shm_slot *s = &z->old->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);
	int n;

	if (!ctl_has(ctl) || !(ctl_at_rest(ctl) || ctl_busy(ctl)))
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
		int n = key_at(z, i, key);
		int r = n > 0 ? move_key(z, key, n) : 0;

		if (r == -EMSGSIZE)
			continue;
		if (r)
			return r;
		if (z->progress && i % 4096 == 0)
			z->progress(z->moved, 0, z->arg);
	}
	return 0;
}

/* Flights of living leaders that are still under way in the old segment. */
static uint64_t flights_left(struct resize *z)
{
	uint32_t used = slots_used(z->old);
	uint64_t n = 0;

	peer_reap_all(z->old);
	for (uint32_t i = 0; i < used; i++)
		n += ctl_busy(load_seq(&z->old->slots[i].ctl));
	return n;
}

static int wait_for_flights(struct resize *z)
{
	struct timespec nap = { .tv_nsec = LOOK_AGAIN_NS };
	uint64_t left;

	while ((left = flights_left(z))) {
		if (z->progress)
			z->progress(z->moved, left, z->arg);
		if (z->deadline && sys.now() >= z->deadline)
			return -ETIMEDOUT;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	return 0;
}

/*
 * The successor is in place. What was published in the old segment since it
 * was copied comes over now; then it may go.
 */
static int drain(struct resize *z)
{
	int r = wait_for_flights(z);

	if (!r)
		r = move_values(z);
	if (r)
		return r;
	kill_point(resize_emptied);
	store_release(&z->new->header->drained, 1);
	return unlink(z->alias) && errno != ENOENT ? -errno : 0;
}

/* The wish, with what it leaves open taken from the old segment. */
static void fill_wish(struct resize *z, struct sfshm_options *o,
		      const struct stat *st)
{
	const struct shm_geometry *g = &z->old->geometry;

	*o = *z->wish;
	o->flags |= SFSHM_SET_OWNER | SFSHM_SET_GROUP;
	o->slots = o->slots ? o->slots : g->slots;
	o->participants = o->participants ? o->participants : g->participants;
	o->max_value = o->max_value ? o->max_value : g->max_value;
	o->bytes = o->bytes ? o->bytes : (uint64_t)g->granules * SHM_GRANULE;
	o->mode = st->st_mode & 0777;
	o->owner = st->st_uid;
	o->group = st->st_gid;
}

/* A generation that the slots have reached, not only those that left. */
static void note_floor(struct resize *z)
{
	uint32_t used = slots_used(z->old);
	uint64_t top = load_acquire(&z->old->header->generation_floor);

	for (uint32_t i = 0; i < used; i++) {
		uint64_t gen = ctl_gen(load_seq(&z->old->slots[i].ctl));

		top = gen > top ? gen : top;
	}
	store_relaxed(&z->new->header->generation_floor, top + GENERATION_LEAP);
}

static int make_successor(struct resize *z)
{
	struct sfshm_options o;
	struct stat st;
	int fd, r;

	if (fstat(z->old->fd, &st))
		return -errno;
	fill_wish(z, &o, &st);
	fd = file_make(z->path, &o, st.st_ino);
	if (fd < 0)
		return fd;
	r = mapping_open(&z->new, fd, &o);
	if (r) {
		close(fd);
		return r;
	}
	z->new->path = strdup(z->path);
	note_floor(z);
	r = peer_attach(z->new, &z->to);
	return r ? r : move_values(z);
}

/*
 * The step that everybody sees is the rename. What stands under the passing
 * names is left over from a resize that died: this one holds the lock.
 */
static int take_the_name(struct resize *z)
{
	char passing[sizeof(z->path) + 8];
	int r;

	snprintf(passing, sizeof(passing), "%s~new", z->path);
	if ((unlink(passing) && errno != ENOENT) ||
	    (unlink(z->alias) && errno != ENOENT))
		return -errno;
	if (link(z->path, z->alias))
		return -errno;
	kill_point(resize_aliased);
	r = file_link(z->new->fd, passing);
	if (r)
		return r;
	kill_point(resize_linked);
	if (rename(passing, z->path))
		return -errno;
	kill_point(resize_renamed);
	__atomic_store_n(&z->old->header->moved, 1, __ATOMIC_SEQ_CST);
	kill_point(resize_moved);
	return 0;
}

/* A resize that was interrupted after the rename: its rest. */
static int finish_interrupted(struct resize *z)
{
	int r;

	z->new = z->old;
	z->to = z->from;
	z->old = mapping_predecessor(z->new);
	r = z->old ? peer_attach(z->old, &z->from) : 0;
	if (z->old && !r)
		r = drain(z);
	if (z->old)
		mapping_put(z->old);
	z->old = z->new;
	z->from = z->to;
	z->new = NULL;
	return r;
}

static int replace(struct resize *z)
{
	int r = make_successor(z);

	if (!r)
		r = take_the_name(z);
	if (!r)
		r = drain(z);
	if (z->new)
		mapping_drop_handle(z->new);
	return r;
}

/* With the lock on the old segment's file held: its death frees it. */
static int run(struct resize *z)
{
	int r = 0;

	if (load_acquire(&z->old->header->moved))
		return -EAGAIN;
	if (load_relaxed(&z->old->predecessor) &&
	    !load_acquire(&z->old->header->drained))
		r = finish_interrupted(z);
	if (r || !z->wish)
		return r;
	return replace(z);
}

static int lock_and_run(struct resize *z)
{
	int fd = mapping_fd(z->old), r;

	if (fd < 0)
		return -EBADF;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = run(z);
	flock(fd, LOCK_UN);
	return r;
}

static void explain(const struct sfshm_options *o, int r)
{
	if (r == -EBUSY)
		options_explain(o, "another resize is at work");
	if (r == -ETIMEDOUT)
		options_explain(o, "resized; flights go on in the old segment");
	if (r == -ENOSPC)
		options_explain(o, "no room for the successor");
}

int sfshm_resize(const char *name, const struct sfshm_options *options,
		 uint64_t deadline_ns, sfshm_progress_fn progress, void *arg)
{
	struct resize z = {
		.wish = options,
		.value = SFSHM_RESULT_INIT,
		.progress = progress,
		.arg = arg,
		.deadline = deadline_ns,
	};
	struct sfshm_options open = { .size = sizeof(open), .mode = 0777 };
	struct sfshm *h;
	int state, r;

	if (options && options->size != sizeof(*options))
		return -EINVAL;
	if (options) {
		open.why = options->why;
		open.why_size = options->why_size;
	}
	r = name_to_path(name, geteuid(), z.path, sizeof(z.path));
	if (!r)
		r = handle_old_path(z.path, z.alias, sizeof(z.alias));
	if (!r)
		r = sfshm_open(&h, name, &open);
	if (r)
		return r;
	state = handle_begin_uncancelled();
	r = handle_enter(h, &z.from);
	z.old = h->map;
	if (!r)
		r = lock_and_run(&z);
	explain(options, r);
	sfshm_result_clear(&z.value);
	sfshm_close(h);
	handle_end_uncancelled(state);
	return r;
}
