/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: a leader that was stopped for longer than its lease publishes
 * nothing, and gets what the fleet has; so does one whose key was invalidated,
 * or whose flight a caller of its own host took. If only the engine has lost
 * the lease, the leader's value still counts.
 */
#include "fleet.h"

static const struct sfshm_fleet_options brief = {
	.lease_ms = 1000,
	.command_ms = PATIENCE_MS,
};

static struct note *note;

static int stop_inside(struct sfshm_fleet_flight *flight, void *arg)
{
	struct note *n = arg;

	n->runs++;
	n->token = sfshm_fleet_token(flight);
	raise(SIGSTOP);
	return sfshm_fleet_publish(flight, "old", 3);
}

static void lead_and_stop(struct note *n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, &brief);

	n->outcome = ask(&host, "key", stop_inside, n, &result);
	n->fleet = result.fleet;
	if (n->outcome >= 0 && result.value.len < sizeof(n->value))
		memcpy(n->value, result.value.data, result.value.len);
}

static void by_another_host(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(1, &brief);
	int status;
	pid_t pid;

	(void)state;
	note = shared_memory(sizeof(*note));
	pid = worker_fork(lead_and_stop, note);
	demand(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	/* This host waits until the lease has run out. */
	assert_int_equal(ask(&host, "key", publish_text, "new", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	kill(pid, SIGCONT);
	demand(waitpid(pid, &status, 0) == pid && status == 0);
	assert_int_equal(note->runs, 1);
	assert_int_equal(note->outcome, SFSHM_CACHED);
	assert_int_equal(note->fleet, 1);
	assert_string_equal(note->value, "new");
	/* What the engine has is what the winner published. */
	assert_non_null(strstr(server_ask("HGET t:{key}V b"), "new"));
	sfshm_result_clear(&result);
	host_close(&host);
}

/* Its lease has run out, and somebody may have led meanwhile. */
static void though_nobody_else_led(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	note = shared_memory(sizeof(*note));
	pid = worker_fork(lead_and_stop, note);
	demand(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	demand(eventually(!strcmp(server_ask("EXISTS t:{key}L"), ":0\r\n")));
	kill(pid, SIGCONT);
	demand(waitpid(pid, &status, 0) == pid && status == 0);
	assert_int_equal(note->outcome, -ESTALE);
	assert_string_equal(server_ask("EXISTS t:{key}V"), ":1\r\n");
	assert_string_equal(server_ask("HEXISTS t:{key}V b"), ":0\r\n");
}

struct pair {
	struct host host[2];
	struct sfshm_fleet_flight flight;
	struct sfshm_result result;
};

static const struct sfshm_policy hour = {
	.size = sizeof(hour),
	.ttl_ms = 3600000,
};

/* Host 0 leads. */
static void lead(struct pair *p)
{
	p->host[0] = host_open(0, NULL);
	p->host[1] = host_open(1, NULL);
	p->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	assert_int_equal(sfshm_fleet_begin(p->host[0].fleet, "key", 3, &hour,
					   &p->flight, &p->result),
			 SFSHM_LEADER);
	assert_true(sfshm_fleet_token(&p->flight) > 0);
}

static void end(struct pair *p)
{
	sfshm_result_clear(&p->result);
	host_close(&p->host[0]);
	host_close(&p->host[1]);
}

static void by_an_invalidation(void **state)
{
	struct pair p;

	(void)state;
	lead(&p);
	assert_int_equal(sfshm_fleet_invalidate(p.host[1].fleet, "key", 3, 0),
			 0);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "old", 3), -ESTALE);
	assert_int_equal(sfshm_fleet_shared(&p.flight), 0);
	assert_int_equal(ask(&p.host[1], "key", publish_text, "new", &p.result),
			 SFSHM_COMPUTED);
	assert_int_equal(ask(&p.host[0], "key", publish_text, "newer",
			     &p.result),
			 SFSHM_CACHED);
	assert_true(result_is(&p.result, "new"));
	end(&p);
}

/* A caller of the same host, by the host's own lease. */
static void by_its_own_host(void **state)
{
	const struct sfshm_policy impatient = {
		.size = sizeof(impatient),
		.ttl_ms = 3600000,
		.lock_age_ms = 1,
	};
	struct host host = host_open(0, NULL);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_fleet_flight flight;
	struct worker w = {
		.host = &host,
		.key = "key",
		.policy = impatient,
		.work = publish_text,
		.arg = "new",
	};

	(void)state;
	assert_int_equal(sfshm_fleet_begin(host.fleet, "key", 3, &impatient,
					   &flight, &result),
			 SFSHM_LEADER);
	worker_start(&w);
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_COMPUTED);
	assert_int_equal(w.result.fleet, 1);
	assert_int_equal(sfshm_fleet_publish(&flight, "old", 3), -ESTALE);
	assert_non_null(strstr(server_ask("HGET t:{key}V b"), "new"));
	sfshm_result_clear(&w.result);
	host_close(&host);
}

/* The engine has lost all that it had, as in a failover. */
static void but_not_by_the_engines_loss(void **state)
{
	struct pair p;

	(void)state;
	lead(&p);
	server_ask("FLUSHALL");
	assert_int_equal(sfshm_fleet_publish(&p.flight, "old", 3), 0);
	assert_int_equal(sfshm_fleet_shared(&p.flight), 1);
	assert_int_equal(ask(&p.host[1], "key", publish_text, "new", &p.result),
			 SFSHM_CACHED);
	assert_true(result_is(&p.result, "old"));

	end(&p);
}

/* Another host was first after the loss. */
static void unless_another_host_was_first(void **state)
{
	struct pair p;

	(void)state;
	lead(&p);
	server_ask("FLUSHALL");
	assert_int_equal(ask(&p.host[1], "key", publish_text, "new", &p.result),
			 SFSHM_COMPUTED);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "old", 3), -ESTALE);
	end(&p);
}

/* One holder that talks to the engine by itself. */
static const struct sfshm_fleet_ops *ops;
static const struct iovec value = { "v", 1 };
static struct sfshm_fleet_request q;
static struct sfshm_fleet_answer a;
static void *engine;

static void open_engine(void)
{
	const struct sfshm_fleet_options o = {
		.size = sizeof(o),
		.command_ms = PATIENCE_MS,
	};

	ops = sfshm_fleet_redis();
	a = (struct sfshm_fleet_answer){ .size = sizeof(a) };
	q = (struct sfshm_fleet_request){
		.size = sizeof(q),
		.key = "key",
		.key_len = 3,
		.holder = "one holder",
		.lease_ms = LONG_LEASE_MS,
		.deadline_ns = UINT64_MAX,
		.alive = 1,
		.iov = &value,
		.count = 1,
		.ttl_ms = 3600000,
	};
	assert_int_equal(ops->open(server_url, &o, &engine), 0);
}

static void close_engine(void)
{
	free(a.bytes.data);
	ops->close(engine, 0);
}

#define answers(op, wanted)                                        \
	do {                                                       \
		assert_int_equal(ops->op(engine, &q, &a), 0);      \
		assert_int_equal(a.verdict, SFSHM_FLEET_##wanted); \
	} while (0)

/* The answer to a request was lost, and the request is made again. */
static void repeated_requests_do_no_harm(void **state)
{
	uint64_t first;

	(void)state;
	open_engine();
	answers(acquire, LED);
	first = a.token;
	answers(acquire, INHERITED);
	assert_true(a.token > first);
	q.token = first;
	answers(publish, FENCED);
	answers(acquire, INHERITED);
	q.token = a.token;
	answers(publish, OK);
	answers(publish, OK);
	answers(renew, FENCED);
	close_engine();
}

/* A renewal gives the lease its whole time; after a release it gives none. */
static void renewals_that_are_late_do_no_harm(void **state)
{
	(void)state;
	open_engine();
	answers(acquire, LED);
	q.token = a.token;
	server_ask("PEXPIRE t:{key}L 60000");
	answers(renew, OK);
	assert_true(atoi(server_ask("PTTL t:{key}L") + 1) > 60000);
	answers(release, OK);
	answers(renew, FENCED);
	answers(publish, FENCED);
	close_engine();
}

/* A server whose clock is behind goes on from what a host has seen. */
static void tokens_grow_though_the_clock_goes_back(void **state)
{
	(void)state;
	open_engine();
	answers(acquire, LED);
	q.token = a.token + UINT64_C(3600000000);
	answers(acquire, INHERITED);
	assert_true(a.token > q.token);
	close_engine();
}

/* It has kept nothing, neither tokens nor leases. */
static void tokens_grow_though_the_engine_forgets(void **state)
{
	uint64_t last = 0;
	struct pair p;

	(void)state;
	lead(&p);
	for (int i = 0; i < 4; i++) {
		uint64_t token = sfshm_fleet_token(&p.flight);

		assert_true(token > last);
		last = token;
		server_kill();
		server_start();
		/* The lease lasts by the leader's own clock. */
		assert_int_equal(sfshm_fleet_publish(&p.flight, "", 0), 0);
		assert_int_equal(sfshm_fleet_shared(&p.flight), 1);
		assert_int_equal(sfshm_fleet_invalidate(p.host[i % 2].fleet,
							"key", 3, SFSHM_HARD),
				 0);
		assert_int_equal(sfshm_fleet_begin(p.host[i % 2].fleet, "key",
						   3, &hour, &p.flight,
						   &p.result),
				 SFSHM_LEADER);
	}
	assert_int_equal(sfshm_fleet_release(&p.flight), 0);
	end(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(by_another_host),
		in_fleet(though_nobody_else_led),
		in_fleet(by_an_invalidation),
		in_fleet(by_its_own_host),
		in_fleet(but_not_by_the_engines_loss),
		in_fleet(unless_another_host_was_first),
		in_fleet(repeated_requests_do_no_harm),
		in_fleet(renewals_that_are_late_do_no_harm),
		in_fleet(tokens_grow_though_the_clock_goes_back),
		in_fleet(tokens_grow_though_the_engine_forgets),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
