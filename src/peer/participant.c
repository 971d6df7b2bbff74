/* SPDX-License-Identifier: MIT */
#include "peer/participant.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/door.h"
#include "peer/liveness.h"
#include "peer/polled.h"
#include "peer/record.h"
#include "peer/removal.h"
#include "peer/wait.h"
#include "segment/fingerprint.h"
#include "segment/reserve.h"

__thread struct peer *peer_current;
static __thread struct peer *attached; /* list of this thread's peers */
peer_sweep_fn peer_sweep;
peer_owns_fn peer_owns;
bool peer_several;
struct peer *peer_list;
pthread_mutex_t peer_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t exit_key; /* + 1; 0: not made yet */

static void detach_one(struct peer *p);

/* Runs at a thread's exit or cancellation: gives back all that it has. */
static on_any_stack void detach_all(void *unused)
{
	(void)unused;
	while (attached) {
		struct peer *p = attached;

		attached = p->next;
		detach_one(p);
	}
}

/* Fails if libc has no key left; the next call tries again. */
static int make_exit_key(void)
{
	pthread_key_t key;

	if (pthread_key_create(&key, detach_all))
		return -ENOMEM;
	if (!cas_acq_rel(&exit_key, 0, (uint64_t)key + 1))
		pthread_key_delete(key);
	return 0;
}

/* Makes libc call detach_all() at the thread's end. */
static int watch_exit(void)
{
	int r = load_acquire(&exit_key) ? 0 : make_exit_key();

	if (!r &&
	    pthread_setspecific((pthread_key_t)(load_acquire(&exit_key) - 1),
				&attached))
		r = -ENOMEM;
	return r;
}

static void list_peer(struct peer *p)
{
	pthread_mutex_lock(&peer_lock);
	p->next_here = peer_list;
	peer_list = p;
	pthread_mutex_unlock(&peer_lock);
}

static void unlist_peer(const struct peer *p)
{
	struct peer **at = &peer_list;

	pthread_mutex_lock(&peer_lock);
	while (*at && *at != p)
		at = &(*at)->next_here;
	if (*at)
		*at = p->next_here;
	pthread_mutex_unlock(&peer_lock);
}

bool peer_lives(uint64_t life)
{
	const struct peer *p;

	pthread_mutex_lock(&peer_lock);
	p = peer_list;
	while (p && (load_relaxed(&p->life) != life ||
		     p->cookie != process_cookie_seen()))
		p = p->next_here;
	pthread_mutex_unlock(&peer_lock);
	return p;
}

/* Bit 63 tells lives from the numbers of sync/detached.h. */
void peer_renew(struct peer *p)
{
	static uint64_t lives;

	store_relaxed(&p->life, (p->cookie + fetch_add_relaxed(&lives, 1) + 1) |
					UINT64_C(1) << 63);
}

/*
 * Frees the peers that a child inherited over fork. Leaves the segment alone:
 * the records are the parent's.
 */
static void forget_inherited(void)
{
	struct peer **at = &attached;

	while (*at) {
		struct peer *p = *at;

		if (p->cookie == process_cookie()) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		unlist_peer(p);
		free(p->semaphores);
		free(p);
	}
	peer_current = NULL;
}

/*
 * Called in a child that this thread forked. The child's list of robust mutexes
 * still has the parent's if libc is musl (glibc has emptied it). The child
 * holds none of them, and cannot unlock one; but its next robust lock would
 * write a pointer into the first of them, the parent's record, and the parent's
 * unlock would follow that pointer to memory that only the child has.
 */
void peer_forget_mutexes(void)
{
	struct robust_head *list = attached ? attached->robust : NULL;

	if (list)
		list->next = list;
}

/*
 * Whether the thread owns slots, or may own slots without a note, has permits,
 * pins or shared locks, or is in a call that keeps this peer.
 */
static bool owes_something(const struct peer *p)
{
	const struct shm_participant *rec = p->record;
	uint32_t any = load_relaxed(&rec->owned_overflow) | p->inside;

	for (int i = 0; i < SHM_PINS; i++)
		any |= load_relaxed(&rec->pins[i]);
	for (int i = 0; i < SHM_SHARED; i++)
		any |= load_relaxed(&rec->shared[i]);
	return any || peer_owns(p);
}

/* Detaches from mappings without a handle, unless the thread owes something. */
static void detach_abandoned(void)
{
	struct peer **at = &attached;

	while (*at) {
		struct peer *p = *at;

		if (load_relaxed(&p->map->handles) || owes_something(p)) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		detach_one(p);
	}
}

/* Locks the record, and gives back what its last owner had. */
static bool lock_record(struct peer *p, bool ask)
{
	struct shm_participant *rec = p->record;
	/* A hint, read before record_lock() names this thread in the record. */
	int32_t pid = load_relaxed(&rec->pid);
	int r = record_lock(p->map, rec, ask);

	if (r != EOWNERDEAD)
		return r == 0;
	p->dead_pid = pid;
	p->incarnation = life_number(load_relaxed(&rec->incarnation));
	kill_point(reap_locked);
	peer_sweep(p, true);
	kill_point(reap_swept);
	sys.wake(liveness_word(p->map, rec), INT32_MAX);
	p->dead_pid = 0;
	return pthread_mutex_consistent(&rec->mutex) == 0;
}

static void byte_lock(struct peer *p, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = p->id,
		.l_len = 1,
	};
	int fd = mapping_fd(p->map);

	if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 && type == F_WRLCK)
		fetch_or_acq_rel(&p->record->flags, SHM_PART_BYTE_LOCK);
}

void peer_relock(struct mapping *map)
{
	uint32_t used = participants_used(map);

	door_relock(map);
	for (uint32_t i = 0; i < used; i++) {
		struct peer p = {
			.map = map,
			.record = &map->participants[i],
			.id = i + 1,
		};

		if (!life_ended(load_acquire(&p.record->incarnation)) &&
		    load_relaxed(&p.record->cookie) == map->cookie &&
		    (load_relaxed(&p.record->flags) & SHM_PART_BYTE_LOCK))
			byte_lock(&p, F_WRLCK);
	}
}

/*
 * Fills in a record that this thread has just locked. Sets FUTEX_WAITERS in the
 * mutex's word once and for all, so that the kernel wakes a waiter when the
 * owner dies, and no waiter ever needs to write that word.
 */
static void fill_record(struct peer *p)
{
	struct shm_participant *rec = p->record;
	uint32_t incarnation = load_relaxed(&rec->incarnation) + 1;
	char name[sizeof(rec->name)] = "";

	p->incarnation = life_number(incarnation);
	store_relaxed(&rec->flags, 0);
	prctl(PR_GET_NAME, name);
	copy_torn(rec->name, name, sizeof(name));
	byte_lock(p, F_WRLCK);
	store_relaxed(&rec->epoch, 0);
	wait_unnote(rec);
	fetch_or_acq_rel(liveness_word(p->map, rec), FUTEX_WAITERS);
	/*
	 * ORDER-P3 pairs ORDER-P4
	 * A reader of the odd number sees the word locked and its holder named.
	 */
	store_release(&rec->incarnation, incarnation);
	peer_count(p, COUNT_attaches);
}

/* Takes a record in [from, to) that is free or whose owner is dead. */
static bool take_one(struct peer *p, uint32_t from, uint32_t to, bool ask)
{
	for (uint32_t i = from; i < to; i++) {
		p->record = &p->map->participants[i];
		p->id = i + 1;
		if (lock_record(p, ask))
			return true;
	}
	return false;
}

/* If no record is free, asks the kernel for deaths that it did not mark. */
static int take_record(struct peer *p)
{
	struct mapping *map = p->map;
	uint32_t from = 0, used;
	int r;

	do {
		used = participants_used(map);
		if (take_one(p, from, used, false))
			return 0;
		from = used;
		r = grow_participants(map, used);
	} while (!r);
	peer_examine_all(map);
	return take_one(p, 0, used, true) ? 0 : r;
}

struct peer *peer_attached(const struct mapping *map, uint64_t serial)
{
	for (struct peer *p = attached; p; p = p->next)
		if (p->map == map && p->cookie == process_cookie_seen() &&
		    (!serial || p->map->serial == serial))
			return p;
	return NULL;
}

struct peer *peer_of_slow(uint64_t life)
{
	for (struct peer *p = attached; p; p = p->next)
		if (p->life == life && p->cookie == process_cookie_seen())
			return p;
	return NULL;
}

struct peer *peer_of_birth(uint64_t born)
{
	for (struct peer *p = attached; p; p = p->next)
		if (p->born == born && p->cookie == process_cookie_seen())
			return p;
	return NULL;
}

int peer_attach(struct mapping *map, struct peer **out)
{
	struct peer *p;
	int r;

	forget_inherited();
	detach_abandoned();
	p = peer_attached(map, 0);
	if (p)
		goto found;
	/* Without the key, the thread's end would look like a death. */
	r = watch_exit();
	if (r)
		return r;
	p = aligned_alloc(SHM_LINE, sizeof(*p));
	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->map = map;
	p->cookie = process_cookie();
	peer_renew(p);
	p->born = p->life;
	r = take_record(p);
	/* Locking a robust mutex has cleared list_op_pending (WAIT-6). */
	wait_done();
	if (r) {
		free(p);
		return r;
	}
	kill_point(attach_locked);
	fill_record(p);
	kill_point(attach_filled);
	/* The thread has its byte lock by now (REMOVAL-3). */
	removal_look(map, sys.coarse());
	mapping_get(map);
	p->robust = robust_head();
	if (attached)
		store_relaxed(&peer_several, true);
	p->cursor = (p->id * 977u) % map->geometry.granules;
	p->next = attached;
	attached = p;
	list_peer(p);
found:
	peer_current = p;
	*out = p;
	return 0;
}

void peer_rest(void)
{
	for (struct peer *p = attached; p; p = p->next) {
		if ((p->permits || load_relaxed(&p->lent)) &&
		    p->cookie == process_cookie_seen()) {
			wait_rest_at(p->map);
			return;
		}
	}
	wait_unrest();
}

static void detach_one(struct peer *p)
{
	struct mapping *map = p->map;
	bool unlocked;

	if (peer_current == p)
		peer_current = NULL;
	/* From here on no other thread gives this one a flight (MOVE-3). */
	unlist_peer(p);
	if (p->cookie == process_cookie()) {
		/* A cancelled wait may have left list_op_pending set. */
		wait_done();
		peer_sweep(p, false);
		kill_point(detach_swept);
		byte_lock(p, F_UNLCK);
		unlocked = record_unlock(map, p->record);
		sys.wake(liveness_word(map, p->record), INT32_MAX);
		peer_rest();
		/* A mutex that stays locked is still in the robust list. */
		if (unlocked)
			mapping_put(map);
	}
	free(p->semaphores);
	free(p);
}

void peer_detach(const struct mapping *map)
{
	for (struct peer **at = &attached; *at; at = &(*at)->next) {
		struct peer *p = *at;

		if (p->map != map)
			continue;
		*at = p->next;
		detach_one(p);
		return;
	}
}

bool peer_reap(struct mapping *map, uint32_t index)
{
	struct shm_participant *rec = participant_at(map, index);
	struct peer victim = {
		.map = map,
		.record = rec,
		.id = index + 1,
	};
	uint32_t word;

	if (!rec || !life_proven_dead(map, rec, &word) || !word)
		return false;
	if (!lock_record(&victim, true)) {
		wait_done();
		return false;
	}
	/* A mutex that stays locked is in this thread's robust list. */
	if (!record_unlock(map, rec))
		mapping_get(map);
	sys.wake(liveness_word(map, rec), INT32_MAX);
	wait_done();
	return true;
}

void peer_examine_all(struct mapping *map)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];

		door_mend(map, rec);
		if (load_acquire(liveness_word(map, rec)))
			life_examine(map, i);
	}
}

uint32_t peer_reap_all(struct mapping *map)
{
	uint32_t used = participants_used(map), n = 0;

	for (uint32_t i = 0; i < used; i++)
		n += peer_reap(map, i);
	return n;
}

uint32_t peer_waiters(const struct mapping *map, uint32_t slot)
{
	uint32_t used = participants_used(map), n = 0;

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];
		uint32_t word;

		n += wait_slot(load_relaxed(&rec->wait)) == slot + 1 &&
		     !life_proven_dead(map, rec, &word);
	}
	return n + polled_count(map, slot);
}
