/* SPDX-License-Identifier: MIT */
/*
 * --fd: a lock or permit for a part of a shell script. The shell opens a file
 * as descriptor N for that part; sfshm-run leaves a holder process behind,
 * which holds the lock until the last process has closed the descriptor.
 *
 * To learn of that, the call takes a flock(2) through the shell's open file,
 * and fails if another open file has that lock. The holder opens the file once
 * more and waits for the flock: the kernel frees it when the shell's open file
 * has no descriptor left.
 */
#ifndef RUN_DESCRIPTOR_H
#define RUN_DESCRIPTOR_H

#include "invocation.h"

/* As face_split(). The worker keeps open none of the shell's other files. */
int descriptor_split(struct invocation *inv);

/*
 * Lets the caller's process end, and waits until the descriptor is closed.
 * Returns at once if the descriptor cannot be used; *o says why.
 */
void descriptor_hold(struct invocation *inv, struct outcome *o);

#endif
