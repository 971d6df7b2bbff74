/* SPDX-License-Identifier: MIT */
/* Heartbeats around a fork: top/fork.c calls these. */
#ifndef TOP_HEARTBEAT_H
#define TOP_HEARTBEAT_H

void heartbeat_fork_lock(void);
void heartbeat_fork_unlock(void);

/* In the child: forgets the parent's heartbeats, whose threads are not here. */
void heartbeat_forget(void);

#endif
