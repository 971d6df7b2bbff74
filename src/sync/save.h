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
 * If W lives, but its reservation has run out, and a caller C waits or comes:
 *
 *   stage                C
 *   before LINKING       takes the reservation from W
 *   LINKING and later    looks at the path: if the file is there and serves C,
 *                        takes it as if W had announced it then, and leaves
 *                        the flight to W, whose announcement is still to come;
 *                        else takes the reservation from W
 *
 * C tells the file by its checksum, or once W has noted it by its inode and
 * time of change. If C stops or dies, W and the others go on as before.
 *
 * Invariants:
 *
 *  SAVE-1. One write of the record changes its stage and `changed` alone, or
 *      changes the rest and leaves the stage as it was. The rest has a
 *      checksum of its own, so a record that W was writing when it died is
 *      either whole or known not to be. If it is not whole, W had not linked
 *      the file, for W writes the stage LINKING after the rest, and links the
 *      file after that. N, which announces W's file, writes W's record again:
 *      the same bytes but for those two words, unless another file with the
 *      same bytes has come to the path.
 *  SAVE-2. The record names its key and the flight that wrote the file. A
 *      record of an earlier flight than the last good result's counts no more;
 *      a record of a later flight is of a writer that never came to an end.
 *  SAVE-3. A temporary file's name is made of the key and the generation: a
 *      writer that lost its flight and lives does not meet the next writer's
 *      file. The passing name, under which a whole file stands just before it
 *      replaces another one, is made of the key alone: a writer that meets it
 *      and has the flight removes it. A writer that has lost the flight may
 *      still rename what has the name, which puts its successor's whole file
 *      in place; the successor finds it there.
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
#include "sync/savenote.h"

/* The contents of struct sfshm_save. */
struct save {
	/* First, with all the room of a public flight. */
	union {
		struct flight flight;
		struct sfshm_flight handle;
	};
	struct savefile file;
	struct sfshm_permit permit;
	uint64_t key;      /* its hash */
	uint64_t since;    /* when the call began, CLOCK_BOOTTIME, ns */
	uint64_t came;     /* the same, CLOCK_MONOTONIC, as leases count */
	uint64_t deadline; /* of its waits, ns; 0: none */
	uint32_t flags;
	uint32_t ttl_ms;
	uint32_t reserve_ms;
	bool open;    /* the writer has still to end it */
	bool missing; /* there is a record, but the path lacks its file */
	bool adopted; /* save_find() has announced a dead writer's file */
	enum sfshm_save_stage stage; /* save_find()'s, of a save under way */
} overlay;
OVERLAY_FITS(struct save, struct sfshm_save);

static inline struct save *save_of(const struct sfshm_save *save)
{
	return (struct save *)(uintptr_t)save;
}

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

/*
 * Looks for a file that is in place and unannounced; the policy is as for
 * save_serves(). Returns SFSHM_CACHED with
 * its record in the call's result: save_serves(), or its writer is dead, and
 * this call has announced the file. Else returns -ENODATA, MOVED or an error.
 */
int save_find(struct call *c);

#endif
