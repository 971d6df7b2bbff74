/* SPDX-License-Identifier: MIT */
/*
 * A clock of the library in this process that stands still, but for the sleeps
 * that move it to their ends. So a test counts the sleeps and measures them
 * exactly.
 */
#ifndef LIB_STILL_H
#define LIB_STILL_H

#include "os/sys.h"
#include "testing.h"

extern struct still {
	uint64_t clock_ns;
	uint32_t naps; /* sleeps since the test began */
	struct sys_ops real;
} still;

/* For `sys.now`: the clock that stands. */
uint64_t still_now(void);

/* For `sys.waitv`: a sleep that nothing ends but its time, which passes at
   once. */
long still_sleep(struct futex_waitv *words, unsigned int count,
		 const struct timespec *until);

int still_setup(void **state);
int still_teardown(void **state);

#define in_still_segment(f) \
	cmocka_unit_test_setup_teardown(f, still_setup, still_teardown)

#endif
