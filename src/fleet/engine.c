/* SPDX-License-Identifier: MIT */
#include "fleet/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "fleet/breaker.h"
#include "fleet/fleet.h"
#include "os/process.h"
#include "segment/holder.h"

struct sfshm_fleet_request engine_request(const struct sfshm_fleet *fleet,
					  struct mapping *map, const void *key,
					  size_t key_len)
{
	struct sfshm_fleet_request request = {
		.size = sizeof(request),
		.key = key,
		.key_len = key_len,
		.lease_ms = fleet->lease_ms,
		.token = load_relaxed(&map->header->fleet_token),
	};

	holder_of(map, request.holder);
	return request;
}

void engine_count(const struct mapping *map, enum shm_counter c, uint32_t n)
{
	struct peer *p = n ? peer_attached(map, 0) : NULL;

	while (p && n--)
		peer_count(p, c);
}

int engine_ask(const struct sfshm_fleet *fleet, struct mapping *map,
	       engine_op op, struct sfshm_fleet_request *request,
	       uint64_t deadline, struct sfshm_fleet_answer *answer)
{
	uint64_t end;
	int state, r;

	if (!breaker_passes(map, fleet))
		return -EHOSTUNREACH;
	end = ns_after(sys.now(), fleet->command_ms);
	request->deadline_ns = deadline < end ? deadline : end;
	engine_count(map, COUNT_fleet_requests, 1);
	state = uncancelled_begin();
	r = op(fleet->engine, request, answer);
	uncancelled_end(state);
	if (!r || r == -EREMOTE)
		breaker_close(map, fleet);
	if (!r)
		holder_note_token(map, answer->token);
	if (!r || r == -EREMOTE)
		return r;
	if (r == -EMSGSIZE || r == -ENOMEM)
		return r;
	if (r == -ETIMEDOUT && deadline < end)
		return r;
	breaker_trip(map, fleet);
	return -EHOSTUNREACH;
}

int engine_tell(const struct sfshm_fleet *fleet, struct mapping *map,
		engine_op op, struct sfshm_fleet_request *request)
{
	struct sfshm_fleet_answer answer = ENGINE_NO_ANSWER;
	int r = engine_ask(fleet, map, op, request, NS_NEVER, &answer);

	free(answer.bytes.data);
	return r;
}
