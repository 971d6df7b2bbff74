/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R8: the library refuses a result that is another key's. The leader's
 * check refuses it for everybody, when it is published; a caller's own check
 * refuses it for that caller.
 */
#include <sys/uio.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

/* A value names its key first: "key:...". */
static int names_the_key(const struct sfshm_result *r, void *key)
{
	size_t n = strlen(key);

	return r->value.len > n && !memcmp(r->value.data, key, n) &&
	       ((const char *)r->value.data)[n] == ':';
}

static char key[] = "key";
#define CHECKED .fits = names_the_key, .arg = key

static void as_it_is_published(void **state)
{
	struct agent *follower = agent_start();
	struct iovec pieces[] = {
		{ "k", 1 }, { "e", 1 }, { NULL, 0 }, { "i:1", 3 }
	};
	char line[300];

	(void)state;
	assert_int_equal(begin(POLICY(CHECKED, .ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_publishv(&flight, pieces, 4), -EILSEQ);
	snprintf(line, sizeof(line), "-EREMOTEIO %d ", -EILSEQ);
	assert_int_equal(strncmp(agent_hear(follower), line, strlen(line)), 0);
	/* The flight has ended with that. */
	assert_int_equal(publish("key:1"), -ESTALE);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(watch_counter("misfits"), 1);

	assert_int_equal(begin(POLICY(CHECKED, .ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	pieces[3].iov_base = "y:1";
	assert_int_equal(sfshm_publishv(&flight, pieces, 4), 0);
	assert_int_equal(begin(POLICY(CHECKED)), SFSHM_CACHED);
	assert_value("key:1");
}

static int publish_misfit(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_publish(f, "kez:1", 5);
}

static void its_leader_is_told_by_do(void **state)
{
	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, POLICY(CHECKED), publish_misfit,
				  NULL, &result),
			 -EREMOTEIO);
	assert_int_equal(result.code, -EILSEQ);
	/* Also where there is no flight. */
	assert_int_equal(sfshm_do(NULL, "key", 3,
				  POLICY(CHECKED, .flags = SFSHM_LOCAL),
				  publish_misfit, NULL, &result),
			 -EREMOTEIO);
	assert_int_equal(result.code, -EILSEQ);
}

/* Another leader did not look. */
static void as_it_is_taken(void **state)
{
	(void)state;
	put("kez:1", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(begin(POLICY(CHECKED, .ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	assert_int_equal(watch_counter("misfits"), 1);
	assert_int_equal(publish("key:2"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("key:2");
}

static int publish_fitting(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_publish(f, "key:9", 5);
}

static void as_it_is_waited_for(void **state)
{
	struct agent *leader = agent_start();
	struct asker a = { .work = publish_fitting,
			   .policy = { CHECKED, .ttl_ms = SFSHM_FOREVER } };

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish kez:1");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_string_equal(asker_text(&a), "key:9");
	sfshm_result_clear(&a.result);
}

/* Nor in grace: waiting is better than another key's value. */
static void also_when_it_is_old(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("kez:1", POLICY(.ttl_ms = 1000));
	clock_advance(5000);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(CHECKED, .flags = SFSHM_TRY,
				      .grace_ms = SFSHM_FOREVER)),
			 -EBUSY);
	agent_expect(leader, "ok", "release");
}

/* What cannot be published anyway is refused for that, and unread. */
static void what_is_too_large_is_not_looked_at(void **state)
{
	struct iovec lies[] = { { key, SIZE_MAX }, { key, SIZE_MAX } };

	(void)state;
	assert_int_equal(begin(POLICY(CHECKED)), SFSHM_LEADER);
	assert_int_equal(sfshm_publishv(&flight, lies, 1), -EMSGSIZE);
	assert_int_equal(sfshm_publishv(&flight, lies, 2), -EMSGSIZE);
	assert_int_equal(publish("key:"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(as_it_is_published),
		in_policy(its_leader_is_told_by_do),
		in_policy(as_it_is_taken),
		in_policy(as_it_is_waited_for),
		in_policy(also_when_it_is_old),
		in_policy(what_is_too_large_is_not_looked_at),
	};

	return test_main(tests);
}
