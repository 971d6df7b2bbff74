/* SPDX-License-Identifier: MIT */
/*
 * The watcher: a child process beside a call that waits. It looks at the
 * segment through a view while this process sleeps in a call of the library.
 *
 * After a second the watcher says whom the call waits for, if its standard
 * error is a terminal or with -v. If the call runs under another call's
 * command, the watcher looks for a circle of waits: the holder of what this
 * call wants may wait, by way of its command, for a call that this one runs
 * under. The library does not see such circles, because the process that holds
 * is not the one that waits.
 */
#ifndef RUN_WATCHER_H
#define RUN_WATCHER_H

#include "invocation.h"

/*
 * Whether a call that waits needs a watcher. If so, the caller first tries to
 * go on without waiting.
 */
bool watcher_wanted(const struct invocation *inv);

/*
 * Starts the watcher, if one is wanted, after a try to go on without waiting
 * has failed because of others. False: the call would wait for a call that it
 * runs under; *o says so.
 */
bool watcher_start(struct invocation *inv, struct outcome *o);

/* Ends the watcher, if there is one. */
void watcher_end(struct invocation *inv);

#endif
