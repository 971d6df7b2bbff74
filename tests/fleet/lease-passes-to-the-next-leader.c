/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: a killed leader's lease passes to the next leader of its host
 * at once, with a higher token, wherever the leader was killed; and to another
 * host when it has run out. A live leader's lease is renewed.
 */
#include <sfshm/resize.h>

#include "fleet.h"

static struct note *note;

/* In a child: leads, and stays in the work until somebody waits for it. */
static int hang(struct sfshm_fleet_flight *flight, void *arg)
{
	struct note *n = arg;

	store_release(&n->token, sfshm_fleet_token(flight));
	demand(eventually(sfshm_flight_waiters(&flight->host) > 0));
	store_release(&n->ready, 1);
	while (pause())
		;
	return 0;
}

static void lead_and_hang(struct note *n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, NULL);

	(void)!ask(&host, "key", hang, n, &result);
}

static int note_token(struct sfshm_fleet_flight *flight, void *token)
{
	store_release((uint64_t *)token, sfshm_fleet_token(flight));
	return sfshm_fleet_publish(flight, "mine", 4);
}

/* The lease is an hour: nobody can have waited for its end. */
static void to_a_follower(void **state)
{
	struct host host = host_open(0, NULL);
	uint64_t token = 0;
	struct worker w = {
		.host = &host,
		.key = "key",
		.work = note_token,
		.arg = &token,
	};
	pid_t pid;

	(void)state;
	note = shared_memory(sizeof(*note));
	pid = worker_fork(lead_and_hang, note);
	demand(eventually(load_acquire(&note->token)));
	worker_start(&w);
	demand(eventually(load_acquire(&note->ready)));
	worker_kill(pid);
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_COMPUTED);
	assert_int_equal(w.result.owner_died, 1);
	assert_int_equal(w.result.fleet, 1);
	assert_true(token > note->token);
	sfshm_result_clear(&w.result);
	host_close(&host);
}

static int do_it(struct sfshm_fleet_flight *flight, void *arg)
{
	struct note *n = arg;

	n->runs++;
	n->token = sfshm_fleet_token(flight);
	return n->ready ? sfshm_fleet_release(flight) :
			  sfshm_fleet_publish(flight, "dead", 4);
}

static int point;

static void die_at_the_point(struct note *n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, NULL);

	killpoint_arm((enum kill_point)point, 1, SIGKILL);
	(void)!ask(&host, "key", do_it, n, &result);
}

/* Kills a leader at the point; then this process asks. */
static void after_a_death_at(int where, bool releases, const char *value)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, NULL);
	uint64_t token = 0;
	int status, r;
	pid_t pid;

	note = shared_memory(sizeof(*note));
	note->ready = releases;
	point = where;
	pid = worker_fork(die_at_the_point, note);
	demand(waitpid(pid, &status, 0) == pid);
	demand(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	r = ask(&host, "key", note_token, &token, &result);
	assert_int_equal(result.fleet, 1);
	assert_true(result_is(&result, value));
	if (r == SFSHM_COMPUTED)
		assert_true(token > note->token);
	else
		assert_int_equal(r, SFSHM_CACHED);
	sfshm_result_clear(&result);
	host_close(&host);
}

static void before_the_work(void **state)
{
	(void)state;
	after_a_death_at(KILL_AT_fleet_leased, false, "mine");
	assert_int_equal(note->runs, 0);
}

/* The engine has the dead leader's value. */
static void between_both_publications(void **state)
{
	(void)state;
	after_a_death_at(KILL_AT_fleet_published, false, "dead");
}

static void between_both_releases(void **state)
{
	(void)state;
	after_a_death_at(KILL_AT_fleet_ended, true, "mine");
}

/* Host 0 leads for longer than its lease, and dies; host 1 waits. */
static const struct sfshm_fleet_options brief = {
	.lease_ms = 3000,
	.command_ms = PATIENCE_MS,
};

static int hang_alone(struct sfshm_fleet_flight *flight, void *arg)
{
	struct note *n = arg;

	store_release(&n->token, sfshm_fleet_token(flight));
	while (pause())
		;
	return 0;
}

static void lead_briefly(struct note *n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, &brief);

	(void)!ask(&host, "key", hang_alone, n, &result);
}

static void to_another_host(void **state)
{
	struct host host = host_open(1, &brief);
	uint64_t token = 0, before;
	struct worker w = {
		.host = &host,
		.key = "key",
		.work = note_token,
		.arg = &token,
	};
	pid_t pid;

	(void)state;
	note = shared_memory(sizeof(*note));
	pid = worker_fork(lead_briefly, note);
	demand(eventually(load_acquire(&note->token)));
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	/* Renewals, and at most one new question of the waiter in each lease:
	   of so many requests some came after the first lease's end. */
	before = server_requests();
	demand(eventually(server_requests() >= before + 4 * COST_WAIT));
	assert_false(load_acquire(&w.returned));
	assert_int_equal(load_acquire(&token), 0);
	worker_kill(pid);
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_COMPUTED);
	assert_true(token > note->token);
	sfshm_result_clear(&w.result);
	host_close(&host);
}

/* A thread's end without a word gives the lease back at the next renewal. */
static void *begin_and_leave(void *arg)
{
	struct sfshm_fleet_flight flight = SFSHM_FLEET_FLIGHT_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host *host = arg;

	demand(sfshm_fleet_begin(host->fleet, "key", 3, NULL, &flight,
				 &result) == SFSHM_LEADER);
	return NULL;
}

static void of_a_thread_that_ends(void **state)
{
	struct host hosts[2] = { host_open(0, &brief), host_open(1, NULL) };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	pthread_t thread;
	uint64_t token = 0;

	(void)state;
	demand(!pthread_create(&thread, NULL, begin_and_leave, &hosts[0]));
	demand(!pthread_join(thread, NULL));
	assert_int_equal(ask(&hosts[1], "key", note_token, &token, &result),
			 SFSHM_COMPUTED);
	assert_true(token > 0);
	sfshm_result_clear(&result);
	host_close(&hosts[0]);
	host_close(&hosts[1]);
}

/* What the engine was asked last: the token's floor. */
static uint64_t floor_seen;

static int note_floor(void *engine, const struct sfshm_fleet_request *q,
		      struct sfshm_fleet_answer *a)
{
	floor_seen = q->token;
	return fleet_ops()->acquire(engine, q, a);
}

/* A successor is the same host, and has seen the same tokens. */
static void over_a_resize(void **state)
{
	const struct sfshm_policy at_once = {
		.size = sizeof(at_once),
		.flags = SFSHM_TRY,
	};
	const struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 32768,
	};
	struct sfshm_fleet_ops ops = *fleet_ops();
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t token = 0;
	struct host host;
	char name[96];
	int status;

	(void)state;
	note = shared_memory(sizeof(*note));
	point = KILL_AT_fleet_leased;
	demand(waitpid(worker_fork(die_at_the_point, note), &status, 0) > 0);
	host_name(0, name);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sfshm_resize(name, &larger, 0, NULL, NULL), 0);
	demand(!sfshm_open(&host.handle, name, &create));
	ops.acquire = note_floor;
	host.fleet = fleet_join(host.handle, NULL, &ops, server_url);
	assert_int_equal(sfshm_fleet_do(host.fleet, "key", 3, &at_once,
					note_token, &token, &result),
			 SFSHM_COMPUTED);
	assert_true(floor_seen > 0 && token > floor_seen);
	assert_int_equal(result.fleet, 1);
	sfshm_result_clear(&result);
	host_close(&host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(to_a_follower),
		in_fleet(before_the_work),
		in_fleet(between_both_publications),
		in_fleet(between_both_releases),
		in_fleet(to_another_host),
		in_fleet(of_a_thread_that_ends),
		in_fleet(over_a_resize),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
