/* SPDX-License-Identifier: MIT */
#ifndef RUN_SWEEP_H
#define RUN_SWEEP_H

/* The end of the name of each result's file. */
#define SWEEP_SUFFIX ".run"

/*
 * Removes the results in `folder` whose lifetimes have been over for an hour.
 * If another process is just replacing such a result, the new one may be lost;
 * the next caller makes it anew. Ignores errors.
 */
void sweep_folder(const char *folder);

#endif
