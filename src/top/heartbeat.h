/* SPDX-License-Identifier: MIT */
/* Heartbeats around a fork: top/fork.c calls these. */
#ifndef TOP_HEARTBEAT_H
#define TOP_HEARTBEAT_H

void heartbeat_fork_lock(void);
void heartbeat_fork_unlock(void);

/* In a forked child: frees the parent's heartbeats; their threads do not exist
   in the child. */
void heartbeat_forget(void);

#endif
