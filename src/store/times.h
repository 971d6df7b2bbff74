/* SPDX-License-Identifier: MIT */
/*
 * Histograms of times: how long runs of the work and waits have taken.
 *
 * Each participant counts in its own record, and a reader adds the records up.
 * The counts outlive the thread, as the counters do: the record's next owner
 * goes on with them. Only the thread that holds the record's mutex writes them,
 * so it needs no atomic addition.
 *
 * A bucket is an exponent of scale_took(): bucket 0 has the times below 2^17 ns
 * (131 us), bucket n those below 2^(17 + n) ns, the last one all others. Times
 * are taken by the coarse clock, which the flight reads anyway: each is off by
 * one tick of that clock (1 to 10 ms) at most. The sum is right on average,
 * since a tick is as likely to fall into a run as the run is long.
 *
 * If the owner dies between the two stores, the sum lacks a time that the
 * bucket has, or the reverse. Nobody repairs that: a reader must expect it.
 */
#ifndef STORE_TIMES_H
#define STORE_TIMES_H

#include "os/atomics.h"
#include "segment/layout.h"
#include "store/scale.h"

#define TIMES_LEAST_NS (UINT64_C(8) * 16384) /* where bucket 0 ends */

static inline uint32_t times_bucket(uint64_t ns)
{
	return scale_took(ns) >> 3;
}

static inline void times_add(struct shm_times *t, uint64_t ns)
{
	uint64_t *n = &t->count[times_bucket(ns)];

	store_relaxed(&t->sum, load_relaxed(&t->sum) + ns);
	store_relaxed(n, load_relaxed(n) + 1);
}

/* Adds the time between two readings of the clock. */
static inline void times_add_since(struct shm_times *t, uint64_t from,
				   uint64_t now)
{
	times_add(t, now > from ? now - from : 0);
}

#endif
