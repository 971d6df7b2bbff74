/* SPDX-License-Identifier: MIT */
/* What a segment says about the calling process. */
#ifndef STRESS_OWNED_H
#define STRESS_OWNED_H

/*
 * Returns how many flights for values the process leads, as a view of the
 * segment shows them, or fewer, since others may change a slot meanwhile, and
 * there may be no view.
 */
int flights_owned(const char *segment);

#endif
