/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: a host's counters say how often it asked the engine, led for
 * the fleet, was refused, and had to do without. A fill of eight hosts with
 * eight workers each costs two requests a host, and a hit none.
 */
#include "fleet.h"

#define CROWD 8

static const struct sfshm_policy hour = {
	.size = sizeof(hour),
	.ttl_ms = 3600000,
};

static uint64_t counter(int number, const char *wanted)
{
	struct sfshm_view *view;
	const char *name, *help;
	char segment_name[96];
	uint64_t value = 0;

	host_name(number, segment_name);
	demand(!sfshm_view_open(&view, segment_name, NULL, 0));
	for (uint32_t i = 0; !sfshm_view_counter(view, i, &name, &help, &value);
	     i++)
		if (!strcmp(name, wanted))
			break;
	sfshm_view_close(view);
	return value;
}

#define assert_counter(number, name, n) \
	assert_int_equal(counter((number), "fleet_" #name), (n))

struct crowd {
	uint32_t runs;
};

static int work(struct sfshm_fleet_flight *flight, void *arg)
{
	struct crowd *all = arg;

	fetch_add_relaxed(&all->runs, 1);
	/* All other hosts wait, each with one worker in the engine. */
	demand(eventually(server_waits() == HOSTS - 1));
	return sfshm_fleet_publish(flight, "v", 1);
}

static void a_fill_costs_each_host_a_few_requests(void **state)
{
	static struct worker w[HOSTS][CROWD];
	static struct crowd all;
	struct host hosts[HOSTS];
	uint64_t sum = 0, requests;

	(void)state;
	for (int i = 0; i < HOSTS; i++)
		hosts[i] = host_open(i, NULL);
	warm_up(&hosts[0]);
	server_forget_requests();
	for (int i = 0; i < HOSTS; i++)
		sum -= counter(i, "fleet_requests");
	for (int i = 0; i < HOSTS * CROWD; i++) {
		struct worker *one = &w[i % HOSTS][i / HOSTS];

		*one = (struct worker){
			.host = &hosts[i % HOSTS],
			.key = "key",
			.policy = hour,
			.work = work,
			.arg = &all,
		};
		worker_start(one);
	}
	for (int i = 0; i < HOSTS * CROWD; i++) {
		worker_join(&w[i % HOSTS][i / HOSTS]);
		sfshm_result_clear(&w[i % HOSTS][i / HOSTS].result);
	}
	assert_int_equal(all.runs, 1);
	for (int i = 0; i < HOSTS; i++)
		sum += counter(i, "fleet_requests");
	assert_int_equal(sum, 2 * HOSTS);
	requests = server_requests();
	assert_true(is_of_a_fill(requests, HOSTS));
	/* Each further call is a hit. */
	for (int i = 0; i < HOSTS; i++) {
		struct sfshm_result result = SFSHM_RESULT_INIT;

		assert_int_equal(ask(&hosts[i], "key", publish_text, "x",
				     &result),
				 SFSHM_CACHED);
		sfshm_result_clear(&result);
	}
	assert_int_equal(server_requests(), requests);
	for (int i = 0; i < HOSTS; i++)
		host_close(&hosts[i]);
}

static const struct sfshm_fleet_options brief = {
	.lease_ms = 9000,
	.command_ms = PATIENCE_MS,
};

static void begin(struct host *host, struct sfshm_fleet_flight *flight)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	demand(sfshm_fleet_begin(host->fleet, "key", 3, &hour, flight,
				 &result) == SFSHM_LEADER);
}

static void leads_are_counted(void **state)
{
	struct host host = host_open(0, NULL), other = host_open(1, NULL);
	struct sfshm_fleet_flight flight, second;

	(void)state;
	begin(&host, &flight);
	assert_counter(0, leads, 1);
	assert_counter(0, inherited, 0);
	assert_counter(0, requests, 1);
	/* A lease that this host has already, as if its leader had died. */
	assert_int_equal(sfshm_release(&flight.host), 0);
	begin(&host, &second);
	assert_counter(0, leads, 2);
	assert_counter(0, inherited, 1);
	/* Another host is first, after the engine has lost the lease. */
	server_drop_lease("key");
	begin(&other, &flight);
	assert_int_equal(sfshm_fleet_publish(&flight, "", 0), 0);
	assert_int_equal(sfshm_fleet_publish(&second, "", 0), -ESTALE);
	assert_counter(0, fenced, 1);
	assert_counter(1, fenced, 0);
	assert_counter(0, local, 0);
	host_close(&host);
	host_close(&other);
}

static bool lease_is_there(void)
{
	return server_has_lease("key");
}

static void leases_taken_back_are_counted(void **state)
{
	struct sfshm_fleet_flight flight;
	struct host host = host_open(0, &brief);

	(void)state;
	begin(&host, &flight);
	server_drop_lease("key");
	demand(eventually(lease_is_there()));
	assert_int_equal(sfshm_fleet_publish(&flight, "", 0), 0);
	assert_counter(0, reclaimed, 1);
	/* Acquire, publish, and at least one renewal. */
	assert_true(counter(0, "fleet_requests") >= 3);
	host_close(&host);
}

static void flights_without_the_engine_are_counted(void **state)
{
	const struct sfshm_fleet_options once = { .retry_ms = 3600000 };
	struct host host = host_open_at(0, &once, NOWHERE);
	struct sfshm_result result = SFSHM_RESULT_INIT;

	(void)state;
	for (int i = 0; i < 3; i++) {
		char key[8];

		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(ask(&host, key, publish_text, "v", &result),
				 SFSHM_COMPUTED);
	}
	assert_counter(0, local, 3);
	assert_counter(0, leads, 0);
	/* The breaker has held the others back. */
	assert_counter(0, requests, 1);
	sfshm_result_clear(&result);
	host_close(&host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(a_fill_costs_each_host_a_few_requests),
		in_fleet(leads_are_counted),
		in_fleet(leases_taken_back_are_counted),
		in_fleet(flights_without_the_engine_are_counted),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
