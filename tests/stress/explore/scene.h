/* SPDX-License-Identifier: MIT */
/*
 * Scenarios are written with these: the public calls' work, without a handle.
 * Keys are numbers, 0 to 7.
 */
#ifndef EXPLORE_SCENE_H
#define EXPLORE_SCENE_H

#include "oracle.h"
#include "scenario.h"
#include "schedule.h"
#include "sync/fast.h"
#include "sync/flight.h"
#include "sync/lock.h"
#include "sync/semaphore.h"
#include "top/handle.h"
#include "twin.h"
#include "world.h"

#define MS UINT64_C(1000000)
#define FOREVER SFSHM_FOREVER

/* Attaches this participant; fails the run if it cannot. */
struct peer *scene_attach(void);

/* Detaches it. */
void scene_leave(void);

struct scene_flight {
	struct flight f, claim;
	unsigned int key;
	uint8_t source; /* the version that the value is made from */
	struct sfshm_result r;
};

/*
 * Flights of this process, for any scenario: fibers keep one copy of each
 * variable, so it costs every scenario if each file has its own.
 */
extern struct scene_flight scene_led, scene_other;

/*
 * Asks for the key as sfshm_begin() does, and tells the oracle; what comes
 * back is checked (ORACLE-4). Returns its answer.
 */
int scene_begin(struct scene_flight *sf, unsigned int key,
		const struct sfshm_policy *policy);

/* Ends it: 16 bytes that are this participant's for this key. */
int scene_publish(struct scene_flight *sf);
int scene_fail(struct scene_flight *sf, int code);
int scene_release(struct scene_flight *sf);

/* begin, and publish if it leads: what a caller of sfshm_do() does. */
int scene_do(unsigned int key, const struct sfshm_policy *policy);

/* As sfshm_get(); the value is checked. */
int scene_get(unsigned int key);
/* Of the key's value; or 0, if it has none. */
uint64_t scene_generation(unsigned int key);
int scene_invalidate(unsigned int key, uint32_t flags);
int scene_forget(unsigned int key);

/* As sfshm_put(), or sfshm_put_if() with the generation `needed` (or NULL). */
int scene_put(unsigned int key, const uint64_t *needed);

/* The flight's value is to carry the one tag that there is. */
void scene_tag(struct scene_flight *sf);

/* Changes what values are made from, and then invalidates the tag. */
void scene_change_source(void);

/* The participant that published the value that this one got last. */
int scene_publisher(void);

/* The version that this value is made from. */
uint8_t scene_source(void);

/* The answer is one of those that may be. */
void scene_expect(const char *what, int got, int one, int other);

/* Sleeps at least so long, and until no other one can go on. */
void scene_sleep(uint64_t ns);

/* Of this thread, and of this process. */
extern __thread struct peer *scene_self;
extern struct sfshm scene_handle;

/* As sfshm_begin(), by that call, for a flight of the process. */
int scene_begin_detached(struct sfshm_flight *f, unsigned int key,
			 const struct sfshm_policy *policy);

enum scene_end {
	SCENE_PUBLISH,
	SCENE_FAIL,
	SCENE_RELEASE,
};

/*
 * Ends such a flight. Answers as the public call: -ESTALE, it has been ended,
 * or is lost.
 */
int scene_end_detached(struct sfshm_flight *f, unsigned int key,
		       enum scene_end how);

/*
 * For calls that a scenario makes itself: scene_result() comes before the call,
 * scene_answered() gets what came back.
 */
void scene_result(struct sfshm_result *r);
int scene_answered(unsigned int key, int r, const struct sfshm_result *result,
		   const struct sfshm_policy *policy);

#define POLICY(...)                                                         \
	(&(const struct sfshm_policy){ .size = sizeof(struct sfshm_policy), \
				       __VA_ARGS__ })

#endif
