/* SPDX-License-Identifier: MIT */
/*
 * Runs a trace in the library itself, in a segment of the given number of
 * slots.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm.h>

#include "policy.h"

struct cache {
	struct sfshm *handle;
	struct sfshm_policy policy;
	struct sfshm_result result;
};

static void library_free(struct cache *c)
{
	if (!c)
		return;
	if (c->handle && sfshm_close(c->handle))
		abort();
	sfshm_result_clear(&c->result);
	free(c);
}

static struct cache *library_make(uint32_t capacity, uint32_t keys)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.slots = capacity,
		.bytes = (uint64_t)capacity * 128 + (1 << 20),
	};
	struct cache *c = calloc(1, sizeof(*c));
	int fd = sfshm_memfd("hitratio", &o);

	(void)keys;
	if (!c || fd < 0 || sfshm_open_fd(&c->handle, fd, NULL)) {
		library_free(c);
		return NULL;
	}
	c->policy = (struct sfshm_policy)SFSHM_POLICY_INIT;
	c->policy.ttl_ms = SFSHM_FOREVER;
	c->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	return c;
}

static bool library_ask(struct cache *c, uint32_t key)
{
	struct sfshm_flight flight;
	int r = sfshm_begin(c->handle, &key, sizeof(key), &c->policy, &flight,
			    &c->result);

	if (r == SFSHM_LEADER)
		r = sfshm_publish(&flight, &key, sizeof(key)) ?: SFSHM_LEADER;
	if (r < 0 || (r == SFSHM_CACHED &&
		      memcmp(c->result.value.data, &key, sizeof(key)) != 0)) {
		fprintf(stderr, "hitratio: key %u: %s\n", key,
			sfshm_strerror(r));
		exit(1);
	}
	return r == SFSHM_CACHED;
}

const struct policy policy_sfshm = { "sfshm", library_make, library_ask,
				     library_free };
