/* SPDX-License-Identifier: MIT */
#ifndef RUN_SWEEP_H
#define RUN_SWEEP_H

/*
 * Removes the results in `folder` whose lifetimes have been over for an hour.
 * Somebody may be replacing one just then, and lose the new one: it is made
 * anew, then. What goes wrong is of no consequence.
 */
void sweep_folder(const char *folder);

#endif
