/* SPDX-License-Identifier: MIT */
/*
 * sfshm: single-flight over shared memory.
 *
 * For each key exactly one of the processes that share a segment does the
 * work; the others sleep and ride its result. This header pulls in all of the
 * public interface; each part stands alone as well.
 */
#ifndef SFSHM_H
#define SFSHM_H

#include <sfshm/cancel.h>
#include <sfshm/do.h>
#include <sfshm/errors.h>
#include <sfshm/flight.h>
#include <sfshm/heartbeat.h>
#include <sfshm/inspect.h>
#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/resize.h>
#include <sfshm/result.h>
#include <sfshm/save.h>
#include <sfshm/segment.h>
#include <sfshm/semaphore.h>
#include <sfshm/version.h>

#endif
