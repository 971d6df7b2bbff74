/* SPDX-License-Identifier: MIT */
/*
 * sfshm: single-flight over shared memory.
 *
 * For each key one of the processes that share a segment does the work. The
 * others sleep until it is done and get its result. This header includes the
 * interface of libsfshm; each part also compiles alone. <sfshm/guard.hpp>, for
 * C++, and <sfshm/fleet-redis.h> and <sfshm/fleet-etcd.h> are separate.
 */
#ifndef SFSHM_H
#define SFSHM_H

#include <sfshm/cancel.h>
#include <sfshm/do.h>
#include <sfshm/errors.h>
#include <sfshm/ffi.h>
#include <sfshm/fleet.h>
#include <sfshm/fleet-do.h>
#include <sfshm/fleet-ops.h>
#include <sfshm/flight.h>
#include <sfshm/heartbeat.h>
#include <sfshm/inspect.h>
#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/put.h>
#include <sfshm/queue.h>
#include <sfshm/release.h>
#include <sfshm/resize.h>
#include <sfshm/result.h>
#include <sfshm/save.h>
#include <sfshm/segment.h>
#include <sfshm/semaphore.h>
#include <sfshm/tag.h>
#include <sfshm/version.h>

#endif
