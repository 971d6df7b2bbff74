/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: a put of the leader's own host comes after the engine has
 * accepted the leader's value and before the segment has it. The leader learns
 * from -ESTALE that its host keeps the put's value, and from
 * sfshm_fleet_shared() that the other hosts get its own.
 */
#include <pthread.h>

#include <sfshm/fleet-ops.h>
#include <sfshm/fleet.h>
#include <sfshm/put.h>

#include "testing.h"

static struct sfshm *handle;
static char accepted[16]; /* by the engine */
static bool robbed;       /* a put comes after the engine's answer */

static int opens(const char *url, const struct sfshm_fleet_options *options,
		 void **engine)
{
	(void)url;
	(void)options;
	*engine = accepted;
	return 0;
}

static void closes(void *engine, int forked)
{
	(void)engine;
	(void)forked;
}

static int leads(void *engine, const struct sfshm_fleet_request *request,
		 struct sfshm_fleet_answer *answer)
{
	static uint64_t token = 1000;

	(void)engine;
	(void)request;
	answer->token = token++;
	answer->verdict = SFSHM_FLEET_LED;
	return 0;
}

static void *put(void *unused)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	demand(sfshm_put(handle, "key", 3, &policy, "put", 3) == 0);
	return unused;
}

static int accepts(void *engine, const struct sfshm_fleet_request *request,
		   struct sfshm_fleet_answer *answer)
{
	pthread_t thread;

	demand(request->iov[0].iov_len < sizeof(accepted));
	memcpy(engine, request->iov[0].iov_base, request->iov[0].iov_len);
	answer->verdict = SFSHM_FLEET_OK;
	if (robbed) {
		demand(!pthread_create(&thread, NULL, put, NULL));
		demand(!pthread_join(thread, NULL));
	}
	return 0;
}

static int agrees(void *engine, const struct sfshm_fleet_request *request,
		  struct sfshm_fleet_answer *answer)
{
	(void)engine;
	(void)request;
	answer->verdict = SFSHM_FLEET_OK;
	return 0;
}

static int watches(void *engine, const struct sfshm_fleet_request *request,
		   void **watch)
{
	(void)engine;
	(void)request;
	(void)watch;
	return -EIO;
}

static int next(void *watch, uint64_t until_ns,
		struct sfshm_fleet_answer *answer)
{
	(void)watch;
	(void)until_ns;
	(void)answer;
	return -EIO;
}

static void unwatches(void *watch)
{
	(void)watch;
}

static const struct sfshm_fleet_ops ops = {
	.size = sizeof(ops),
	.name = "toy",
	.open = opens,
	.close = closes,
	.acquire = leads,
	.publish = accepts,
	.renew = agrees,
	.release = agrees,
	.invalidate = agrees,
	.watch = watches,
	.next = next,
	.unwatch = unwatches,
};

/* Publishes "fleet" while a put comes or not; returns what publishing does. */
static int publish(struct sfshm_fleet_flight *flight)
{
	const struct sfshm_options options = {
		.size = sizeof(options),
		.flags = SFSHM_CREATE,
	};
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_fleet *fleet;
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	demand(!sfshm_open(&handle, segment, &options));
	demand(!sfshm_fleet_open(&fleet, handle, &ops, "toy", NULL));
	assert_int_equal(sfshm_fleet_begin(fleet, "key", 3, &policy, flight,
					   &result),
			 SFSHM_LEADER);
	r = sfshm_fleet_publish(flight, "fleet", 5);
	assert_string_equal(accepted, "fleet");
	demand(!sfshm_fleet_close(fleet));
	sfshm_result_clear(&result);
	return r;
}

static void assert_here(const char *text)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_true(sfshm_get(handle, "key", 3, &result) >= 0);
	assert_int_equal(result.value.len, strlen(text));
	assert_memory_equal(result.value.data, text, strlen(text));
	sfshm_result_clear(&result);
	demand(!sfshm_close(handle));
}

static void without_a_put(void **state)
{
	struct sfshm_fleet_flight flight;

	(void)state;
	robbed = false;
	assert_int_equal(publish(&flight), 0);
	assert_int_equal(sfshm_fleet_shared(&flight), 1);
	assert_here("fleet");
}

static void with_a_put(void **state)
{
	struct sfshm_fleet_flight flight;

	(void)state;
	robbed = true;
	assert_int_equal(publish(&flight), -ESTALE);
	assert_int_equal(sfshm_fleet_shared(&flight), 1);
	assert_here("put");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(without_a_put),
		in_segment(with_a_put),
	};

	return test_main(tests);
}
