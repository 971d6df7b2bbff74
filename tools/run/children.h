/* SPDX-License-Identifier: MIT */
/*
 * Signals to child processes. Nothing here allocates memory, because the keeper
 * comes from a fork() without exec().
 */
#ifndef RUN_CHILDREN_H
#define RUN_CHILDREN_H

#include <sys/types.h>

/*
 * Sends `signal` to the children that the main thread of `parent` has. If
 * `parent` is 0, sends it to the children of this thread.
 */
void children_signal(pid_t parent, int signal);

/*
 * Sends `signal` to `pid` and its descendants, as far as they are in the
 * process group `group`.
 */
void children_signal_tree(pid_t pid, pid_t group, int signal);

/*
 * Kills all descendants of this process, which must be a subreaper: those whose
 * parents die become its children. Gives up after a second, because of those
 * that changed their user.
 */
void children_kill_all(void);

#endif
