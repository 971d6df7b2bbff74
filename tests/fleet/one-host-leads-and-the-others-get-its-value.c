/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: of the workers of several hosts one runs the work, and all get
 * its value. The engine hears of a host a few times per fill, however many
 * workers the host has, and never of a hit.
 */
#include "fleet.h"

enum { FLEET = 3, CROWD = 4 };

struct scene {
	uint32_t runs;
	int waiting;    /* hosts that are to wait before the work ends */
	uint32_t mates; /* callers of the leader's host that are to wait */
};

static int when_all_wait(struct sfshm_fleet_flight *flight, void *arg)
{
	struct scene *s = arg;

	fetch_add_relaxed(&s->runs, 1);
	demand(sfshm_fleet_token(flight));
	demand(eventually(server_waits() == s->waiting));
	demand(eventually(sfshm_flight_waiters(&flight->host) == s->mates));
	return sfshm_fleet_publish(flight, "one", 3);
}

static void open_all(struct host *hosts)
{
	for (int i = 0; i < FLEET; i++)
		hosts[i] = host_open(i, NULL);
	warm_up(&hosts[0]);
	server_forget_requests();
}

static void close_all(struct host *hosts)
{
	for (int i = 0; i < FLEET; i++)
		host_close(&hosts[i]);
}

/* CROWD callers of each host ask at the same time. */
static void run_crowd(struct host *hosts, struct worker *w, struct scene *s)
{
	for (int i = 0; i < FLEET * CROWD; i++) {
		w[i] = (struct worker){
			.host = &hosts[i % FLEET],
			.key = "key",
			.policy.ttl_ms = 3600000,
			.work = when_all_wait,
			.arg = s,
		};
		worker_start(&w[i]);
	}
	for (int i = 0; i < FLEET * CROWD; i++)
		worker_join(&w[i]);
}

static void a_crowd_on_each_host(void **state)
{
	struct scene s = { .waiting = FLEET - 1, .mates = CROWD - 1 };
	struct host hosts[FLEET];
	struct worker w[FLEET * CROWD];
	uint64_t requests;
	int computed = 0;

	(void)state;
	open_all(hosts);
	run_crowd(hosts, w, &s);
	assert_int_equal(s.runs, 1);
	for (int i = 0; i < FLEET * CROWD; i++) {
		assert_true(w[i].outcome >= 0);
		assert_true(result_is(&w[i].result, "one"));
		computed += w[i].outcome == SFSHM_COMPUTED;
		sfshm_result_clear(&w[i].result);
	}
	assert_int_equal(computed, 1);
	requests = server_requests();
	assert_true(is_of_a_fill(requests, FLEET));

	/* All have it now, and ask nobody. */
	for (int i = 0; i < FLEET; i++) {
		struct sfshm_result result = SFSHM_RESULT_INIT;

		assert_int_equal(ask(&hosts[i], "key", NULL, NULL, &result),
				 -EINVAL);
		assert_int_equal(ask(&hosts[i], "key", when_all_wait, &s,
				     &result),
				 SFSHM_CACHED);
		assert_int_equal(result.fleet, 0);
		sfshm_result_clear(&result);
	}
	assert_int_equal(server_requests(), requests);
	close_all(hosts);
}

static void a_host_that_comes_later(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host hosts[FLEET];

	(void)state;
	open_all(hosts);
	assert_int_equal(ask(&hosts[0], "key", publish_text, "old", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	assert_int_equal(ask(&hosts[1], "key", publish_text, "new", &result),
			 SFSHM_CACHED);
	assert_true(result_is(&result, "old"));
	assert_int_equal(result.fleet, 1);
	assert_int_equal(result.leader, 0);
	assert_int_equal(server_requests(), COST_LEAD + COST_FIND);
	sfshm_result_clear(&result);
	close_all(hosts);
}

/* A value without a lifetime reaches those that wait, and nobody later. */
static void a_value_without_a_lifetime(void **state)
{
	struct scene s = { .waiting = 1 };
	struct host hosts[FLEET];
	struct worker w[2];

	(void)state;
	open_all(hosts);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.host = &hosts[i],
			.key = "key",
			.work = when_all_wait,
			.arg = &s,
		};
		worker_start(&w[i]);
	}
	for (int i = 0; i < 2; i++) {
		worker_join(&w[i]);
		assert_true(result_is(&w[i].result, "one"));
	}
	assert_int_equal(s.runs, 1);
	s.waiting = 0;
	assert_int_equal(ask(&hosts[2], "key", when_all_wait, &s, &w[0].result),
			 SFSHM_COMPUTED);
	assert_int_equal(s.runs, 2);
	for (int i = 0; i < 2; i++)
		sfshm_result_clear(&w[i].result);
	close_all(hosts);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(a_crowd_on_each_host),
		in_fleet(a_host_that_comes_later),
		in_fleet(a_value_without_a_lifetime),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
