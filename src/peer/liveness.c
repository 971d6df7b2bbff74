/* SPDX-License-Identifier: MIT */
#include "peer/liveness.h"

#include <fcntl.h>

#include "os/process.h"
#include "os/sys.h"

bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word)
{
	/*
	 * ORDER-P4 pairs ORDER-P3
	 * If the number is odd, the load below sees that owner's lock, or a
	 * later word (LIFE-3).
	 * ORDER-P6 pairs ORDER-P5
	 * If the number is even, all that the owner did is visible.
	 */
	uint32_t incarnation = load_acquire(&rec->incarnation);
	/*
	 * ORDER-P2 pairs ORDER-P1
	 * After the mark, all that the dead owner wrote is visible. The kernel
	 * never marks a thread that lives (LIFE-4).
	 */
	uint32_t w = load_acquire(liveness_word(map, rec));

	*word = w;
	return w & FUTEX_OWNER_DIED || life_ended(incarnation);
}

/*
 * ORDER-P5 pairs ORDER-P6
 * A thread that ends an incarnation has seen the owner's last store: the thread
 * is the owner, or has acquired the kernel's mark, or the kernel has told it
 * that the owner's thread is gone.
 */
bool life_end(struct shm_participant *rec, uint32_t incarnation)
{
	return !life_ended(incarnation) &&
	       cas_acq_rel(&rec->incarnation, incarnation, incarnation + 1);
}

bool life_held(const struct mapping *map, struct shm_participant *rec)
{
	uint32_t w = load_acquire(liveness_word(map, rec));

	return w && !(w & FUTEX_OWNER_DIED);
}

bool life_thread_gone(const struct mapping *map,
		      const struct shm_participant *rec)
{
	int32_t pid = load_relaxed(&rec->pid);
	int32_t tid = load_relaxed(&rec->tid);

	return map->pid_ns && load_relaxed(&rec->pid_ns) == map->pid_ns &&
	       pid > 0 && tid > 0 && process_thread_gone(pid, tid);
}

static bool byte_lock_free(struct mapping *map, uint32_t id)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = id,
		.l_len = 1,
	};
	int fd = mapping_fd(map);

	return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 &&
	       lock.l_type == F_UNLCK;
}

enum life life_examine(struct mapping *map, uint32_t index)
{
	struct shm_participant *rec = participant_at(map, index);
	uint32_t incarnation, word;

	if (!rec)
		return LIFE_DEAD;
	/* Read before the kernel is asked (LIFE-1). */
	incarnation = load_acquire(&rec->incarnation);
	if (life_proven_dead(map, rec, &word))
		return LIFE_DEAD;
	if (life_thread_gone(map, rec)) {
		if (life_end(rec, incarnation))
			sys.wake(liveness_word(map, rec), INT32_MAX);
		return LIFE_DEAD;
	}
	/* A process never sees its own locks. */
	if (load_relaxed(&rec->cookie) == process_cookie() ||
	    !(load_relaxed(&rec->flags) & SHM_PART_BYTE_LOCK))
		return LIFE_ALIVE;
	return byte_lock_free(map, index + 1) ? LIFE_SUSPECT : LIFE_ALIVE;
}
