/* SPDX-License-Identifier: MIT */
/*
 * sfshm_do(): get a value; the caller that leads runs the work as a callback.
 */
#ifndef SFSHM_DO_H
#define SFSHM_DO_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/*
 * The work. The library calls it in the calling thread, at most once per
 * sfshm_do() (twice with SFSHM_RETRY_IF_INVALIDATED). For each key, one caller
 * at a time runs the work; sfshm_do(3) lists the exceptions, such as a leader
 * that is past its lease. The work ends its flight with
 * sfshm_publish(), sfshm_publishv(), sfshm_fail() or sfshm_release(), and then
 * returns 0. If the work returns without ending the flight, the flight fails:
 * with the returned code if that is a negated errno value (-1 to -4095), else
 * with -EPROTO.
 *
 * If the thread is cancelled, calls pthread_exit() or dies inside, the flight
 * is released, and one of the followers takes over. With SFSHM_FAIL_IF_LOST the
 * flight fails instead, for all followers. The work must not leave by longjmp()
 * unless it has ended the flight.
 */
typedef int (*sfshm_work_fn)(struct sfshm_flight *flight, void *arg);

/*
 * Gets the value of `key`. If there is no fresh value and no other caller
 * leads, this caller becomes the leader and runs `work(flight, arg)`; if
 * another caller leads, this caller waits for that leader's result. `key`,
 * `key_len`, `policy` and `result` are those of sfshm_begin().
 *
 * Returns SFSHM_CACHED, SFSHM_AWAITED or SFSHM_COMPUTED with the value in
 * *result, or an error as sfshm_begin(). When the work fails, leader and
 * followers get the same error. The leader may get three more: -ESTALE, another
 * caller took the flight, and the result was discarded; -ECANCELED, the work
 * released the flight; -ENOMEM, the value is published, but there is no memory
 * for this caller's copy.
 *
 * If the value is larger than the segment's max_value, or the segment has no
 * room even to hand it to the followers, only the leader gets it, with
 * result->uncached 1. Each follower then runs its own work, all at the same
 * time. With SFSHM_KEEP the publish returns -EMSGSIZE or -ENOSPC instead. To
 * share large results, save them as files: <sfshm/save.h>.
 *
 * Blocks while this or another caller's work runs; the wait is a cancellation
 * point. Thread-safe; not for signal handlers; a forked child gets -ECHILD,
 * unless the handle follows forks. If the caller dies inside, one of the
 * followers takes over. The idea comes from Go's singleflight.Do.
 */
int sfshm_do(struct sfshm *handle, const void *key, size_t key_len,
	     const struct sfshm_policy *policy, sfshm_work_fn work, void *arg,
	     struct sfshm_result *result) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
