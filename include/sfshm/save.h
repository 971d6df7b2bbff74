/* SPDX-License-Identifier: MIT */
/*
 * Staged saves: one caller writes the file of a key, and it appears complete.
 *
 * This is for results that are larger than a segment's values: a file has the
 * bytes, and the segment has a record of the file. One of the callers that ask
 * for the file is the writer. The writer writes to a temporary file; then the
 * complete file appears under its path in one step. The steps are those of
 * erllama's cache writer: reserve, acquire, write, check the reservation, link,
 * announce, release.
 *
 * Each step is a state in the segment. A writer that dies before the link
 * leaves no file. If a writer dies between the link and the announcement, the
 * next caller checks the file by length and checksum and announces it. If a
 * live writer is slow between these two steps, other callers use the file, and
 * leave the announcement to the writer.
 *
 * Unless a comment says otherwise, each call here is thread-safe and must not
 * be made in a signal handler. A thread's first call attaches the thread to the
 * segment. A call returns an outcome >= 0 or a negated errno value, which may
 * come from a system call on the file.
 */
#ifndef SFSHM_SAVE_H
#define SFSHM_SAVE_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* Longest absolute path of a file in bytes, its NUL included. */
#define SFSHM_SAVE_PATH_MAX 2048

enum sfshm_save_flags {
	SFSHM_SAVE_TRY = 1 << 0,   /* do not wait: -EBUSY */
	SFSHM_SAVE_AGAIN = 1 << 1, /* write even if the file is present */
	SFSHM_SAVE_SYNC = 1 << 2,  /* fsync: the file survives a power cut */
};

/* The stages of a save, in order. */
enum sfshm_save_stage {
	SFSHM_SAVE_NONE,      /* no save is under way */
	SFSHM_SAVE_RESERVED,  /* a writer has the reservation */
	SFSHM_SAVE_ACQUIRED,  /* the writer has its permit, if it needs one */
	SFSHM_SAVE_WRITING,   /* the writer writes to a temporary file */
	SFSHM_SAVE_LINKING,   /* the file is complete; length and checksum are
				 known */
	SFSHM_SAVE_LINKED,    /* the file is under its path, unannounced */
	SFSHM_SAVE_ANNOUNCED, /* the record of the file is published */
};

/*
 * Options of a save. Zero-initialise it and set `size` to its sizeof. With all
 * other fields 0 only the present waiters share the record, only the file's
 * owner may read the file, and the reservation lasts for as long as the writer
 * lives.
 */
struct sfshm_save_options {
	size_t size;
	uint32_t flags;  /* enum sfshm_save_flags */
	uint32_t mode;   /* permission bits, less the umask; 0: 0600 */
	uint32_t ttl_ms; /* the record serves later callers for so long; the
			    file stays until it is replaced */
	/* The reservation's lease. It starts in sfshm_save_begin() (with
	   `semaphore`, once the writer has a permit), and anew in
	   sfshm_save_publish(). Once it is over, another caller may take the
	   reservation from a live writer, unless the file is in place and
	   serves that caller. 0: no limit. */
	uint32_t reserve_ms;
	/* Limit of all waits together, counted from the begin of the call; then
	   -ETIMEDOUT. 0: no limit. */
	uint32_t wait_timeout_ms;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; then -ETIMEDOUT; 0: none */
	struct sfshm_cancel *cancel; /* once fired: -ECANCELED; or NULL */
	/* Name of a semaphore: the writer holds one of its permits. Or NULL. */
	const void *semaphore;
	size_t semaphore_len; /* bytes */
};

#define SFSHM_SAVE_OPTIONS_INIT                           \
	{                                                 \
		.size = sizeof(struct sfshm_save_options) \
	}

/* The record of a file. Zero-initialise it and set `size` to its sizeof. */
struct sfshm_save_info {
	size_t size;
	uint64_t bytes;      /* length of the file */
	uint64_t checksum;   /* of the file: XXH3, 64 bits, seed 0 */
	uint64_t generation; /* of the save; grows with each save of the key */
	uint64_t age_ns;     /* ns since the announcement */
	int32_t stage;       /* enum sfshm_save_stage */
	int32_t code;        /* of a failed save: what sfshm_save_fail() got */
	uint8_t owner_died;  /* 1: the last writer died */
	uint8_t adopted;     /* 1: this call announced a dead writer's file */
	uint8_t reserved[6];
	char message[SFSHM_MESSAGE_MAX]; /* of a failed save; a string */
	char path[SFSHM_SAVE_PATH_MAX];  /* absolute path of the file; after
					    sfshm_save_begin(), the path that
					    the caller passed, made absolute */
};

#define SFSHM_SAVE_INFO_INIT                           \
	{                                              \
		.size = sizeof(struct sfshm_save_info) \
	}

/* A save that the caller writes. Only the library uses the contents. */
struct sfshm_save {
	uint64_t opaque[336];
};

/*
 * Asks for the file of `key` (1 to SFSHM_KEY_MAX bytes), to be saved at `path`.
 * The directory of `path` must exist; a file at `path` is replaced. A relative
 * path counts from the present working directory. `options` and `info` may be
 * NULL. Returns
 *
 *   SFSHM_CACHED   The file is present. The call has just checked that the
 *                  saved file is at `path`: the same device and inode, and the
 *                  length and time of change (st_ctim) that it had when saved.
 *   SFSHM_AWAITED  Another caller saved the file while this call waited.
 *   SFSHM_LEADER   You are the writer. Write to sfshm_save_fd(), then end
 *                  *save in this thread with exactly one of publish, fail and
 *                  abort. info->owner_died is 1 if the last writer died;
 *                  what that writer left behind has been removed.
 *
 * or an error:
 *
 *   -EREMOTEIO, -ENOENT  The writer failed the save; *info has code and
 *                  message. -ENOENT with info->code 0: there is no such
 *                  directory.
 *   -EMSGSIZE      The segment's max_value is too small to record this path.
 *   -EINVAL, -E2BIG, -ENAMETOOLONG  As in <sfshm/errors.h>.
 *   Others         As sfshm_begin(), sfshm_acquire() and open(2).
 *
 * If the file at `path` is missing or has been changed or replaced, or the
 * record names another path, a caller becomes the writer and saves the file at
 * `path`; the record then describes that file. chmod(2), chown(2), link(2) and
 * rename(2) change a file, too. For a present file, the stage in *info is
 * SFSHM_SAVE_ANNOUNCED; or SFSHM_SAVE_LINKED, if a live writer put the file in
 * place, is past its reservation, and has not announced the file yet.
 *
 * Waiters sleep in the kernel; the sleep is a cancellation point. If a writer
 * dies at any instruction, one of the waiters becomes the writer at once. If a
 * writer's thread ends, its save is aborted; the descriptor stays open in the
 * process unless the save is SFSHM_SAVE_GUARDED.
 */
int sfshm_save_begin(struct sfshm *handle, const void *key, size_t key_len,
		     const char *path, const struct sfshm_save_options *options,
		     struct sfshm_save *save,
		     struct sfshm_save_info *info) SFSHM_CHECKED;

/*
 * Returns the descriptor of the temporary file, open for reading and writing
 * and close-on-exec; or -EBADF: the save has ended. The save owns the
 * descriptor: do not close it. Never blocks.
 */
int sfshm_save_fd(const struct sfshm_save *save) SFSHM_CHECKED;

/*
 * Returns the save's flight, for sfshm_extend(), sfshm_flight_ttl(),
 * sfshm_flight_waiters(), sfshm_flight_generation() and sfshm_abandoned(). The
 * flight ends with the save: do not end it by itself. Never blocks.
 */
struct sfshm_flight *sfshm_save_flight(struct sfshm_save *save);

/*
 * Publishes the file as it is now: computes its checksum, checks the
 * reservation, puts the file under its path in one step, and announces it to
 * all waiters. Returns 0; -ESTALE, another caller took the reservation, and the
 * temporary file is gone; -ESHUTDOWN, the file is published, but the segment's
 * own file was removed meanwhile, so another caller may have saved the file,
 * too; -EPERM, another thread owns the save; -ECHILD, the save belongs to the
 * parent process; or an error of a system call on the file (-ENOSPC, -EIO,
 * -EISDIR, ...): the save is still yours, abort it or fail it.
 *
 * Blocks while it reads the whole file and, with SFSHM_SAVE_SYNC, while the
 * disk writes. No cancellation point. If the caller dies inside, either the
 * complete file is under its path, and the next caller announces it, or the
 * path is as it was before.
 */
int sfshm_save_publish(struct sfshm_save *save) SFSHM_CHECKED;

/*
 * Ends the save without a file; one of the waiters becomes the writer. Returns
 * 0, -ESTALE, -ESHUTDOWN (as sfshm_save_publish()), -EPERM or -ECHILD. The
 * temporary file is gone after 0, -ESTALE and -ESHUTDOWN. Blocks only for
 * file-system calls.
 */
int sfshm_save_abort(struct sfshm_save *save);

/*
 * Ends the save with an error that all waiters get. `code` and `message` (or
 * NULL) are those of sfshm_fail(). Returns as sfshm_save_abort(), or -EINVAL
 * (the code). Blocks only for file-system calls.
 */
int sfshm_save_fail(struct sfshm_save *save, int code,
		    const char *message) SFSHM_CHECKED;

/*
 * Aborts the save unless it has ended. Declare a variable for it as
 *
 *	SFSHM_SAVE_GUARDED struct sfshm_save save = SFSHM_SAVE_INIT;
 */
void sfshm_save_cleanup(struct sfshm_save *save);
#define SFSHM_SAVE_GUARDED __attribute__((cleanup(sfshm_save_cleanup)))
#define SFSHM_SAVE_INIT         \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Looks for the file of `key` without waiting or writing. Returns SFSHM_CACHED
 * with *info filled in if the record is fresh and the file is there; otherwise
 * -ENODATA, with the stage of a save under way in info->stage (SFSHM_SAVE_NONE:
 * there is none); or an error as sfshm_get(). If a writer died between the link
 * and the announcement, the call checks the file by length and checksum and
 * announces it: info->adopted and info->owner_died are 1. Blocks for stat(2),
 * and for reading a dead writer's file.
 */
int sfshm_save_get(struct sfshm *handle, const void *key, size_t key_len,
		   struct sfshm_save_info *info) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
