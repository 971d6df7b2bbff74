/* SPDX-License-Identifier: MIT */
/*
 * A heartbeat: a thread that moves a leader's deadline on while it works.
 *
 * With policy.lock_age_ms others may take the flight from a leader that takes
 * longer than that. Work whose length nobody knows keeps a short one, so that
 * a stopped machine or process is noticed soon, and a heartbeat. The idea is
 * that of leases in distributed locks.
 *
 *	struct sfshm_heartbeat beat;
 *
 *	r = sfshm_heartbeat_start(&beat, &flight);
 *	... the work, which may look at sfshm_heartbeat_lost(&beat) ...
 *	r = sfshm_heartbeat_stop(&beat);
 *	if (r == 0)
 *		r = sfshm_publish(&flight, data, len);
 *
 * It vouches for the process, not for the work: a leader that hangs keeps its
 * flight for as long as its heartbeat runs.
 */
#ifndef SFSHM_HEARTBEAT_H
#define SFSHM_HEARTBEAT_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* Its contents are the library's. Zeroed, it is one that does not run. */
struct sfshm_heartbeat {
	uint64_t opaque[4];
};

/*
 * Starts a thread that moves the deadline of `flight`, which the calling
 * thread leads, to lock_age_ms from then on at each third of that, and that of
 * its claim with it. The thread ends by itself once the flight is lost or
 * ended, in whatever way: also where its leader is cancelled or ends without
 * sfshm_heartbeat_stop(). All signals are blocked in it. A flight without a
 * deadline needs none, and gets none.
 *
 * Both structs must stay where they are until it is stopped. Returns 0; -ESTALE
 * the flight is lost or ended; -EPERM this thread does not lead it; -ECHILD;
 * -EINVAL; -ENOMEM; -EAGAIN no thread could be made. Never blocks. Not for
 * signal handlers. In a forked child nothing beats, and the flight is the
 * parent's.
 */
int sfshm_heartbeat_start(struct sfshm_heartbeat *heartbeat,
			  struct sfshm_flight *flight) SFSHM_CHECKED;

/*
 * Ends the thread and waits until it has ended, which takes no longer than its
 * being woken; the deadline stays where it is. To be called by the thread that
 * started it, best before the flight is ended. Returns 0; -ESTALE: the flight
 * was taken from its leader, as its end would say; -EINVAL; -ECHILD in a
 * forked child. Idempotent. No cancellation point. Not for signal handlers.
 */
int sfshm_heartbeat_stop(struct sfshm_heartbeat *heartbeat);

/*
 * 1: the flight was seen to be lost, or ended: the work may as well stop; 0:
 * not so yet; -EINVAL, -ECHILD. Any thread may ask while it is not being
 * started or stopped. Never blocks. Not for signal handlers.
 */
int sfshm_heartbeat_lost(const struct sfshm_heartbeat *heartbeat) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
