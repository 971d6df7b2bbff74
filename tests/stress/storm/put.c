/* SPDX-License-Identifier: MIT */
/* Values that are stored, and declared out of date, without a lead. */
#include "worker.h"

#include <errno.h>

#include <sfshm/put.h>

#include "os/atomics.h"

/*
 * Stores a value, now and then only in place of the one that a look has found.
 */
static int store(uint32_t key, uint32_t len, uint32_t mask)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	uint64_t over = random_below(2) ? result.generation : 0;
	struct iovec names[SFSHM_TAGS_MAX];
	char name[64];
	size_t n = key_text(name, sizeof(name), key);

	policy.ttl_ms = random_below(4) ? SFSHM_FOREVER : random_below(20);
	if (mask)
		return sfshm_put_tagged(h, name, n, &policy, data, len, names,
					tags_to_iov(names, mask));
	return random_below(3) ?
		       sfshm_put(h, name, n, &policy, data, len) :
		       sfshm_put_if(h, name, n, &policy, data, len, over);
}

void put(uint32_t key)
{
	uint32_t len = (uint32_t)VALUE_MIN + random_below(1000);
	struct stamp s = {
		.key = key,
		.generation = PUT_MARK |
			      (fetch_add_relaxed(&storm->puts, 1) + 1),
		.tags = tags_choose(),
	};
	uint64_t id, from, ns;
	int r;

	get(key);
	id = value_make_tagged(data, len, &s);
	tell(TOLD_WILL, key, 0, s.generation, id, 0);
	one_more(&own->uncounted);
	from = clock_ns();
	r = store(key, len, (uint32_t)s.tags);
	ns = clock_ns() - from;
	if (r >= 0) {
		tags_put(s.generation);
		one_more(&own->puts);
	}
	tell(TOLD_DID, key, r < 0 ? r : 0, s.generation, id, 0);
	if (r >= 0 || r == -ESTALE || r == -ENOSPC || r == -EBUSY)
		tell(TOLD_WAITED, key, r, 0, 0, ns);
	else
		tell(TOLD_WRONG, key, WRONG_CODE, 0, (uint64_t)-r, ns);
}

void invalidate(uint32_t key)
{
	bool hard = key_is_taken(key) && random_below(2);
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	int r = sfshm_invalidate(h, name, n, hard ? SFSHM_HARD : 0);

	if (r == 0)
		one_more(&own->invalidated);
	else if (r != -ENODATA)
		tell(TOLD_WRONG, key, WRONG_CODE, 0, (uint64_t)-r, 0);
}

void invalidate_tag(void)
{
	int r = tags_invalidate(h);

	if (r)
		tell(TOLD_WRONG, 0, WRONG_CODE, 0, (uint64_t)-r, 0);
	else
		one_more(&own->tags_invalidated);
}
