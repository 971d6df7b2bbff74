/* SPDX-License-Identifier: MIT */
#include "peer/door.h"

#include <fcntl.h>

/* The number of a process, for doors and for its byte lock (DOOR-3). */
static uint64_t number_of(uint64_t cookie)
{
	return cookie & ~(DOOR_TAKEN | DOOR_UNPROVEN);
}

static struct flock lock_of(uint64_t number)
{
	return (struct flock){
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(DOOR_LOCKS + (number >> 2)),
		.l_len = 1,
	};
}

/* DOOR-4: the process keeps the lock for as long as it maps the segment. */
static bool take_lock(struct mapping *map, int fd)
{
	struct flock lock = lock_of(number_of(map->cookie));

	if (load_relaxed(&map->door_locked))
		return true;
	if (fcntl(fd, F_SETLK, &lock))
		return false;
	store_relaxed(&map->door_locked, 1);
	return true;
}

/* The word that this process puts into a door; unproven without a lock. */
static uint64_t own_word(struct mapping *map)
{
	uint64_t number = number_of(map->cookie);
	int fd = mapping_fd(map);

	if (!number || fd < 0 || !take_lock(map, fd))
		number |= DOOR_UNPROVEN;
	return number | DOOR_TAKEN;
}

bool door_process_lives(struct mapping *map, uint64_t cookie)
{
	struct flock lock = lock_of(number_of(cookie));
	int fd = mapping_fd(map);

	/* A process never sees its own locks. */
	return number_of(cookie) == number_of(map->cookie) || fd < 0 ||
	       fcntl(fd, F_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* ORDER-C2 pairs ORDER-C1 */
static bool take(struct mapping *map, struct shm_participant *rec,
		 uint64_t door, bool mend)
{
	uint64_t in = load_relaxed(&rec->door);

	if (in && (!mend || in & DOOR_UNPROVEN || door_process_lives(map, in)))
		return false;
	return cas_acq_rel(&rec->door, in, door);
}

uint64_t door_enter(struct mapping *map, struct shm_participant *rec, bool mend)
{
	uint64_t door;

	if (load_relaxed(&rec->door) && !mend)
		return 0;
	door = own_word(map);
	return take(map, rec, door, mend) ? door : 0;
}

/*
 * ORDER-C1 pairs ORDER-C2
 * The next thread in the door sees what this one has done there. For
 * list_op_pending (DOOR-2) program order is enough, because the kernel reads it
 * after the thread's last instruction.
 */
void door_leave(struct shm_participant *rec, uint64_t door)
{
	compiler_barrier();
	cas_acq_rel(&rec->door, door, 0);
}

void door_mend(struct mapping *map, struct shm_participant *rec)
{
	if (load_relaxed(&rec->door))
		take(map, rec, 0, true);
}

void door_relock(struct mapping *map)
{
	int fd = mapping_fd(map);

	if (fd < 0 || !load_relaxed(&map->door_locked))
		return;
	store_relaxed(&map->door_locked, 0);
	take_lock(map, fd);
}
