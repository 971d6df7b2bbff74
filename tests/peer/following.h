/* SPDX-License-Identifier: MIT */
/* Short calls with a handle that follows forks; they demand() success. */
#ifndef PEER_FOLLOWING_H
#define PEER_FOLLOWING_H

#include "testing.h"

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static inline struct sfshm *open_following(void)
{
	const struct sfshm_options o = { .flags = SFSHM_FOLLOW_FORK };

	return segment_open(&o);
}

static inline void put(struct sfshm *h, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	demand(sfshm_begin(h, key, strlen(key), &keep, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, key, strlen(key)) == 0);
	sfshm_result_clear(&result);
}

static inline int get(struct sfshm *h, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = sfshm_get(h, key, strlen(key), &result);

	sfshm_result_clear(&result);
	return r;
}

#endif
