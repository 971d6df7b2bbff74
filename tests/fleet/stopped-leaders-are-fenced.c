/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: a leader that was stopped for longer than its lease publishes
 * nothing, and gets what the fleet has; so does one whose key was invalidated,
 * or whose flight a caller of its own host took. If only the engine has lost
 * the lease, the leader's value still counts.
 */
#include <sys/syscall.h>

#include "fleet.h"
/* "fleet/fleet.h" would name the tests' own. */
#include "../../src/fleet/fleet.h"

static const struct sfshm_fleet_options brief = {
	.lease_ms = 3000,
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
	host_close(&host);
}

/* Whether the engine has this result, for a host that has seen none. */
static bool third_host_gets(const char *text)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(2, NULL);
	bool is = ask(&host, "key", publish_text, "other", &result) ==
			  SFSHM_CACHED &&
		  result_is(&result, text);

	sfshm_result_clear(&result);
	host_close(&host);
	return is;
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
	assert_true(third_host_gets("new"));
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
	demand(eventually(!server_has_lease("key")));
	kill(pid, SIGCONT);
	demand(waitpid(pid, &status, 0) == pid && status == 0);
	assert_int_equal(note->outcome, -ESTALE);
	assert_false(server_has_value("key"));
}

struct inquiry {
	pthread_t thread;
	struct sfshm_fleet_flight *flight;
	uint32_t asks;
	int answer;
};

static void *ask_whether_lost(void *arg)
{
	struct inquiry *inquiry = arg;

	store_release(&inquiry->asks, gettid());
	inquiry->answer = sfshm_fleet_lost(inquiry->flight);
	return NULL;
}

/* A thread that waits for a lock sleeps in futex(2). */
static bool sleeps_in_futex(uint32_t tid)
{
	char path[64], text[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%u/syscall", tid);
	file = tid ? fopen(path, "re") : NULL;
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return strtol(text, NULL, 10) == SYS_futex && text[0] != 'r';
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
	assert_true(third_host_gets("new"));
	sfshm_result_clear(&w.result);
	host_close(&host);
}

/* The engine has lost all that it had, as in a failover. */
static void but_not_by_the_engines_loss(void **state)
{
	struct pair p;

	(void)state;
	lead(&p);
	server_forget_all();
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
	server_forget_all();
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

	ops = fleet_ops();
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
#ifndef FLEET_OVER_ETCD
	server_ask("PEXPIRE t:{key}L 60000");
#endif
	answers(renew, OK);
#ifndef FLEET_OVER_ETCD
	assert_true(atoi(server_ask("PTTL t:{key}L") + 1) > 60000);
#endif
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

/* The library's thread hears from the engine that another host leads. */
static void the_work_may_ask(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, &brief), other = host_open(1, &brief);
	struct sfshm_fleet_flight flights[2];

	(void)state;
	assert_int_equal(sfshm_fleet_begin(host.fleet, "key", 3, &hour,
					   &flights[0], &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_fleet_lost(&flights[0]), 0);
	/* As if the lease had run out. */
	server_drop_lease("key");
	assert_int_equal(sfshm_fleet_begin(other.fleet, "key", 3, &hour,
					   &flights[1], &result),
			 SFSHM_LEADER);
	demand(eventually(sfshm_fleet_lost(&flights[0]) == 1));
	assert_int_equal(sfshm_fleet_lost(&flights[1]), 0);
	assert_int_equal(sfshm_fleet_publish(&flights[1], "", 0), 0);
	assert_int_equal(sfshm_fleet_publish(&flights[0], "", 0), -ESTALE);
	assert_int_equal(sfshm_fleet_lost(&flights[0]), 0);
	sfshm_result_clear(&result);
	host_close(&host);
	host_close(&other);
}

/* A thread asks while another one has just taken the lease to end the flight:
   that lease is not lost. */
static void ends_are_no_losses(void **state)
{
	struct inquiry i = { 0 };
	struct fleet_flight *x;
	struct leases *all;
	struct lease *l;
	struct pair p;

	(void)state;
	lead(&p);
	x = fleet_flight_of(&p.flight);
	all = &x->fleet->leases;
	i.flight = &p.flight;
	pthread_mutex_lock(&all->lock);
	demand(!pthread_create(&i.thread, NULL, ask_whether_lost, &i));
	demand(eventually(sleeps_in_futex(load_acquire(&i.asks))));
	/* This is what the end of a flight does, in this order. */
	store_relaxed(&x->lease, 0);
	l = all->first;
	all->first = l->next;
	pthread_mutex_unlock(&all->lock);
	demand(!pthread_join(i.thread, NULL));
	assert_int_equal(i.answer, 0);
	pthread_mutex_lock(&all->lock);
	all->first = l;
	pthread_mutex_unlock(&all->lock);
	store_relaxed(&x->lease, l->number);
	assert_int_equal(sfshm_fleet_release(&p.flight), 0);
	end(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(by_another_host),
		in_fleet(the_work_may_ask),
		in_fleet(ends_are_no_losses),
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
