/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, PROMISE-P4: with SFSHM_DETACHED any thread of the process may
 * end a flight of the fleet; of two threads that try, one does. The lease stays
 * while the flight moves between threads. sfshm_release_all() gives leases
 * back in the fleet, too.
 */
#include <sfshm/release.h>

#include "fleet.h"

static const struct sfshm_policy detached = {
	.size = sizeof(detached),
	.flags = SFSHM_DETACHED,
	.ttl_ms = 3600000,
	.task = 7,
};

/* The engine, with what the test does in place of an operation or after it. */
static struct sfshm_fleet_ops ops;
static uint32_t renewals, releases;
static void (*before_publish)(void);

static int count_renewal(void *engine, const struct sfshm_fleet_request *q,
			 struct sfshm_fleet_answer *a)
{
	fetch_add_relaxed(&renewals, 1);
	return fleet_ops()->renew(engine, q, a);
}

static int count_release(void *engine, const struct sfshm_fleet_request *q,
			 struct sfshm_fleet_answer *a)
{
	fetch_add_relaxed(&releases, 1);
	return fleet_ops()->release(engine, q, a);
}

static int publish_late(void *engine, const struct sfshm_fleet_request *q,
			struct sfshm_fleet_answer *a)
{
	if (before_publish)
		before_publish();
	return fleet_ops()->publish(engine, q, a);
}

static struct host other;
static struct sfshm *handle;
static struct sfshm_fleet *mine;
static struct sfshm_fleet_flight flight;
static struct sfshm_result got;

/* Host 0 begins a flight of "key". */
static void lead(const struct sfshm_policy *policy, uint32_t lease_ms)
{
	const struct sfshm_fleet_options o = {
		.lease_ms = lease_ms,
		.command_ms = PATIENCE_MS,
	};
	char name[96];

	ops = *fleet_ops();
	ops.renew = count_renewal;
	ops.release = count_release;
	ops.publish = publish_late;
	before_publish = NULL;
	store_relaxed(&renewals, 0);
	store_relaxed(&releases, 0);
	got = (struct sfshm_result)SFSHM_RESULT_INIT;
	other = host_open(1, NULL);
	host_name(0, name);
	demand(!sfshm_open(&handle, name, &create));
	mine = fleet_join(handle, &o, &ops, server_url);
	assert_int_equal(sfshm_fleet_begin(mine, "key", 3, policy, &flight,
					   &got),
			 SFSHM_LEADER);
	assert_int_equal(got.fleet, 1);
}

static void end(void)
{
	sfshm_result_clear(&got);
	assert_int_equal(sfshm_fleet_close(mine), 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
	host_close(&other);
}

/* Calls `act` in a thread of its own, and waits for its end. */
static void elsewhere(void *(*act)(void *))
{
	pthread_t thread;

	demand(!pthread_create(&thread, NULL, act, NULL));
	demand(!pthread_join(thread, NULL));
}

static void *publish(void *unused)
{
	demand(sfshm_fleet_publish(&flight, "value", 5) == 0);
	return unused;
}

static void assert_other_host_gets(const char *text)
{
	assert_int_equal(ask(&other, "key", publish_text, "other", &got),
			 SFSHM_CACHED);
	assert_int_equal(got.fleet, 1);
	assert_true(result_is(&got, text));
}

static void by_a_value(void **state)
{
	(void)state;
	lead(&detached, LONG_LEASE_MS);
	elsewhere(publish);
	assert_int_equal(sfshm_fleet_shared(&flight), 1);
	assert_int_equal(sfshm_fleet_publish(&flight, "late", 4), -ESTALE);
	assert_other_host_gets("value");
	end();
}

static void *fail_it(void *unused)
{
	demand(sfshm_fleet_fail(&flight, -EIO, "no disk") == 0);
	return unused;
}

static void by_a_failure(void **state)
{
	struct sfshm_policy negative = detached;

	(void)state;
	negative.neg_ttl_ms = 3600000;
	lead(&negative, LONG_LEASE_MS);
	elsewhere(fail_it);
	assert_int_equal(ask(&other, "key", publish_text, "", &got),
			 -EREMOTEIO);
	assert_int_equal(got.code, -EIO);
	end();
}

static void *try_to_end(void *unused)
{
	demand(sfshm_fleet_publish(&flight, "second", 6) == -ESTALE);
	demand(sfshm_fleet_fail(&flight, -EIO, NULL) == -ESTALE);
	demand(sfshm_fleet_release(&flight) == -ESTALE);
	return unused;
}

static void try_elsewhere(void)
{
	elsewhere(try_to_end);
}

/* While one thread's request is under way, another one ends nothing. */
static void but_once(void **state)
{
	(void)state;
	lead(&detached, LONG_LEASE_MS);
	before_publish = try_elsewhere;
	assert_int_equal(sfshm_fleet_publish(&flight, "first", 5), 0);
	assert_int_equal(sfshm_fleet_shared(&flight), 1);
	assert_int_equal(sfshm_get(handle, "key", 3, &got), SFSHM_CACHED);
	assert_true(result_is(&got, "first"));
	assert_other_host_gets("first");
	end();
}

static int refuse_and_be_cancelled(const struct sfshm_result *r, void *arg)
{
	(void)r;
	(void)arg;
	demand(!pthread_cancel(pthread_self()));
	pthread_testcancel();
	return 1;
}

static void *publish_and_be_cancelled(void *unused)
{
	(void)!sfshm_fleet_publish(&flight, "value", 5);
	return unused;
}

/* A thread that is cancelled in a check leaves the flight to the others. */
static void though_one_is_cancelled(void **state)
{
	struct sfshm_policy choosy = detached;

	(void)state;
	choosy.fits = refuse_and_be_cancelled;
	lead(&choosy, LONG_LEASE_MS);
	elsewhere(publish_and_be_cancelled);
	assert_int_equal(sfshm_fleet_release(&flight), 0);
	assert_int_equal(ask(&other, "key", publish_text, "other", &got),
			 SFSHM_COMPUTED);
	end();
}

static void *move(void *unused)
{
	demand(sfshm_flight_value(&flight.host, &got) == -ENODATA);
	demand(eventually(load_relaxed(&renewals) >= 3 ||
			  load_relaxed(&releases)));
	return unused;
}

/* Another thread's record has the flight, and its lease is renewed. */
static void as_long_as_it_takes(void **state)
{
	(void)state;
	lead(&detached, 1000);
	elsewhere(move);
	assert_int_equal(load_relaxed(&releases), 0);
	assert_int_equal(sfshm_fleet_close(mine), -EBUSY);
	assert_int_equal(sfshm_fleet_release(&flight), 0);
	assert_int_equal(load_relaxed(&releases), 1);
	end();
}

static void until_the_task_gives_it_back(void **state)
{
	(void)state;
	lead(&detached, 1000);
	assert_int_equal(sfshm_release_all(handle, 7), 1);
	assert_int_equal(sfshm_fleet_publish(&flight, "late", 4), -ESTALE);
	demand(eventually(load_relaxed(&releases) == 1));
	assert_int_equal(ask(&other, "key", publish_text, "other", &got),
			 SFSHM_COMPUTED);
	end();
}

/* Without SFSHM_DETACHED the thread gives it back. */
static void or_its_thread_does(void **state)
{
	struct sfshm_policy usual = detached;

	(void)state;
	usual.flags = 0;
	usual.task = 0;
	lead(&usual, LONG_LEASE_MS);
	assert_int_equal(sfshm_release_all(handle, 0), 1);
	assert_int_equal(sfshm_fleet_publish(&flight, "late", 4), -ESTALE);
	sfshm_fleet_cleanup(&flight);
	assert_int_equal(load_relaxed(&releases), 1);
	assert_int_equal(ask(&other, "key", publish_text, "other", &got),
			 SFSHM_COMPUTED);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(by_a_value),
		in_fleet(by_a_failure),
		in_fleet(but_once),
		in_fleet(though_one_is_cancelled),
		in_fleet(as_long_as_it_takes),
		in_fleet(until_the_task_gives_it_back),
		in_fleet(or_its_thread_does),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
