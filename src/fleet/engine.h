/* SPDX-License-Identifier: MIT */
/* Requests to a fleet's engine. The breaker may hold them back. */
#ifndef FLEET_ENGINE_H
#define FLEET_ENGINE_H

#include <sfshm/fleet-ops.h>

#include "peer/participant.h"

typedef int (*engine_op)(void *engine,
			 const struct sfshm_fleet_request *request,
			 struct sfshm_fleet_answer *answer);

/* Returns a request of this segment about a key. */
struct sfshm_fleet_request engine_request(const struct sfshm_fleet *fleet,
					  struct mapping *map, const void *key,
					  size_t key_len);

/*
 * Makes one request, and waits for the fleet's command_ms, but not past
 * `deadline`. Not a cancellation point. Returns 0 with *answer filled in;
 * -EHOSTUNREACH, the engine is away; -EREMOTE, it refuses this key; -ETIMEDOUT,
 * the deadline came before the engine had its time; -EMSGSIZE or -ENOMEM.
 */
int engine_ask(const struct sfshm_fleet *fleet, struct mapping *map,
	       engine_op op, struct sfshm_fleet_request *request,
	       uint64_t deadline, struct sfshm_fleet_answer *answer);

/* Makes a request whose answer the caller does not need; as engine_ask(). */
int engine_tell(const struct sfshm_fleet *fleet, struct mapping *map,
		engine_op op, struct sfshm_fleet_request *request);

/*
 * Adds to one of the calling thread's counters, or, if the thread is not
 * attached to the segment, to none.
 */
void engine_count(const struct mapping *map, enum shm_counter c, uint32_t n);

/* Whether engine_ask() says that the engine is away, or refuses the key. */
static inline bool engine_is_of_no_use(int r)
{
	return r == -EHOSTUNREACH || r == -EREMOTE;
}

#define ENGINE_NO_ANSWER                                  \
	{                                                 \
		.size = sizeof(struct sfshm_fleet_answer) \
	}

#endif
