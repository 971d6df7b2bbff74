/* SPDX-License-Identifier: MIT */
/*
 * Segments: make, open, close, remove.
 *
 * A segment is a file that worker processes of one host map and share. It is
 * made whole and linked into place in one step, so nobody ever sees half of
 * it. Name it one of three ways:
 *
 *   NULL          the user's default segment, "default"
 *   "name"        a file in /dev/shm whose name holds the user's id and the
 *                 name, so that two users never collide
 *   "dir/file"    anything with a slash in it is a path
 */
#ifndef SFSHM_SEGMENT_H
#define SFSHM_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/errors.h>

SFSHM_BEGIN_DECLS

/* An open segment of this process. Threads may share it. */
struct sfshm;

enum sfshm_open_flags {
	SFSHM_CREATE = 1 << 0,    /* make the segment if it is missing */
	SFSHM_EXCLUSIVE = 1 << 1, /* with CREATE: -EEXIST if it is there */
	SFSHM_SET_OWNER = 1 << 2, /* `owner` is meant; else the effective uid */
	SFSHM_SET_GROUP = 1 << 3, /* `group` is meant */
	SFSHM_HUGE_PAGES = 1 << 4, /* made: of pages of 2 MiB, see sfshm(7) */
};

/*
 * How to open or make a segment. Zero-initialise it, set `size` to
 * sizeof(struct sfshm_options), and fill in what differs. The geometry counts
 * only when the segment is made; an existing one keeps its own.
 */
struct sfshm_options {
	size_t size;
	uint32_t flags;        /* enum sfshm_open_flags */
	uint32_t slots;        /* keys at once; 0: 16384; at most 2^26 */
	uint32_t participants; /* threads at once; 0: 1024; at most 16383 */
	uint32_t max_value;    /* bytes of the largest value; 0: 1 MiB */
	uint64_t bytes;        /* for all values; 0: 16 MiB; under 16 GiB */
	uint32_t mode;         /* permission bits; 0: 0600. Who may write a
				  segment is trusted by all who have it open:
				  it can make them crash, or worse */
	uint32_t owner;        /* expected user id, with SFSHM_SET_OWNER */
	uint32_t group;        /* group id, with SFSHM_SET_GROUP */
	char *why;             /* gets one line about a failure; or NULL */
	size_t why_size;       /* bytes at `why` */
};

/*
 * Opens the segment `name` (see above) and stores a handle at *out; with
 * SFSHM_CREATE makes it first if it is missing. `options` may be NULL: open
 * what exists. The calling thread attaches at its first use of the handle.
 * One mapping per process and segment: opening twice shares it.
 *
 * Returns 0; -ENOENT missing; -EEXIST (SFSHM_EXCLUSIVE); -EPERM somebody
 * else's, or more open than options->mode; -ELOOP a symbolic link; -EPROTO
 * not usable (options->why says what is the matter); -ENOSPC no room to make
 * it; -EINVAL; -ENAMETOOLONG; or what the system said. *out is NULL then.
 *
 * Blocks only for file-system calls. Thread-safe. Not for signal handlers. A
 * caller that dies inside leaves no half-made segment. After fork() a child
 * opens again: the parent's handles answer -ECHILD there.
 */
int sfshm_open(struct sfshm **out, const char *name,
	       const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * The same for an open descriptor of a segment (a memfd, or one received over
 * a socket); -EBUSY while keys are still being moved into it from another one.
 * The library takes the descriptor over, unless it returns -EINVAL
 * or -EBADF: do not use or close it again, for closing any descriptor of the
 * file would drop the liveness locks that the library holds on it.
 */
int sfshm_open_fd(struct sfshm **out, int fd,
		  const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * Makes a segment without a name (a memfd) and returns its descriptor, to be
 * inherited or passed on, and given to sfshm_open_fd() once per process.
 * `label` shows in /proc/PID/maps. Returns the descriptor (close-on-exec) or
 * a negated errno value as sfshm_open().
 */
int sfshm_memfd(const char *label,
		const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * Closes the handle. Calls that other threads have inside return -ESHUTDOWN
 * at once if they wait; flights that other threads lead stay valid and must
 * still be ended. If it is the process's last handle of the segment, those
 * that the calling thread leads are released. The mapping goes when the last
 * thread of the process that used it has ended or has made its next sfshm call.
 * Returns 0 or -EBADF. A closed handle is told as such, by -EBADF, until 1024
 * others have been closed after it in this process; only then may a new one
 * have its address.
 *
 * Waits for a liburcu grace period of this process, so not to be called from
 * inside an RCU read-side section, nor from a signal handler. Also the way to
 * drop a handle inherited over fork().
 */
int sfshm_close(struct sfshm *handle);

/*
 * Removes the name. Processes that have it open go on undisturbed; the memory
 * goes with the last of them. Returns 0, -ENOENT, -EPERM, -ENAMETOOLONG or
 * what the system said. Refuses files that are not this user's.
 */
int sfshm_unlink(const char *name) SFSHM_CHECKED;

/*
 * Writes the path that `name` stands for to buf (at most `size` bytes, with
 * its NUL). Returns 0, -EINVAL for a name with odd characters, or
 * -ENAMETOOLONG. Touches no file.
 */
int sfshm_path(const char *name, char *buf, size_t size) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
