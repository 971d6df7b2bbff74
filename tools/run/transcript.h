/* SPDX-License-Identifier: MIT */
/*
 * The transcript of a run, for followers that want the output as it comes
 * (--follow-output).
 *
 * The leader appends what it reads from the command to a file without a name.
 * The followers find that file among the leader's descriptors, in /proc, and
 * read it at their own pace; so nobody waits for a follower, and nothing is
 * left of the file when the leader dies and the followers have closed it. Only
 * processes of the leader's user and privileged ones may open it, and followers
 * look for it only in the leader's PID namespace.
 *
 * The file is a head, and then frames: a frame's own head, and its bytes. The
 * frames have the order in which the leader read the output. The last frame,
 * TRANSCRIPT_END, has the record header of the complete run; a run that is cut
 * short has no such frame. The leader only appends, so a reader that finds a
 * part of a frame finds the rest later, unless the transcript has stopped.
 *
 * The leader writes TRANSCRIPT_END before it ends the flight, so a follower
 * that has the flight's result finds the whole transcript. If the file cannot
 * take more, the transcript stops after its last whole frame; a follower then
 * takes the rest of the output from the flight's result.
 */
#ifndef RUN_TRANSCRIPT_H
#define RUN_TRANSCRIPT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "identity.h"
#include "record.h"

/* A transcript stops at this length, in bytes: on a disk, and in memory. */
#define TRANSCRIPT_DISK_MAX (UINT64_C(1) << 30)
#define TRANSCRIPT_MEMORY_MAX (UINT64_C(1) << 26)

/* The most bytes of a frame. */
#define TRANSCRIPT_FRAME_MAX 65536

enum transcript_kind {
	TRANSCRIPT_OUT = 1,
	TRANSCRIPT_ERR = 2,
	TRANSCRIPT_END = 3,
};

/* The leader's side. */
struct transcript {
	int fd;       /* -1: there is no transcript */
	uint64_t len; /* bytes of the head and of whole frames */
	/* the most that len may be; 0: the transcript has stopped */
	uint64_t max;
	uint64_t out_len, err_len; /* bytes of output in the frames */
};

/*
 * Names one flight. Flights of other keys may have the same generation, and a
 * process may lead one flight after another.
 */
struct transcript_flight {
	struct identity key;
	uint64_t generation;
};

/*
 * Begins the transcript of that flight. Returns 0 or a negated errno value.
 */
int transcript_open(struct transcript *t,
		    const struct transcript_flight *flight);

/*
 * Appends a frame of at most TRANSCRIPT_FRAME_MAX bytes. Does nothing if the
 * transcript has stopped.
 */
void transcript_add(struct transcript *t, enum transcript_kind kind, void *data,
		    size_t len);

/*
 * Appends TRANSCRIPT_END: the run is complete. The header's lengths, which are
 * not known for output that is too large to share, become the transcript's.
 */
void transcript_end(struct transcript *t, const struct record_header *header);

/* Closes the leader's descriptor. */
void transcript_close(struct transcript *t);

/* A follower's side. */
struct transcript_frame {
	enum transcript_kind kind;
	size_t len;
	char bytes[TRANSCRIPT_FRAME_MAX];
};

/*
 * Opens the transcript that the process `leader` writes of that flight. Returns
 * a descriptor, or a negated errno value; -ENOENT: that process has no such
 * transcript. `leader` may be out of date, and lead another flight by now.
 */
int transcript_find(pid_t leader, const struct transcript_flight *flight);

/*
 * Reads the first frame, or the one after *at, which is 0 at first and is moved
 * on. Returns 1; 0: there is no whole frame yet; or a negated errno value.
 */
int transcript_next(int fd, uint64_t *at, struct transcript_frame *frame);

#endif
