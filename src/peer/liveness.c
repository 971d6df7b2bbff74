/* SPDX-License-Identifier: MIT */
#include "peer/liveness.h"

#include <fcntl.h>

#include "os/process.h"
#include "os/sys.h"

bool life_proven_dead(const struct mapping *map, struct shm_participant *rec,
		      uint32_t *word)
{
	/* order: P4 pairs P3 */
	uint32_t tid = (uint32_t)load_acquire(&rec->tid);
	/*
	 * order: P2 pairs P1
	 * After the mark, all that the dead one wrote is visible.
	 */
	uint32_t w = load_acquire(liveness_word(map, rec));

	*word = w;
	if (w & FUTEX_OWNER_DIED)
		return true;
	return !tid || (w & FUTEX_TID_MASK) != tid;
}

bool life_held(const struct mapping *map, struct shm_participant *rec)
{
	uint32_t w = load_acquire(liveness_word(map, rec));

	return w && !(w & FUTEX_OWNER_DIED);
}

/*
 * The word still names a thread that is gone: nobody can hold the mutex, so
 * the mark may be set for the kernel.
 */
static enum life mark_dead(struct mapping *map, struct shm_participant *rec,
			   uint32_t word)
{
	uint32_t *at = liveness_word(map, rec);

	if (cas_acq_rel(at, word, FUTEX_OWNER_DIED | FUTEX_WAITERS))
		sys.wake(at, INT32_MAX);
	return LIFE_DEAD;
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
	uint32_t word;

	if (!rec || life_proven_dead(map, rec, &word))
		return LIFE_DEAD;
	if (map->pid_ns && load_relaxed(&rec->pid_ns) == map->pid_ns) {
		int32_t pid = load_relaxed(&rec->pid);
		int32_t tid = load_relaxed(&rec->tid);

		/* The one that the word names, and no other. */
		if (pid > 0 && tid > 0 &&
		    (word & FUTEX_TID_MASK) == (uint32_t)tid &&
		    process_thread_gone(pid, tid) &&
		    load_acquire(&rec->tid) == tid)
			return mark_dead(map, rec, word);
	}
	/* A process never sees its own locks. */
	if (load_relaxed(&rec->cookie) == process_cookie() ||
	    !(load_relaxed(&rec->flags) & SHM_PART_BYTE_LOCK))
		return LIFE_ALIVE;
	return byte_lock_free(map, index + 1) ? LIFE_SUSPECT : LIFE_ALIVE;
}
