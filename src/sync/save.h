/* SPDX-License-Identifier: MIT */
/*
 * Staged saves.
 *
 * A save is a flight of kind SHM_SAVE; its leader is the writer. The flight's
 * result is a record of the file. While the flight is under way, that record is
 * in the field that the result will have. Readers do not see it there, but the
 * next leader does. The record tells the stage that the writer has reached. W
 * is the writer, N the next leader:
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
 * An aborted or failed save has no stage. If N does not remove the files that W
 * left, the next writer that saves the same key in the same folder does.
 *
 * If W lives, but its reservation has run out, a caller C acts by the stage:
 *
 *   stage                C
 *   before LINKING       takes the reservation from W
 *   LINKING and later    looks at the path: if the file is there and serves C,
 *                        takes the file as if W had announced it, and leaves
 *                        the flight to W, which is still to announce the file;
 *                        else takes the reservation from W
 *
 * C knows the file by its inode and time of change, once W has noted them, and
 * by its checksum before that. If C stops or dies, W and the others go on as
 * before.
 *
 * Invariants:
 *
 *  SAVE-1. Each write of the record up to the link changes its stage and
 *      `changed` alone, or changes the rest and leaves the stage as it was. The
 *      rest has a checksum of its own. So if W dies while it writes the record,
 *      the record is whole, or the checksum shows that it is not. If it is not
 *      whole, W has not linked the file: W writes the rest, then the stage
 *      LINKING, and then links the file. When N announces W's file, N writes
 *      W's record again, with a new stage and `changed`. If another file with
 *      the same bytes has come to the path meanwhile, N writes that file's
 *      inode, too.
 *  SAVE-2. The record names its key and, by generation, the flight that wrote
 *      the file. If that flight is later than the one that made the last good
 *      result, the record's writer has not ended its save. Any other record
 *      does not count.
 *  SAVE-3. A temporary file's name is made of the key and the generation. So a
 *      writer that has lost its flight, and lives, does not touch the next
 *      writer's file. A whole file has the passing name just before it replaces
 *      another file. That name is made of the key alone: a writer that finds it
 *      taken, and has the flight, removes it. A writer that has lost the flight
 *      may still rename whatever file has that name, and so put the next
 *      writer's whole file in place. The next writer finds it there.
 *  SAVE-4. A writer renews its reservation just before it puts its file under
 *      the path. So, as a rule, only a writer that has the flight does that. A
 *      writer that stops between the two, for longer than the reservation, puts
 *      a whole file of its own there. That file's inode is not the record's, so
 *      the next save writes the file anew.
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
	/* The first member, as large as a public flight. */
	union {
		struct flight flight;
		struct sfshm_flight handle;
	};
	struct savefile file;
	struct sfshm_permit permit;
	uint64_t key;      /* its hash */
	uint64_t since;    /* when the call began, CLOCK_BOOTTIME, ns */
	uint64_t came;     /* the same by CLOCK_MONOTONIC, as leases count */
	uint64_t deadline; /* of its waits, ns; 0: none */
	uint32_t flags;
	uint32_t ttl_ms;
	uint32_t reserve_ms;
	bool open;    /* the writer has still to end the save */
	bool missing; /* there is a record, but no file at the path */
	bool adopted; /* save_find() has announced a dead writer's file */
	enum sfshm_save_stage stage; /* by save_find(): of a save under way */
} overlay;
OVERLAY_FITS(struct save, struct sfshm_save);

static inline struct save *save_of(const struct sfshm_save *save)
{
	return (struct save *)(uintptr_t)save;
}

/*
 * Called when the flight has just begun. If the last writer died, finishes that
 * writer's save or clears up after it. Returns SFSHM_CACHED if that writer's
 * file is whole and serves: the save is then announced, *rec is its record, and
 * the flight has ended. Else returns 0 or an error.
 */
int save_inherit(struct save *s, struct peer *p, struct save_record *rec);

/* Notes a stage before LINKING. Returns 0 or an error as sfshm_publish(). */
int save_reach(struct save *s, struct peer *p, enum sfshm_save_stage stage);

/* Makes the temporary file. Returns 0 or an error. */
int save_open(struct save *s, struct peer *p, uint32_t mode);

/* End a save, as the public calls do. After -ESTALE the save has ended. */
int save_publish(struct save *s, struct peer *p);
int save_abort(struct save *s, struct peer *p);
int save_fail(struct save *s, struct peer *p, int code, const char *message);

/*
 * Looks for a file that is in place and not announced; the policy is as for
 * save_serves(). Returns SFSHM_CACHED, with the file's record in the call's
 * result, if the writer's reservation has run out and save_serves() is true; or
 * if the writer is dead, and this call has announced the file. Else returns
 * -ENODATA, MOVED or an error.
 */
int save_find(struct call *c);

#endif
