/* SPDX-License-Identifier: MIT */
/*
 * Staged saves.
 *
 * A save is a flight of kind SHM_SAVE. Its result is a record of the file.
 * While the flight is on, the same record stands, unseen, in the field that
 * the result is going to be in, with the stage that the writer has reached.
 * Who leads next reads it there. With W the writer, N who leads next:
 *
 *   stage      what is so                         W dies: what N does
 *   RESERVED   the flight is W's                  begins anew
 *   ACQUIRED   W has a permit, if it wants one    the same; the permit goes
 *                                                 back by its own sweep
 *   WRITING    there may be a temporary file      removes it, if it has a
 *                                                 name, and begins anew
 *   LINKING    the file is whole, its length and  looks at the path: if the
 *              checksum stand in the record; it   file is there, by length
 *              may be under its path, and a       and checksum, announces it;
 *              passing name may stand             else as above
 *   LINKED     it is under its path               the same
 *   ANNOUNCED  the record is as it will be seen   the same
 *   (flip)     the record is the result           nothing is left to do
 *
 * A save that is aborted or failed has no stage any more. Besides N, whoever
 * saves the same key in the same folder next removes what W left there.
 *
 * Invariants:
 *
 *  SAVE-1. One write of the record changes its stage alone, or changes the rest
 *      and leaves the stage as it was. The rest has a check of its own, so a
 *      record that W was just writing when it died is either whole or known
 *      not to be. Then W had not linked, for LINKING is written after that.
 *  SAVE-2. The record names its key and the flight that wrote it. A record that
 *      is of an earlier flight than the last good result's is history; one of
 *      a later flight is of somebody who never came to an end.
 *  SAVE-3. A temporary file's name is made of the key and the generation: a
 *      writer that was stolen from and lives does not meet the next one's. The
 *      passing name, under which a whole file stands just before it replaces
 *      another one, is the key's alone: who meets it removes it.
 *  SAVE-4. A file is put under its path only by who has the flight, as far as
 *      can be: the reservation is renewed just before. Who stops just then for
 *      longer than that puts a whole file of its own there, which the record
 *      denies by its inode; it is saved anew.
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

/* What struct sfshm_save holds. */
struct save {
	/* First, and with all the room that one has. */
	union {
		struct flight flight;
		struct sfshm_flight handle;
	};
	struct savefile file;
	struct sfshm_permit permit;
	uint64_t key;   /* its hash */
	uint64_t since; /* when the call began, ns, coarse */
	uint32_t flags;
	uint32_t ttl_ms;
	uint32_t reserve_ms;
	bool open; /* it is to be ended */
} overlay;
OVERLAY_FITS(struct save, struct sfshm_save);

static inline struct save *save_of(const struct sfshm_save *save)
{
	return (struct save *)(uintptr_t)save;
}

/*
 * Takes a record apart: true if it is one, whole, with a path that ends in a
 * NUL now.
 */
bool save_parse(struct save_record *rec, size_t len);

/* Whether the file is the one that was saved, as far as stat(2) can tell. */
bool save_is_there(const struct save_record *rec);

/*
 * The flight has just been begun. If the last writer died, finishes what it
 * did or clears up: SFSHM_CACHED: its file was whole and is announced now,
 * *rec is its record, the flight is ended; else 0 or an error.
 */
int save_inherit(struct save *s, struct peer *p, struct save_record *rec);

/* Notes a stage before LINKING; 0 or an error, as sfshm_publish()'s. */
int save_reach(struct save *s, struct peer *p, enum sfshm_save_stage stage);

/* Makes the temporary file. 0 or an error. */
int save_open(struct save *s, struct peer *p, uint32_t mode);

/* The ends: as the public calls. After -ESTALE the save is ended. */
int save_publish(struct save *s, struct peer *p);
int save_abort(struct save *s, struct peer *p);
int save_fail(struct save *s, struct peer *p, int code, const char *message);

/* What the save that is under way at the call's key has reached. */
enum sfshm_save_stage save_stage(struct call *c);

#endif
