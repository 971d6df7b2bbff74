/* SPDX-License-Identifier: MIT */
/*
 * The record of a saved file, and how callers other than its writer read it,
 * while it is hidden and after. The stages and invariants stand in sync/save.h.
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
	uint64_t changed; /* once LINKED, if not 0: see struct savefile_sum */
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

/* A hidden record, and what its field says of it. */
struct save_note {
	struct save_record rec;
	uint64_t written; /* when its writer wrote it, CLOCK_BOOTTIME, ns */
	uint32_t ttl_ms;  /* of the result that is to come */
};

/* The checksum of all that does not change alone (SAVE-1). */
uint64_t save_check(const struct save_record *rec);

/* The file's part of a record: reads it, writes it. */
struct savefile_sum save_sum(const struct save_record *rec);
void save_note_file(struct save_record *rec, const struct savefile_sum *sum);

/* Checks a record. True: it is whole, and its path ends in a NUL now. */
bool save_parse(struct save_record *rec, size_t len);

/* Whether the file at the path is the saved one, as far as stat(2) can tell. */
bool save_is_there(const struct save_record *rec, const char *path);

/*
 * Reads the hidden record of a writer that has not come to an end. False: there
 * is none, or its writer is writing it.
 */
bool save_read_note(const struct mapping *map, const struct sighting *seen,
		    uint64_t key, struct save_note *n);

/* Whether what was read of another participant's slot is of that flight. */
bool save_is_as_seen(const struct mapping *map, const struct sighting *seen);

/*
 * Returns how much of its lifetime a file has left that its writer linked at
 * that time (CLOCK_BOOTTIME), ms; 0: none.
 */
uint32_t save_left(uint32_t ttl_ms, uint64_t linked);

/* Answers the call with a record. False: there is no memory for it. */
bool save_give(struct call *c, const struct save_record *rec, uint64_t since);

/*
 * Called before a caller takes the reservation from a writer that may live.
 * True: that writer's file is in place and serves the call, whose result is the
 * file's record now. It serves callers that came before `end`, and, within its
 * lifetime, all that do not want another. The policy's `arg` is the caller's
 * struct save; if that has a path, only the file at that path will do.
 */
bool save_serves(struct call *c, const struct sighting *seen, uint64_t end);

#endif
