/* SPDX-License-Identifier: MIT */
/*
 * A segment as this process has it mapped.
 *
 * A process has one mapping per segment, with its only descriptor of the file:
 * to close a second one would drop the process's byte locks. Each handle and
 * each attached thread holds a reference to the mapping, because to unmap a
 * locked robust mutex would corrupt its holder's robust list. So a mapping
 * never moves, and it stays until no handle and no attached thread is left.
 *
 * A forked child inherits the bytes and the descriptor. The struct is void in
 * the child, because its references are those of the parent's threads, and the
 * parent's flights and pins point to it. If a handle follows forks
 * (SFSHM_FOLLOW_FORK), the child makes a struct of its own, an heir, for the
 * same bytes:
 *
 *  HEIR-1. If a handle that follows forks has ever led to a mapping, or to a
 *      successor of it, a child keeps the mapping's descriptor, and takes byte
 *      locks of its own through that. So the child has one descriptor of the
 *      file, and opens no path.
 *  HEIR-2. For each file a process has one mapping that is not void: the heir,
 *      or one that it opened. Handles that follow and handles that the child
 *      opens lead to the same one. An heir of a successor has the heir of its
 *      predecessor (SUCCESSION-3 in top/succession.h).
 *  HEIR-3. An heir begins as a new process would: with the process's own
 *      cookie and namespace, no byte lock, and the file not checked yet. A
 *      child in a time namespace where the clocks differ has no heir.
 *  HEIR-4. The last struct of the same bytes unmaps them, and then closes the
 *      descriptor.
 *
 *   struct in the child   bytes and descriptor          goes
 *   void, no heir         mapped, open if HEIR-1        with its last handle
 *   void, with an heir    the heir's                    with its last handle
 *   heir                  shared with the void struct   with its last reference
 *   heir in a grandchild  as any void struct
 *
 * Every index read from the segment passes one of the accessors below before it
 * is used; the geometry comes from the private, checked copy.
 */
#ifndef SEGMENT_MAPPING_H
#define SEGMENT_MAPPING_H

#include <stdbool.h>
#include <sys/types.h>

#include "os/atomics.h"
#include "segment/layout.h"

struct mapping {
	uint8_t *base;
	struct shm_header *header;
	struct shm_participant *participants;
	uint64_t *buckets;
	struct shm_slot *slots;
	struct shm_desk *cold; /* of the slots with the same numbers */
	uint64_t *tags;
	uint64_t *tag_words; /* see store/tagging.h */
	uint64_t *ghosts;    /* and `ring`: see store/probation.h */
	uint32_t *ring;
	uint8_t *granules;

	struct shm_geometry geometry;
	uint64_t seed;
	uint64_t pid_ns;  /* this process's PID namespace */
	uint64_t cookie;  /* of the process that mapped it */
	uint64_t time_ns; /* the segment's time namespace, or 0 */
	uint64_t serial;  /* unique among the mappings of this process */
	struct mapping *predecessor; /* with a reference; read under liburcu */
	char *path;                  /* by which it was opened, or NULL */
	ino_t folder;                /* inode of that path's folder */
	uint64_t look_at;            /* ns: when to check the file next */
	dev_t dev;
	ino_t ino;
	struct mapping *next;

	uint32_t inline_granules; /* how many granules are inside slots */
	uint32_t ghost_words;
	uint32_t ring_mask;   /* the ring's number of entries - 1 */
	uint32_t word_offset; /* of the futex word in a mutex */
	uint32_t refs;        /* handles, attached threads, mapping_get() */
	uint32_t handles;
	uint32_t door_locked; /* 1: the process has its byte lock for doors */
	int fd;
	uid_t uid; /* of the file when it was opened */
	gid_t gid;
	uint32_t mode;
	bool huge;     /* it asks for huge pages; see segment/huge.h */
	bool nameless; /* the file had no name when it was opened */
	bool followed; /* HEIR-1 */
} __attribute__((aligned(SHM_LINE)));

/*
 * Checks the header of the segment in `fd` and maps it, with a reference for a
 * handle. On success the mapping owns the descriptor. Returns 0, or a negated
 * errno value: -ESTALE if the segment is from before the last boot. If a check
 * refuses the segment, options->why says why. The caller makes sure that the
 * process has no mapping of it.
 */
struct sfshm_options;
int mapping_open(struct mapping **out, int fd, const struct sfshm_options *o);

/* mapping_open() for a caller that has the fstat(2) of the descriptor. */
struct stat;
int mapping_open_stat(struct mapping **out, int fd, const struct stat *st,
		      const struct sfshm_options *o);

/*
 * Returns the process's mapping of that file, with a reference for a handle, or
 * NULL. Closes the descriptors inherited over fork, except `keep` (-1: there is
 * none) and those of HEIR-1.
 */
struct mapping *mapping_find(dev_t dev, ino_t ino, int keep);

/*
 * In a forked child: finds or makes the child's own mapping of the file that
 * the inherited `old` maps, with a reference for a handle. Returns 0, -ENOMEM,
 * or -EPROTO: the child's clocks are not those of the segment.
 */
int mapping_inherit(struct mapping **out, const struct mapping *old);

/*
 * Both return the mapping of the segment that `map` replaces, with a reference
 * for the caller, or NULL if there is none or nothing is left in it. If nothing
 * is left, mapping_predecessor() drops the reference of `map` to that segment,
 * and first waits for a grace period of liburcu; in a read section of liburcu
 * it does neither. mapping_peek_predecessor() never waits: it is for callers
 * that hold a lock.
 */
struct mapping *mapping_predecessor(struct mapping *map);
struct mapping *mapping_peek_predecessor(struct mapping *map);

/*
 * Makes `old` the predecessor (NULL: there is none any more), and takes over
 * the caller's reference to `old`, which is one for a handle. If there was
 * another predecessor, waits for a grace period of liburcu and drops that one's
 * reference.
 */
void mapping_set_predecessor(struct mapping *map, struct mapping *old);

/* Takes one more reference; false if the last one is gone already. */
bool mapping_get(struct mapping *map);

/* mapping_get() of the mapping with that serial; NULL if it is gone. */
struct mapping *mapping_get_serial(uint64_t serial);
/*
 * mapping_put() drops a reference that mapping_get() took,
 * mapping_drop_handle() one for a handle. The caller that drops the last
 * reference unmaps the file (HEIR-4).
 */
void mapping_put(struct mapping *map);
void mapping_drop_handle(struct mapping *map);
/* Whether the process has exactly one reference for a handle. */
bool mapping_last_handle(struct mapping *map);

/* Called around fork(), so that a child finds the registry consistent. */
void mapping_fork_lock(void);
void mapping_fork_unlock(void);

/* The descriptor; -1 if it is closed by now, or another file has the number. */
int mapping_fd(struct mapping *map);

/* Checks a header copied from a file of `file_size` bytes. */
int header_check(const struct shm_header *h, uint64_t file_size,
		 const struct sfshm_options *o);
/* fingerprint_read(); says in o->why if robust mutexes do not work. */
int header_fingerprint(struct shm_fingerprint *f,
		       const struct sfshm_options *o);
uint64_t header_checksum(const struct shm_header *h);

/*
 * Points the region pointers into `base`, for a mapping or for a view
 * (sfshm/inspect.h).
 */
void mapping_lay_out(struct mapping *map, uint8_t *base,
		     const struct shm_geometry *g);

/* The inode of the segment that this one replaces, or 0. */
static inline uint64_t mapping_replaces(const struct mapping *map)
{
	return load_relaxed(&map->header->predecessor);
}

/* How much of a region is in use; never more than the region has. */
static inline uint32_t used_of(const uint32_t *used, uint32_t most)
{
	uint32_t n = load_acquire(used);

	return n < most ? n : most;
}

static inline uint32_t slots_used(const struct mapping *map)
{
	return used_of(&map->header->slots_used, map->geometry.slots);
}

/* How many of the granules outside slots are in use. */
static inline uint32_t granules_used(const struct mapping *map)
{
	return used_of(&map->header->granules_used,
		       map->geometry.granules - map->inline_granules);
}

/*
 * Granules have one numbering: first those inside slots, each of which is in
 * use if its slot is, then the others.
 */
static inline bool granule_in_use(const struct mapping *map, uint32_t i)
{
	return i < map->inline_granules ?
		       i < slots_used(map) :
		       i - map->inline_granules < granules_used(map);
}

static inline uint8_t *granule_at(const struct mapping *map, uint32_t i)
{
	return i < map->inline_granules ?
		       map->slots[i].inline_granule :
		       map->granules + (uint64_t)(i - map->inline_granules) *
					       SHM_GRANULE;
}

static inline uint32_t participants_used(const struct mapping *map)
{
	return used_of(&map->header->participants_used,
		       map->geometry.participants);
}

/* The struct with that index; NULL if the index is not in use. */
static inline struct shm_slot *slot_at(const struct mapping *map, uint32_t i)
{
	return likely(i < slots_used(map)) ? &map->slots[i] : NULL;
}

static inline struct shm_participant *participant_at(const struct mapping *map,
						     uint32_t i)
{
	return likely(i < participants_used(map)) ? &map->participants[i] :
						    NULL;
}

/* The futex word in a participant's mutex. */
static inline uint32_t *liveness_word(const struct mapping *map,
				      struct shm_participant *p)
{
	return (uint32_t *)(void *)(p->mutex_bytes + map->word_offset);
}

#endif
