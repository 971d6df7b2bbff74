/* SPDX-License-Identifier: MIT */
#include "peer/record.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "os/killpoint.h"
#include "os/process.h"
#include "os/sys.h"
#include "peer/door.h"
#include "peer/liveness.h"
#include "segment/fingerprint.h"

/* How long a thread that unlocks waits for the door. */
#define DOOR_PATIENCE_NS (100 * NS_PER_MS)

static bool marked(uint32_t word)
{
	return word & FUTEX_OWNER_DIED;
}

/* Whether the mutex is free, or its holder is dead. */
static bool lockable(struct mapping *map, struct shm_participant *rec,
		     uint32_t word, bool ask)
{
	if (!word || marked(word))
		return true;
	if (!ask || !life_ended(load_acquire(&rec->incarnation)))
		return false;
	return !load_relaxed(&rec->tid) ||
	       (life_thread_gone(map, rec) &&
		!door_process_lives(map, load_relaxed(&rec->cookie)));
}

static void name_holder(const struct mapping *map, struct shm_participant *rec)
{
	store_relaxed(&rec->pid, getpid());
	store_relaxed(&rec->pid_ns, map->pid_ns);
	store_relaxed(&rec->cookie, map->cookie);
	compiler_barrier();
	store_relaxed(&rec->tid, process_tid());
}

/*
 * The caller is in the record's door (DOOR-1).
 *
 * ORDER-P1 pairs ORDER-P2
 * The reaper sees the owner's last stores before it sweeps: the kernel marks
 * the word after them, with a release, and trylock acquires the mark.
 */
static int lock_inside(struct mapping *map, struct shm_participant *rec,
		       uint32_t word)
{
	int r;

	life_end(rec, load_relaxed(&rec->incarnation));
	if (word && !marked(word)) {
		cas_acq_rel(liveness_word(map, rec), word,
			    FUTEX_OWNER_DIED | FUTEX_WAITERS);
		kill_point(door_marked);
	}
	store_relaxed(&rec->tid, 0);
	compiler_barrier();
	r = pthread_mutex_trylock(&rec->mutex);
	kill_point(door_locked);
	if (!r || r == EOWNERDEAD)
		name_holder(map, rec);
	return r;
}

int record_lock(struct mapping *map, struct shm_participant *rec, bool ask)
{
	uint32_t word = load_acquire(liveness_word(map, rec));
	uint64_t door;
	int r = EBUSY;

	if (!lockable(map, rec, word, ask))
		return EBUSY;
	door = door_enter(map, rec, ask || marked(word));
	if (!door)
		return EBUSY;
	kill_point(door_entered);
	word = load_acquire(liveness_word(map, rec));
	if (lockable(map, rec, word, ask) && mutex_prepare(&rec->mutex))
		r = lock_inside(map, rec, word);
	door_leave(rec, door);
	return r;
}

/* Waits for the door. The thread inside is about to leave, or has stopped. */
static uint64_t enter_patiently(struct mapping *map,
				struct shm_participant *rec)
{
	uint64_t until = 0, door;

	while (!(door = door_enter(map, rec, true))) {
		uint64_t now = sys.now();

		until = until ? until : now + DOOR_PATIENCE_NS;
		if (now >= until)
			return 0;
		sched_yield();
	}
	return door;
}

bool record_unlock(struct mapping *map, struct shm_participant *rec)
{
	uint64_t door = enter_patiently(map, rec);
	int r;

	if (!door)
		return false;
	store_relaxed(&rec->tid, 0);
	compiler_barrier();
	r = pthread_mutex_unlock(&rec->mutex);
	kill_point(door_unlocked);
	if (r)
		name_holder(map, rec);
	door_leave(rec, door);
	return !r;
}
