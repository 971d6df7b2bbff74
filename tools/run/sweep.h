/* SPDX-License-Identifier: MIT */
#ifndef RUN_SWEEP_H
#define RUN_SWEEP_H

/* How the names of results in files end. */
#define SWEEP_SUFFIX ".run"

/*
 * Removes the results in `folder` whose lifetimes have been over for an hour.
 * Somebody may be replacing one just then, and lose the new one: it is made
 * anew, then. What goes wrong is of no consequence.
 */
void sweep_folder(const char *folder);

#endif
