/* SPDX-License-Identifier: MIT */
/*
 * What calls return.
 *
 * A call returns an outcome >= 0 or a negated errno value; errno itself is not
 * part of the interface and may be changed by any call. The codes, each with
 * the caller's next duty:
 *
 *   -EINVAL        an argument is out of its range; mend the call
 *   -ENAMETOOLONG  the key is longer than SFSHM_KEY_MAX, or a segment's name
 *                  makes too long a path; choose a shorter one
 *   -EMSGSIZE      the value is larger than the segment's largest value; the
 *                  flight is still yours: fail or release it, or publish less
 *   -ENOSPC        no room: in the file system while the segment was to be
 *                  made or to grow, or in the segment (slots or value bytes
 *                  all in use). A flight is still yours
 *   -EUSERS        all participant records are taken; make the segment with
 *                  more participants, or attach fewer threads
 *   -ENOENT        open: no such segment. Otherwise: the work said "does not
 *                  exist", which is a result of its own (code -ENOENT)
 *   -ENODATA       get: nothing usable is there
 *   -EREMOTEIO     the work failed; result.code and result.message say how
 *   -EBUSY         a try form found somebody else at work
 *   -EAGAIN        as many wait already as the policy allows; come back later
 *   -EHOSTDOWN     the leaders of this key keep dying: the breaker is open;
 *                  find out why, or come back later
 *   -EDEADLK       this thread has what it asks to wait for, or what those have
 *                  wait for who have it: it would wait for ever
 *   -EDOM          a lock's rank is not above those that this thread holds
 *   -EILSEQ        the value says that it is another key's: refused
 *   -ETIMEDOUT     the deadline passed; only this caller's wait ended
 *   -ECANCELED     the cancel token fired; only this caller's wait ended
 *   -ESTALE        fenced: the flight was taken from you (deadline passed,
 *                  taken for dead, or ended already); nothing of your result
 *                  became visible; drop it
 *   -ESHUTDOWN     the handle was closed while the call was inside, or its
 *                  segment was replaced by one that cannot be reached from
 *                  here (opened by descriptor; name removed): open it again
 *   -EBADF         the handle is not an open one
 *   -ECHILD        the handle or flight belongs to the process that you were
 *                  forked from; open the segment again in this process
 *   -EPERM         the segment belongs to somebody else, is more open than
 *                  asked for, or this thread does not own what it ends
 *   -EPROTO        the file is no segment that this library can use: other
 *                  version, other libc, other time namespace, damaged
 *   -EBADMSG       a peer wrote something impossible into the segment; run
 *                  `sfshm-ctl verify`
 *   -ENOMEM        no memory; or the process has used up its thread-specific
 *                  keys (pthread_key_create(3)), so that a thread's end would
 *                  not be noticed; make room and call again
 *   -EMFILE, -EACCES, ... as the system call that failed said
 */
#ifndef SFSHM_ERRORS_H
#define SFSHM_ERRORS_H

#include <errno.h>
#include <sfshm/version.h>

SFSHM_BEGIN_DECLS

/*
 * One line for people about a negated errno value as this library uses it,
 * for instance "all participant records are taken". Static storage; never
 * NULL. Safe in threads and signal handlers.
 */
const char *sfshm_strerror(int error);

SFSHM_END_DECLS

#endif
