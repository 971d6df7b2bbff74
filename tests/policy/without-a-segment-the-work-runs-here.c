/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F8, PROMISE-F2: if the segment cannot serve, sfshm_do() with
 * SFSHM_LOCAL runs the work all the same and says "uncoordinated"; without the
 * flag it answers the error.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

#define LOCAL POLICY(.flags = SFSHM_LOCAL, .ttl_ms = SFSHM_FOREVER)

static int publish_text(struct sfshm_flight *f, void *text)
{
	/* The calls that need a flight know whether there is none. */
	assert_int_equal(sfshm_extend(f, 1000), 0);
	assert_int_equal(sfshm_abandoned(f), 0);
	assert_int_equal(sfshm_flight_waiters(f), 0);
	if (!sfshm_flight_generation(f))
		sfshm_flight_uncacheable(f, 1);
	return sfshm_publish(f, text, strlen(text));
}

static int do_key(struct sfshm *handle, const char *key,
		  const struct sfshm_policy *policy)
{
	return sfshm_do(handle, key, strlen(key), policy, publish_text, "here",
			&result);
}

static void assert_local(int r)
{
	assert_int_equal(r, SFSHM_COMPUTED);
	assert_value("here");
	assert_int_equal(result.coordinated, 0);
	assert_int_equal(result.uncached, 1);
	assert_int_equal(result.shared, 0);
	assert_int_equal(result.leader, 1);
	assert_int_equal(result.generation, 0);
}

static void there_is_none(void **state)
{
	(void)state;
	assert_int_equal(do_key(NULL, "key", NULL), -EBADF);
	assert_local(do_key(NULL, "key", LOCAL));
	/* Every time: nothing was kept. */
	assert_local(do_key(NULL, "key", LOCAL));
	assert_local(do_key(NULL, "key",
			    POLICY(.flags = SFSHM_LOCAL, .claim_key = "c",
				   .claim_key_len = 1)));
	/* With one, it serves. */
	assert_int_equal(do_key(h, "key", LOCAL), SFSHM_COMPUTED);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(do_key(h, "key", LOCAL), SFSHM_CACHED);
}

static int fail_here(struct sfshm_flight *f, void *how)
{
	if (!strcmp(how, "fail"))
		return sfshm_fail(f, -ENOENT, "nobody");
	if (!strcmp(how, "release"))
		return sfshm_release(f);
	return strcmp(how, "error") ? 0 : -EIO;
}

static int do_failing(char *how)
{
	return sfshm_do(NULL, "key", 3,
			POLICY(.flags = SFSHM_LOCAL, .stale_if_error_ms = 1000),
			fail_here, how, &result);
}

static void its_failures_are_its_callers(void **state)
{
	(void)state;
	assert_int_equal(do_failing("fail"), -ENOENT);
	assert_int_equal(result.code, -ENOENT);
	assert_string_equal(result.message, "nobody");
	assert_int_equal(do_failing("release"), -ECANCELED);
	assert_int_equal(do_failing("error"), -EREMOTEIO);
	assert_int_equal(result.code, -EIO);
	assert_int_equal(do_failing("nothing"), -EREMOTEIO);
	assert_int_equal(result.code, -EPROTO);
}

/* A wrong call is no lack of a segment. */
static void mistakes_stay_mistakes(void **state)
{
	(void)state;
	assert_int_equal(do_key(NULL, "", LOCAL), -EINVAL);
	assert_int_equal(sfshm_do(NULL, "key", 3, LOCAL, NULL, NULL, &result),
			 -EINVAL);
	assert_int_equal(begin(POLICY(.flags = UINT32_C(1) << 31)), -EINVAL);
}

static void it_is_full(void **state)
{
	const struct sfshm_options few = { .slots = 8, .participants = 16 };
	struct sfshm_flight flights[64];
	struct sfshm *small;
	int n = 0, r = SFSHM_LEADER;

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	small = h = segment_open(&few);
	for (; n < 64 && r == SFSHM_LEADER; n++)
		r = sfshm_begin(small, &n, sizeof(n), NULL, &flights[n],
				&result);
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(do_key(small, "key", NULL), -ENOSPC);
	assert_local(do_key(small, "key", LOCAL));
	while (--n > 0)
		assert_int_equal(sfshm_release(&flights[n - 1]), 0);
	assert_int_equal(do_key(small, "key", LOCAL), SFSHM_COMPUTED);
	assert_int_equal(result.coordinated, 1);
	assert_sound(small);
}

static void it_was_closed(void **state)
{
	struct sfshm *other = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_close(other), 0);
	assert_int_equal(do_key(other, "key", NULL), -EBADF);
	assert_local(do_key(other, "key", LOCAL));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(there_is_none),
		in_policy(its_failures_are_its_callers),
		in_policy(mistakes_stay_mistakes),
		in_policy(it_is_full),
		in_policy(it_was_closed),
	};

	return test_main(tests);
}
