/* SPDX-License-Identifier: MIT */
/*
 * Error codes and their texts.
 *
 * A call returns an outcome >= 0 or a negated errno value. errno itself is not
 * part of the interface: any call may change it. This list says what each code
 * means and, if anything is to be done, what comes next; a call's own comment
 * adds what a code means for that call.
 *
 *   -EINVAL        An argument is out of range. Correct the call.
 *   -E2BIG         The options or the policy come from a newer header, and a
 *                  field that this library does not know is not 0. Clear the
 *                  newer fields, or install a newer library.
 *   -ENAMETOOLONG  The key is longer than SFSHM_KEY_MAX, or the path is too
 *                  long. Choose a shorter one.
 *   -EMSGSIZE      The value is larger than the segment's max_value. The
 *                  flight is still yours: publish less, mark the key as
 *                  uncacheable and publish again, fail it or release it.
 *   -ENOSPC        The file system has no room to make or extend the segment,
 *                  or all slots or all value memory of the segment are in use.
 *                  A flight that you lead is still yours. Try again later, or
 *                  make the segment larger.
 *   -EUSERS        All participant records are in use. Attach fewer threads,
 *                  or resize the segment with more participants.
 *   -ENOENT        There is no such segment or path. A call for a value: the
 *                  work reported that the key does not exist.
 *   -ENODATA       Nothing usable is stored under this key.
 *   -ESRCH         A call that never leads: the flight ended without a result,
 *                  and nobody leads. Make a call that may lead.
 *   -EOWNERDEAD    A call that never leads: the key's leader died, and nobody
 *                  has replaced it. Make a call that may lead.
 *   -EREMOTEIO     The work failed. result.code and result.message say how.
 *   -EBUSY         Another caller leads or holds the key, and this call must
 *                  not wait. Opening: the segment is left over from before the
 *                  last boot, and a process that is about to remove the file
 *                  has kept it locked for a second. End that process.
 *   -EAGAIN        policy.max_waiters callers are already waiting. Try again
 *                  later.
 *   -EHOSTDOWN     The key's leaders keep dying, so its breaker is open. Find
 *                  out why, or try again later.
 *   -EHOSTUNREACH  The engine of a fleet does not answer, and the fleet's
 *                  options do not let this host work alone. Find out why, or
 *                  try again later.
 *   -EREMOTE       The engine of a fleet answers, but refuses this key: a key
 *                  of another program has its name there, the engine's user
 *                  may not use it, or another server of a cluster has it. The
 *                  fleet's options do not let this host work alone. Choose
 *                  another namespace, allow the user the key, or name another
 *                  server.
 *   -EDEADLK       Waiting would deadlock: this thread already leads the key,
 *                  or leads one that the key's leader waits for. The same
 *                  holds for locks, and for the permits of a semaphore if one
 *                  thread holds them all. Resize: the resize would wait for a
 *                  flight, lock or permit of this thread. Release what this
 *                  thread holds, then try again.
 *   -ELOOP         The path's symbolic links lead in a circle, or a link stands
 *                  where the file itself must be named. Mend the links, or name
 *                  the file.
 *   -EDOM          The lock's or permit's rank is not above the ranks that
 *                  this thread holds. Take locks and permits in increasing
 *                  rank.
 *   -EILSEQ        policy.fits refused the value: it belongs to another key.
 *                  Check what the work fetched.
 *   -ETIMEDOUT     The deadline passed. Only this caller's wait ended.
 *   -ECANCELED     The cancel token fired. Only this caller's wait ended.
 *   -EINTR         SFSHM_INTR is set, and a signal came during the wait; or
 *                  policy.interrupted said that the wait is to end. Only this
 *                  caller's wait ended.
 *   -ESTALE        The caller is fenced: another caller took the flight
 *                  (because the lease was over, because the leader seemed
 *                  dead, to invalidate the key, or to put a value), or the
 *                  flight has ended already. No part of the result became
 *                  visible. Discard the result.
 *   -ESHUTDOWN     The handle was closed while the call was inside; or the
 *                  handle cannot follow a resize (it was opened by descriptor,
 *                  or the new segment has another owner, group or mode); or
 *                  the segment's file was removed, and no other segment has
 *                  its name. Close the handle and open the segment again.
 *                  From a call that ends a flight, lock, permit or save: the
 *                  call has ended it, but the segment's file was removed
 *                  meanwhile, so another caller may have led or held the same
 *                  key.
 *   -EBADF         The handle is not open. Before Linux 5.14, or if madvise(2)
 *                  is forbidden: the segment has to grow, and the program has
 *                  closed the segment's descriptor. Close the handle and open
 *                  the segment again.
 *   -ECHILD        The handle or flight belongs to the parent process. Open
 *                  the segment in this process, or open it in the parent with
 *                  SFSHM_FOLLOW_FORK.
 *   -EPERM         Opening: the segment belongs to another user, or gives more
 *                  permissions than options->mode. Closing: the handle is
 *                  shared, and stays open. Other calls: another thread owns the
 *                  flight, lock, permit or save. End it there.
 *   -EOPNOTSUPP    Opening: the file system cannot hold a segment. It has no
 *                  files without a name (O_TMPFILE), or it may allocate new
 *                  room when a program rewrites a page (btrfs, ZFS, overlayfs,
 *                  network file systems). Use /dev/shm or another tmpfs, ext4
 *                  or xfs. A wait that is polled: the library's thread cannot
 *                  be started, or the policy names a claim key. Wait in a
 *                  thread. A lock: it cannot be both detached and shared. Leave
 *                  out one of the two flags.
 *   -EINPROGRESS   The wait goes on. Poll the queue's descriptor.
 *   -ENOSYS        Opening: robust mutexes do not work here, because the kernel
 *                  or an emulator in its place lacks get_robust_list(2). Run on
 *                  Linux itself.
 *   -EPROTO        This library cannot use the file: it is no segment, it is
 *                  damaged, it was made before the last boot, or its version,
 *                  libc or time namespace differs. Use another name, or remove
 *                  the file.
 *   -EBADMSG       The segment is damaged: a process wrote an impossible value.
 *                  Run `sfshm-ctl verify`, then make the segment anew.
 *   -ENOMEM        There is no memory; or the process has used up its
 *                  thread-specific keys (pthread_key_create(3)), so that the
 *                  library could not notice a thread's end. Make room, then
 *                  try again.
 *   -ERANGE        The index is past the end; or the value is longer than the
 *                  buffer: call again with the room that *len says.
 *   -EOVERFLOW     The segment's generations have run out. Make a new segment.
 *   -EMFILE, -EACCES, ...  The system call that failed returned this.
 */
#ifndef SFSHM_ERRORS_H
#define SFSHM_ERRORS_H

#include <errno.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/*
 * Returns one line that explains an error of this library to a person, for
 * instance "the deadline passed; try again, or allow more time". `error` is the
 * return value of any call; its sign does not matter. A code that the list
 * above does not explain gets the system's text. The string is static and never
 * NULL. Never blocks; safe in threads, after fork and in signal handlers.
 */
const char *sfshm_strerror(int error);

SFSHM_END_DECLS

#endif
