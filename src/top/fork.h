/* SPDX-License-Identifier: MIT */
/* Keeping the library usable in a forked child. */
#ifndef TOP_FORK_H
#define TOP_FORK_H

/*
 * Registers the fork handlers, if that is not done yet. Each public call that
 * may be a process's first calls this before it takes any lock of the library.
 * Returns 0 or -ENOMEM.
 */
int fork_prepare(void);

#endif
