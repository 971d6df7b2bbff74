/* SPDX-License-Identifier: MIT */
/* What a fork in the middle of anything must find in order. */
#ifndef TOP_FORK_H
#define TOP_FORK_H

/*
 * Registers the fork handlers, if that is not done yet. To be called before
 * any lock of the library is taken, so by each public call that may be a
 * process's first. 0 or -ENOMEM.
 */
int fork_prepare(void);

#endif
