/* SPDX-License-Identifier: MIT */
/*
 * Segments: make, open, close, remove.
 *
 * A segment is a file that processes of one host map and share. The library
 * fills the file before it links it under its name, so no process ever sees an
 * incomplete segment. A segment's name has one of three forms:
 *
 *   NULL          the user's default segment, "default"
 *   "name"        the file /dev/shm/sfshm.UID.name, so names of two users never
 *                 collide; a name may contain letters, digits and ._-+@:
 *   "dir/file"    a path: any name with a slash in it
 */
#ifndef SFSHM_SEGMENT_H
#define SFSHM_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/errors.h>

SFSHM_BEGIN_DECLS

/* A handle stands for one segment that a process has open. All threads of the
   process may use it. */
struct sfshm;

enum sfshm_open_flags {
	SFSHM_CREATE = 1 << 0,      /* make the segment if it is missing */
	SFSHM_EXCLUSIVE = 1 << 1,   /* with CREATE: -EEXIST if it exists */
	SFSHM_SET_OWNER = 1 << 2,   /* use `owner`, not the effective user id */
	SFSHM_SET_GROUP = 1 << 3,   /* use `group` */
	SFSHM_HUGE_PAGES = 1 << 4,  /* make it of 2 MiB pages, see sfshm(7) */
	SFSHM_FOLLOW_FORK = 1 << 5, /* forked children may use the handle */
};

/*
 * Options for opening or making a segment. Zero-initialise it, set `size` to
 * its sizeof, and fill in what differs from the defaults. The geometry (slots,
 * participants, max_value, bytes) counts only when the segment is made; an
 * existing segment keeps its own.
 */
struct sfshm_options {
	size_t size;
	uint32_t flags;        /* enum sfshm_open_flags */
	uint32_t slots;        /* keys at a time; 0: 16384; at most 2^26 */
	uint32_t participants; /* threads at a time; 0: 1024; at most 16383 */
	uint32_t max_value;    /* bytes of the largest value; 0: 1 MiB */
	uint64_t bytes;        /* of all values; 0: 16 MiB; under 16 GiB */
	uint32_t mode;         /* permission bits; 0: 0600. A process that may
				  write the segment can crash, or take over,
				  every process that has it open */
	uint32_t owner;        /* expected user id, with SFSHM_SET_OWNER */
	uint32_t group;        /* expected group id, with SFSHM_SET_GROUP */
	char *why;             /* buffer for one line on a failure; or NULL */
	size_t why_size;       /* bytes of `why` */
};

/*
 * Opens the segment `name` and stores a handle in *out. With SFSHM_CREATE,
 * makes the segment first if it is missing. With `options` NULL, opens only an
 * existing segment. A process has one mapping of a segment: further opens share
 * the mapping. A thread attaches to the segment at its first use of the handle.
 *
 * Returns 0, or an error, with *out NULL and a line in options->why (no line if
 * options->size is wrong):
 *
 *   -ENOENT  There is no such segment. Make it with SFSHM_CREATE.
 *   -EEXIST  SFSHM_EXCLUSIVE: the segment exists.
 *   -EPERM   The file belongs to another user or group, or gives more
 *            permissions than options->mode. Say in `options` which owner,
 *            group and mode you expect.
 *   -ELOOP   The name is a symbolic link. Name the file itself.
 *   -EPROTO  The library cannot use the file; options->why says why. Remove
 *            it or choose another name.
 *   -EOPNOTSUPP  The file system cannot hold a segment. Use tmpfs, ramfs,
 *            ext2, ext3, ext4 or xfs.
 *   -ENOSYS  Robust mutexes do not work here: the kernel, or an emulator in its
 *            place, lacks get_robust_list(2). Run on Linux itself.
 *   -EBUSY   The file is left over from before the last boot, and a process
 *            that is about to remove it has kept it locked for a second. End
 *            that process.
 *   -ENOSPC  The file system has no room to make the segment.
 *   -EAGAIN  Other processes kept replacing the file. Try again.
 *   -EINVAL, -E2BIG, -ENAMETOOLONG, -ENOMEM, or the error of the system call
 *            that failed.
 *
 * Blocks only for file-system calls, and for a second at most if a process is
 * about to remove the file. Thread-safe; not for signal handlers; no
 * cancellation point. If the caller dies inside, no incomplete segment is left.
 *
 * A handle that was opened without SFSHM_FOLLOW_FORK is of no use in a forked
 * child: every call with it but sfshm_close() returns -ECHILD there, and the
 * child opens the segment again. A child may use a handle that follows forks:
 * the child's first call with the handle attaches to the segment that the
 * parent has mapped, and opens no file. So the child may have changed its user
 * or its root meanwhile, and the segment may have lost its name. The parent
 * keeps what it leads, holds or has pinned. If the child has closed the
 * library's descriptor, it has no byte locks on the file, by which other
 * processes see that it is alive. A child that clone(2) or _Fork(3) made, for
 * which libc runs no fork handlers, gets -ECHILD. Any child gets -ENOMEM while
 * memory is short, and -EPROTO if it is in another time namespace, because
 * clocks differ there.
 */
int sfshm_open(struct sfshm **out, const char *name,
	       const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * Returns the process's shared handle of the segment `name`: the same pointer
 * at each call, and in each forked child. The first call opens the segment as
 * sfshm_open() does, with SFSHM_FOLLOW_FORK. Later calls open nothing, even if
 * the process has changed its user or its working folder: they find the handle
 * by the text of the name. A shared handle stays open as long as the process
 * lives; sfshm_close() returns -EPERM for it.
 *
 * If the segment's file is removed, the handle follows to the next segment of
 * that name, as any handle does. With SFSHM_CREATE, if no segment has the name,
 * the next call that begins a flight, takes a lock or looks up a key makes one,
 * with the removed segment's owner, group and mode. If the process has become
 * another user than that owner, or the path leads into another folder than
 * before, the call makes none and returns -ESHUTDOWN.
 *
 * The options of the first call that succeeds count. Later calls pass NULL, or
 * options that ask for the same. SFSHM_EXCLUSIVE is refused.
 *
 * Returns NULL on a failure, with a line in options->why; the next call tries
 * again. The first call blocks as sfshm_open() does, later calls never block.
 * Thread-safe: of threads that make the first call at once, all get the same
 * handle. Not for signal handlers; no cancellation point.
 */
struct sfshm *sfshm_shared(const char *name,
			   const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * sfshm_open() for an open descriptor of a segment (a memfd, or one received
 * over a socket). After any outcome but -EINVAL, -E2BIG and -EBADF, the library
 * owns the descriptor: do not use or close it. (Closing any descriptor of the
 * file would drop the locks by which other processes see that this process is
 * alive.) Returns as sfshm_open(), or -EBUSY: a resize is still moving keys
 * into this segment; open it by its name, or finish the resize.
 */
int sfshm_open_fd(struct sfshm **out, int fd,
		  const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * Makes a segment without a name (a memfd) and returns its close-on-exec
 * descriptor. Inherit it or pass it on, and give it to sfshm_open_fd() once in
 * each process. `label` (or NULL) shows in /proc/PID/maps. On failure returns
 * an error as sfshm_open(). Blocks only for system calls. Thread-safe; not for
 * signal handlers; if the caller dies inside, nothing is left.
 */
int sfshm_memfd(const char *label,
		const struct sfshm_options *options) SFSHM_CHECKED;

/*
 * Closes the handle. Other threads' waits with this handle return -ESHUTDOWN at
 * once. Flights that other threads lead stay valid, and their leaders must
 * still end them. If this is the process's last handle of the segment, the
 * calling thread's own flights, locks, permits and pins are released. The
 * library unmaps the segment once each of the process's threads that used the
 * segment has ended or has made its next sfshm call. Returns 0, -EBADF, or
 * -EPERM for a handle of sfshm_shared(). A call with a closed handle returns
 * -EBADF until the process has closed 1024 other handles; only then may a new
 * handle get the closed one's address.
 *
 * Waits for a liburcu grace period of this process, so do not call it inside an
 * RCU read-side section. Thread-safe; not for signal handlers. A forked child
 * calls it to drop an inherited handle.
 */
int sfshm_close(struct sfshm *handle);

/*
 * Removes the segment's name. Processes that have the segment open notice
 * within a second: from then on their calls use the new segment of that name.
 * If there is none, the calls return -ESHUTDOWN; with a shared handle that has
 * SFSHM_CREATE they make one. These processes end their flights, locks and
 * permits as usual, but the calls that end them return -ESHUTDOWN. When the
 * last of these processes has unmapped the segment, the kernel frees its
 * memory. Removes any regular file of this user under that name, whatever its
 * contents, and the files that an interrupted resize has left beside it. A
 * segment that sfshm_memfd() made has no name to remove.
 * Returns 0, -ENOENT, -EPERM (the file belongs to another user), -ELOOP (it is
 * a symbolic link), -EPROTO (it is no regular file), -ENAMETOOLONG, -EINVAL,
 * -ENOMEM, or the error of the system call that failed. Blocks only for
 * file-system calls. Thread-safe; not for signal handlers.
 */
int sfshm_unlink(const char *name) SFSHM_CHECKED;

/*
 * Writes the path of the segment `name` to `buf`, at most `size` bytes with the
 * final NUL. Returns 0; -EINVAL, the name has characters that are not allowed;
 * or -ENAMETOOLONG. Touches no file. Thread-safe; not for signal handlers.
 */
int sfshm_path(const char *name, char *buf, size_t size) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
