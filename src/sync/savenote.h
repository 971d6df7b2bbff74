/* SPDX-License-Identifier: MIT */
/*
 * The record of a saved file, and how callers other than its writer read it:
 * while it is hidden, and once it is a result. For the stages and invariants
 * see sync/save.h.
 */
#ifndef SYNC_SAVENOTE_H
#define SYNC_SAVENOTE_H

#include "sync/call.h"
#include "sync/savefile.h"

#define SAVE_MAGIC 0x65766173u

struct save_record {
	uint32_t magic;
	uint32_t stage;   /* enum sfshm_save_stage */
	uint64_t check;   /* of all that follows `changed` */
	uint64_t changed; /* as in struct savefile_sum; 0: not known yet */
	uint64_t key;     /* the key's hash */
	uint64_t generation;
	uint64_t bytes;
	uint64_t checksum;
	uint64_t device;
	uint64_t inode;
	uint32_t path_len;
	uint32_t reserved;
	char path[SFSHM_SAVE_PATH_MAX]; /* of which path_len bytes, no NUL */
};
static_assert(offsetof(struct save_record, path) == 80, "layout");

/* The bytes of a record before its path. */
#define SAVE_HEAD offsetof(struct save_record, path)

/* A hidden record, with the time and the lifetime that its field has. */
struct save_note {
	struct save_record rec;
	uint64_t written; /* when its writer wrote it, CLOCK_BOOTTIME, ns */
	uint32_t ttl_ms;  /* of the result that is to come */
};

/* The checksum of all that follows `changed` (SAVE-1). */
uint64_t save_check(const struct save_record *rec);

/* Read and write the part of a record that describes the file. */
struct savefile_sum save_sum(const struct save_record *rec);
void save_note_file(struct save_record *rec, const struct savefile_sum *sum);

/* Checks a record. True: the record is whole, and its path has got its NUL. */
bool save_parse(struct save_record *rec, size_t len);

/* Whether the file at the path is the saved one, as far as stat(2) can tell. */
bool save_is_there(const struct save_record *rec, const char *path);

/*
 * Reads the hidden record of a writer that has not ended its save. False: there
 * is none, or the writer is writing it.
 */
bool save_read_note(const struct mapping *map, const struct sighting *seen,
		    uint64_t key, struct save_note *n);

/*
 * Whether all that the caller has read of the slot is of the flight that it
 * saw.
 */
bool save_is_as_seen(const struct mapping *map, const struct sighting *seen);

/*
 * Returns how much is left of the lifetime of a file that was linked at
 * `linked` (CLOCK_BOOTTIME, ns), in ms; 0: nothing.
 */
uint32_t save_left(uint32_t ttl_ms, uint64_t linked);

/*
 * Answers the call with a record, as a result stored at `since`. False: there
 * is no memory for it.
 */
bool save_give(struct call *c, const struct save_record *rec, uint64_t since);

/*
 * Called before a caller takes the reservation from a writer that may be alive.
 * `end` is when the reservation ran out; 0: the writer is suspected to be dead.
 * True: that writer's file is in place and serves the call; the call's result
 * is the file's record then. The file serves each caller that came before
 * `end`. Within its lifetime it also serves each caller that does not ask for a
 * new file. The policy's `arg` is the caller's struct save; if that has a path,
 * only the file at that path will do.
 */
bool save_serves(struct call *c, const struct sighting *seen, uint64_t end);

#endif
