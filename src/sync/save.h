/* SPDX-License-Identifier: MIT */
/*
 * Staged saves.
 *
 * A save is a flight of kind SHM_SAVE. Its result is a record of the file.
 * While the flight is under way the same record stands, hidden from readers, in
 * the field that the result will have, with the stage that the writer has
 * reached. The next leader reads it there. With W the writer and N the next
 * leader:
 *
 *   stage      state                              if W dies, N
 *   RESERVED   W has the flight                   begins anew
 *   ACQUIRED   W has a permit, if it wants one    begins anew; W's own sweep
 *                                                 gives the permit back
 *   WRITING    there may be a temporary file      removes it, if it has a
 *                                                 name, and begins anew
 *   LINKING    the file is whole, and the record  looks at the path: if the
 *              has its length and checksum; the   file is there, by length
 *              file may be under its path, and    and checksum, announces it;
 *              under its passing name             else does as for WRITING
 *   LINKED     the file is under its path         does as for LINKING
 *   ANNOUNCED  the record is as readers will      does as for LINKING
 *              see it
 *   (flip)     the record is the result           has nothing left to do
 *
 * An aborted or failed save has no stage. Besides N, the next writer that saves
 * the same key in the same folder removes the files that W left there.
 *
 * Invariants:
 *
 *  SAVE-1. One write of the record changes its stage alone, or changes the rest
 *      and leaves the stage as it was. The rest has a checksum of its own, so
 *      a record that W was writing when it died is either whole or known not
 *      to be. If it is not whole, W had not linked the file, for W writes the
 *      stage LINKING after the rest, and links the file after that.
 *  SAVE-2. The record names its key and the flight that wrote it. A record of
 *      an earlier flight than the last good result's counts no more; a record
 *      of a later flight is of a writer that never came to an end.
 *  SAVE-3. A temporary file's name is made of the key and the generation: a
 *      writer that lost its flight and lives does not meet the next writer's
 *      file. The passing name, under which a whole file stands just before it
 *      replaces another one, is made of the key alone: a writer that meets it
 *      removes it.
 *  SAVE-4. As far as can be, only a writer that has the flight puts a file
 *      under the path: it renews its reservation just before. A writer that
 *      stops just then, for longer than the reservation, puts a whole file of
 *      its own there. That file's inode is not the record's, so the next save
 *      writes the file anew.
 */
#ifndef SYNC_SAVE_H
#define SYNC_SAVE_H

#include <sfshm/save.h>
#include <sfshm/semaphore.h>

#include "sync/flight.h"
#include "sync/savefile.h"

#define SAVE_MAGIC 0x65766173u

struct save_record {
	uint32_t magic;
	uint32_t stage; /* enum sfshm_save_stage */
	uint64_t check; /* of all that follows */
	uint64_t key;   /* the key's hash */
	uint64_t generation;
	uint64_t bytes;
	uint64_t checksum;
	uint64_t inode;
	uint32_t path_len;
	uint32_t reserved;
	char path[SFSHM_SAVE_PATH_MAX]; /* of which path_len bytes, no NUL */
};
static_assert(offsetof(struct save_record, path) == 64, "layout");

/* The contents of struct sfshm_save. */
struct save {
	/* First, with all the room of a public flight. */
	union {
		struct flight flight;
		struct sfshm_flight handle;
	};
	struct savefile file;
	struct sfshm_permit permit;
	uint64_t key;   /* its hash */
	uint64_t since; /* when the call began, CLOCK_BOOTTIME, ns */
	uint32_t flags;
	uint32_t ttl_ms;
	uint32_t reserve_ms;
	bool open; /* the writer has still to end it */
} overlay;
OVERLAY_FITS(struct save, struct sfshm_save);

static inline struct save *save_of(const struct sfshm_save *save)
{
	return (struct save *)(uintptr_t)save;
}

/* Checks a record. True: it is whole, and its path ends in a NUL now. */
bool save_parse(struct save_record *rec, size_t len);

/* Whether the file is the one that was saved, as far as stat(2) can tell. */
bool save_is_there(const struct save_record *rec);

/*
 * Called when the flight has just begun. If the last writer died, finishes its
 * save or clears up after it. Returns SFSHM_CACHED if its file was whole: the
 * save is announced now, *rec is its record, the flight has ended. Else returns
 * 0 or an error.
 */
int save_inherit(struct save *s, struct peer *p, struct save_record *rec);

/* Notes a stage before LINKING. 0 or an error, as of sfshm_publish(). */
int save_reach(struct save *s, struct peer *p, enum sfshm_save_stage stage);

/* Makes the temporary file. Returns 0 or an error. */
int save_open(struct save *s, struct peer *p, uint32_t mode);

/* End a save, as the public calls do. After -ESTALE the save has ended. */
int save_publish(struct save *s, struct peer *p);
int save_abort(struct save *s, struct peer *p);
int save_fail(struct save *s, struct peer *p, int code, const char *message);

/* Returns the stage of the save that is under way at the call's key. */
enum sfshm_save_stage save_stage(struct call *c);

#endif
