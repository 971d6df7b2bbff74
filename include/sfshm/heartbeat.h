/* SPDX-License-Identifier: MIT */
/*
 * Heartbeats: a thread that extends a leader's lease while the leader works.
 *
 * policy.lock_age_ms is a lease: once it is over, another caller may take the
 * flight from a live leader. With a heartbeat, work of unknown length can have
 * a short lease: the heartbeat extends the lease while the process runs, and
 * the lease ends soon after the process is stopped. The idea comes from leases
 * in distributed locks.
 *
 *	struct sfshm_heartbeat beat;
 *
 *	r = sfshm_heartbeat_start(&beat, &flight);
 *	... the work, which may poll sfshm_heartbeat_lost(&beat) ...
 *	r = sfshm_heartbeat_stop(&beat);
 *	if (r == 0)
 *		r = sfshm_publish(&flight, data, len);
 *
 * A heartbeat shows that the process runs, not that the work makes progress: a
 * leader that hangs keeps its flight for as long as its heartbeat runs.
 */
#ifndef SFSHM_HEARTBEAT_H
#define SFSHM_HEARTBEAT_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* Only the library uses the contents. All zeroes: no heartbeat runs. */
struct sfshm_heartbeat {
	uint64_t opaque[8];
};

/*
 * Starts a new thread that extends the lease of `flight`, and of its claim.
 * Every lock_age_ms / 3 the new thread sets the lease to end lock_age_ms later,
 * whatever end sfshm_extend() has set. If the policy has no lock_age_ms, but
 * sfshm_extend() has set a lease, the time that is left of that lease is used
 * instead. If there is no lease at all, the call starts no thread. The calling
 * thread must lead the flight; with SFSHM_DETACHED any thread of the leading
 * process may make the call. All signals are blocked in the new thread. The new
 * thread ends by itself once the flight is lost or has ended, even if the
 * leader is cancelled or ends without sfshm_heartbeat_stop().
 *
 * Both structs must stay in place until the heartbeat is stopped. Returns 0;
 * -ESTALE, the flight was taken or has ended; -EPERM, this thread does not lead
 * it; -EAGAIN or -ENOMEM, no thread could be started: extend the lease
 * yourself, or release the flight; -EINVAL; -ECHILD, the flight belongs to the
 * parent process. Never blocks. Thread-safe; not for signal handlers; no
 * cancellation point. A forked child has no heartbeat.
 */
int sfshm_heartbeat_start(struct sfshm_heartbeat *heartbeat,
			  struct sfshm_flight *flight) SFSHM_CHECKED;

/*
 * Ends the heartbeat's thread and waits for its end, which takes about one
 * wake-up. The lease keeps the end that the last extension set. Call this in
 * the thread that started the heartbeat, best before it ends the flight.
 * Returns 0; -ESTALE, another caller took the flight: discard the result;
 * -EINVAL; -ECHILD in a forked child. Idempotent. Not for signal handlers; no
 * cancellation point.
 */
int sfshm_heartbeat_stop(struct sfshm_heartbeat *heartbeat);

/*
 * Returns 1 once the heartbeat has found the flight taken or ended, so that the
 * work may stop; 0 until then; -EINVAL; or -ECHILD in a forked child. Any
 * thread may call this, except while the heartbeat is being started or stopped.
 * Never blocks; not for signal handlers.
 */
int sfshm_heartbeat_lost(const struct sfshm_heartbeat *heartbeat) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
