/* SPDX-License-Identifier: MIT */
/* Counts how the library waits in this process, because time proves nothing. */
#ifndef CRASH_WAITS_H
#define CRASH_WAITS_H

#include <stdint.h>

/* From now on it sleeps until it is woken: a wake that is lost is a hang. */
void waits_never_recheck(void);

/* From now on waits_rechecked() grows with each sleep that nobody ended. */
void waits_count(void);
uint64_t waits_rechecked(void);

/* How often the library has yielded to somebody who is in its way. */
uint64_t waits_yielded(void);

#endif
