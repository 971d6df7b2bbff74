/* SPDX-License-Identifier: MIT */
/*
 * sfshm_fleet_do(): get a value; the caller that leads in the fleet runs the
 * work as a callback.
 */
#ifndef SFSHM_FLEET_DO_H
#define SFSHM_FLEET_DO_H

#include <sfshm/fleet.h>

SFSHM_BEGIN_DECLS

/*
 * The work. Like sfshm_work_fn, but it ends the flight with the calls of
 * <sfshm/fleet.h>.
 */
typedef int (*sfshm_fleet_work_fn)(struct sfshm_fleet_flight *flight,
				   void *arg);

/*
 * sfshm_do() for a fleet: for each key, only one process of the fleet runs the
 * work at a time, as long as the engine answers and no leader is stopped for
 * longer than its lease. Returns as sfshm_do() and sfshm_fleet_begin(); their
 * rules for blocking, threads, signals and fork hold here, too. If this caller
 * was fenced, the call asks once more, and returns the value that the fleet
 * has; or -ESTALE, the fleet has none.
 */
int sfshm_fleet_do(struct sfshm_fleet *fleet, const void *key, size_t key_len,
		   const struct sfshm_policy *policy, sfshm_fleet_work_fn work,
		   void *arg, struct sfshm_result *result) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
