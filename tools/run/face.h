/* SPDX-License-Identifier: MIT */
/*
 * Two processes for one call: the face, which the caller started and waits for,
 * and the worker, which does everything. So the face can end while the worker
 * goes on.
 */
#ifndef RUN_FACE_H
#define RUN_FACE_H

#include "invocation.h"

/*
 * Makes the worker, in which it returns -1. The face waits until the worker
 * leaves it or ends, passes signals on to the worker, and returns the status to
 * exit with, or dies by the worker's signal.
 */
int face_split(struct invocation *inv);

/*
 * In the worker: leaves the caller's standard files and session, and lets the
 * face exit with `status`. Returns 0 or errno.
 */
int face_leave(struct invocation *inv, int status);

#endif
