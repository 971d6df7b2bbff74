/* SPDX-License-Identifier: MIT */
/* What a fork does to heartbeats: top/handle.c calls these around it. */
#ifndef TOP_HEARTBEAT_H
#define TOP_HEARTBEAT_H

void heartbeat_fork_lock(void);
void heartbeat_fork_unlock(void);

/* In the child: the threads are not here, and they refer to the parent's. */
void heartbeat_forget(void);

#endif
