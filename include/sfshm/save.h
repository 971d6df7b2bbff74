/* SPDX-License-Identifier: MIT */
/*
 * Staged saves: a file for a key, written by one and published whole.
 *
 * For results that are larger than a segment's values: the bytes go to a file,
 * the segment holds a record of it, and only one of those who ask writes it.
 * The file is written where nobody sees it, and appears under its path at
 * once, complete. The steps are those of erllama's cache writer: reserve,
 * acquire, write, check the reservation, link, announce, release.
 *
 * Each step is a state in the segment. A writer that dies before the link
 * leaves no file; of one that dies between the link and the announcement the
 * next caller checks the file, by length and checksum, and announces it.
 *
 * Common to all calls here, unless said otherwise: thread-safe; not for signal
 * handlers; a thread attaches by itself at its first call; 0 or more is an
 * outcome, else it is a negated errno value, those of the system's calls on
 * files among them.
 */
#ifndef SFSHM_SAVE_H
#define SFSHM_SAVE_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* Longest path of a file in bytes, its NUL included, once it is absolute. */
#define SFSHM_SAVE_PATH_MAX 2048

enum sfshm_save_flags {
	SFSHM_SAVE_TRY = 1 << 0,   /* do not wait: -EBUSY */
	SFSHM_SAVE_AGAIN = 1 << 1, /* write even though the file is there */
	SFSHM_SAVE_SYNC = 1 << 2,  /* publish: the file survives a power cut */
};

/* How far a save has come. */
enum sfshm_save_stage {
	SFSHM_SAVE_NONE,      /* nobody is at it */
	SFSHM_SAVE_RESERVED,  /* somebody has the reservation */
	SFSHM_SAVE_ACQUIRED,  /* ... and its permit, if there is a semaphore */
	SFSHM_SAVE_WRITING,   /* ... and writes to a temporary file */
	SFSHM_SAVE_LINKING,   /* it is whole; its length, checksum are known */
	SFSHM_SAVE_LINKED,    /* it is under its path, and not announced */
	SFSHM_SAVE_ANNOUNCED, /* the record of it is published */
};

/*
 * How a save behaves. Zero-initialise it and set `size`; zeroes mean: share
 * with those who wait now, keep no record for later, a file for its owner
 * only, a reservation for as long as its writer lives.
 */
struct sfshm_save_options {
	size_t size;
	uint32_t flags;  /* enum sfshm_save_flags */
	uint32_t mode;   /* of the file, less the umask; 0: 0600 */
	uint32_t ttl_ms; /* how long the record serves later callers; the file
			    stays where it is until it is replaced */
	/* Past it others may take the reservation from a live writer; 0:
	   never. Counts from the begin, and anew from the publish. */
	uint32_t reserve_ms;
	uint32_t wait_timeout_ms;    /* -ETIMEDOUT after that; 0: never */
	uint64_t deadline_ns;        /* the same, CLOCK_MONOTONIC; 0: none */
	struct sfshm_cancel *cancel; /* ends a wait too; or NULL */
	/* Writers have a permit of this one while they write; or NULL. */
	const void *semaphore;
	size_t semaphore_len; /* bytes */
};

#define SFSHM_SAVE_OPTIONS_INIT                           \
	{                                                 \
		.size = sizeof(struct sfshm_save_options) \
	}

/* What is known of a file. Zero-initialise it and set `size`. */
struct sfshm_save_info {
	size_t size;
	uint64_t bytes;      /* its length */
	uint64_t checksum;   /* XXH3, 64 bits, seed 0, of its bytes */
	uint64_t generation; /* of the save: grows for a key */
	uint64_t age_ns;     /* since it was announced */
	int32_t stage;       /* enum sfshm_save_stage */
	int32_t code;        /* of a save that failed: sfshm_save_fail()'s */
	uint8_t owner_died;  /* the last writer died */
	uint8_t adopted;     /* ... and this call announced its file */
	uint8_t reserved[6];
	char message[SFSHM_MESSAGE_MAX]; /* ... and its words */
	char path[SFSHM_SAVE_PATH_MAX];  /* of the file; absolute */
};

#define SFSHM_SAVE_INFO_INIT                           \
	{                                              \
		.size = sizeof(struct sfshm_save_info) \
	}

/* The writer's grip on a save. Its contents are the library's. */
struct sfshm_save {
	uint64_t opaque[336];
};

/*
 * Asks for the file of `key` (1 to SFSHM_KEY_MAX bytes), which is to be saved
 * at `path`: its folder must be there, and a file that is there already is
 * replaced. A relative path is taken from the working directory of now.
 * `options` and `info` may be NULL. Returns
 *
 *   SFSHM_CACHED   already present: *info has its path. It was looked for just
 *                  now: it is the file that was saved, with that length
 *   SFSHM_AWAITED  another one saved it while this call waited
 *   SFSHM_LEADER   *save is yours: write to sfshm_save_fd(), then end it with
 *                  exactly one of publish, fail, abort, in this thread.
 *                  info->owner_died says that the last writer died; what it
 *                  left behind is gone
 *
 * or -EREMOTEIO or -ENOENT (the save failed by its writer's word; code and
 * message are in *info; or the folder is missing: info->code is 0), -EINVAL,
 * -ENAMETOOLONG, -EMSGSIZE (the segment's values are too small for a record of
 * so long a path), or as sfshm_begin(), sfshm_acquire() and open(2).
 *
 * A file that is missing, or that is another one or has another length than
 * was recorded, is saved anew. Those who wait sleep in the kernel, which is a
 * cancellation point. A writer that dies at any instruction is replaced by
 * one of those who wait, at once; a thread that ends with a save on its hands
 * has aborted it, but for the descriptor, which stays open in its process
 * (SFSHM_SAVE_GUARDED closes it, too).
 */
int sfshm_save_begin(struct sfshm *handle, const void *key, size_t key_len,
		     const char *path, const struct sfshm_save_options *options,
		     struct sfshm_save *save,
		     struct sfshm_save_info *info) SFSHM_CHECKED;

/*
 * The temporary file, open for reading and writing, close-on-exec; or -EBADF:
 * the save is ended. It is the save's: do not close it.
 */
int sfshm_save_fd(const struct sfshm_save *save) SFSHM_CHECKED;

/*
 * The save's flight, for sfshm_extend(), sfshm_flight_ttl(),
 * sfshm_flight_waiters(), sfshm_flight_generation() and sfshm_abandoned(). It
 * is ended with the save, not by itself.
 */
struct sfshm_flight *sfshm_save_flight(struct sfshm_save *save);

/*
 * Publishes the file as it is now: reads it for its checksum, checks the
 * reservation, puts it under its path in one step, announces it to all who
 * wait. Returns 0; -ESTALE: the reservation had run out and was taken, the
 * temporary file is gone; -EPERM: not this thread's; -ECHILD: this process was
 * forked from the writer; or what a call on the file said (-ENOSPC, -EIO,
 * -EISDIR, ...): the save is still yours, abort or fail it.
 *
 * Reads all of the file, and with SFSHM_SAVE_SYNC waits for the disk. No
 * cancellation point. Killed inside: the file is under its path or it is not;
 * if it is, the next caller announces it.
 */
int sfshm_save_publish(struct sfshm_save *save) SFSHM_CHECKED;

/*
 * Ends the save without a file: one of those who wait becomes the writer.
 * Returns 0, -ESTALE, -EPERM or -ECHILD; the temporary file is gone but for
 * the last two.
 */
int sfshm_save_abort(struct sfshm_save *save);

/*
 * The same with an error for all who wait, as sfshm_fail() says it: `code` is
 * any number but 0 and INT_MIN, `message` is for people, or NULL.
 */
int sfshm_save_fail(struct sfshm_save *save, int code,
		    const char *message) SFSHM_CHECKED;

/*
 * For the clean-up attribute: aborts the save if it is not ended.
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
 * Looks without waiting or writing. Returns SFSHM_CACHED with *info filled in,
 * if the record is fresh and the file is there; -ENODATA otherwise, and
 * info->stage says how far a save has come that is under way (SFSHM_SAVE_NONE:
 * there is none); or as sfshm_get(). Never blocks but for stat(2).
 */
int sfshm_save_get(struct sfshm *handle, const void *key, size_t key_len,
		   struct sfshm_save_info *info) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
