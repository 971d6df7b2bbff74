/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, PROMISE-P1, PROMISE-P3: a signal, and the policy's
 * `interrupted`, end a wait for another host as they end one for a leader of
 * this host. A forked child never uses its parent's fleet, not even by a handle
 * that follows forks, but may join with that handle.
 */
#include "fleet.h"

static uint32_t handled, asked, fired;

static void note_signal(int number)
{
	(void)number;
	fetch_add_relaxed(&handled, 1);
}

static int interrupted(void *unused)
{
	(void)unused;
	fetch_add_relaxed(&asked, 1);
	return load_relaxed(&fired) != 0;
}

static int be_cancelled(void *unused)
{
	(void)unused;
	if (load_relaxed(&fired)) {
		demand(!pthread_cancel(pthread_self()));
		pthread_testcancel();
	}
	return 0;
}

/* Host 0 leads "key" by p->flight; host 1's worker waits for it. */
struct pair {
	struct host host[2];
	struct sfshm_fleet_flight flight;
	struct sfshm_result result;
	struct worker waiter;
};

static void begin(struct pair *p, const struct sfshm_policy *policy)
{
	const struct sigaction action = { .sa_handler = note_signal };

	demand(!sigaction(SIGUSR1, &action, NULL));
	store_relaxed(&handled, 0);
	store_relaxed(&asked, 0);
	store_relaxed(&fired, 0);
	p->host[0] = host_open(0, NULL);
	p->host[1] = host_open(1, NULL);
	p->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	assert_int_equal(sfshm_fleet_begin(p->host[0].fleet, "key", 3, NULL,
					   &p->flight, &p->result),
			 SFSHM_LEADER);
	p->waiter = (struct worker){
		.host = &p->host[1],
		.key = "key",
		.policy = *policy,
		.work = publish_text,
		.arg = "",
	};
	worker_start(&p->waiter);
	demand(eventually(server_waits() == 1));
}

static void end(struct pair *p)
{
	sfshm_result_clear(&p->waiter.result);
	sfshm_result_clear(&p->result);
	host_close(&p->host[0]);
	host_close(&p->host[1]);
}

/* The host flight and the watch are given up. */
static void assert_waits_no_more(struct pair *p)
{
	const struct sfshm_policy try = {
		.size = sizeof(try),
		.flags = SFSHM_TRY,
	};

	assert_true(eventually(server_waits() == 0));
	assert_int_equal(sfshm_fleet_release(&p->flight), 0);
	assert_int_equal(sfshm_fleet_do(p->host[1].fleet, "key", 3, &try,
					publish_text, "own", &p->result),
			 SFSHM_COMPUTED);
}

static void signals_end_a_wait_if_asked(void **state)
{
	const struct sfshm_policy policy = { .flags = SFSHM_INTR };
	struct pair p;

	(void)state;
	begin(&p, &policy);
	demand(eventually(load_acquire(&p.waiter.returned) ||
			  pthread_kill(p.waiter.thread, SIGUSR1)));
	worker_join(&p.waiter);
	assert_int_equal(p.waiter.outcome, -EINTR);
	assert_waits_no_more(&p);
	end(&p);
}

static void signal_once(pthread_t thread)
{
	uint32_t seen = load_relaxed(&handled);

	demand(!pthread_kill(thread, SIGUSR1));
	demand(eventually(load_relaxed(&handled) > seen));
}

static void but_not_otherwise(void **state)
{
	const struct sfshm_policy policy = { .flags = 0 };
	struct pair p;

	(void)state;
	begin(&p, &policy);
	for (int i = 0; i < 20; i++)
		signal_once(p.waiter.thread);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "value", 5), 0);
	worker_join(&p.waiter);
	assert_int_equal(p.waiter.outcome, SFSHM_AWAITED);
	assert_true(result_is(&p.waiter.result, "value"));
	end(&p);
}

static void the_policy_is_asked(void **state)
{
	const struct sfshm_policy policy = { .interrupted = interrupted };
	struct pair p;

	(void)state;
	begin(&p, &policy);
	demand(eventually(load_relaxed(&asked) > 2));
	assert_false(load_acquire(&p.waiter.returned));
	store_relaxed(&fired, 1);
	worker_join(&p.waiter);
	assert_int_equal(p.waiter.outcome, -EINTR);
	assert_waits_no_more(&p);
	end(&p);
}

static void and_may_be_cancelled_there(void **state)
{
	const struct sfshm_policy policy = { .interrupted = be_cancelled };
	struct pair p;
	void *value;

	(void)state;
	begin(&p, &policy);
	store_relaxed(&fired, 1);
	demand(!pthread_join(p.waiter.thread, &value));
	assert_ptr_equal(value, PTHREAD_CANCELED);
	assert_waits_no_more(&p);
	end(&p);
}

static struct host shared;
static struct sfshm_fleet_flight flight;

/* In a child, which returns no earlier than all of this has been refused. */
static void use_the_parents(struct note *n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_fleet_flight own = SFSHM_FLEET_FLIGHT_INIT;
	struct host joined = { .handle = shared.handle };

	demand(sfshm_fleet_begin(shared.fleet, "own", 3, NULL, &own, &result) ==
	       -ECHILD);
	sfshm_fleet_cleanup(&own);
	demand(sfshm_fleet_invalidate(shared.fleet, "key", 3, 0) == -ECHILD);
	demand(sfshm_fleet_lost(&flight) == -ECHILD);
	demand(sfshm_fleet_publish(&flight, "late", 4) == -ECHILD);
	demand(sfshm_fleet_fail(&flight, -EIO, NULL) == -ECHILD);
	demand(sfshm_fleet_release(&flight) == -ECHILD);
	demand(sfshm_fleet_close(shared.fleet) == 0);
	joined.fleet = fleet_join(joined.handle, NULL, fleet_ops(), server_url);
	demand(ask(&joined, "own", publish_text, "childs", &result) ==
	       SFSHM_COMPUTED);
	demand(result.fleet == 1);
	demand(sfshm_fleet_close(joined.fleet) == 0);
	n->ready = 1;
}

static void children_join_for_themselves(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct note *note = shared_memory(sizeof(*note));
	char name[96];
	int status;
	pid_t pid;

	(void)state;
	host_name(0, name);
	shared.handle = sfshm_shared(name, &create);
	assert_non_null(shared.handle);
	shared.fleet = fleet_join(shared.handle, NULL, fleet_ops(), server_url);
	assert_int_equal(sfshm_fleet_begin(shared.fleet, "key", 3, NULL,
					   &flight, &result),
			 SFSHM_LEADER);
	pid = worker_fork(use_the_parents, note);
	demand(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(note->ready, 1);
	/* The parent's flight and connection have not noticed. */
	assert_int_equal(sfshm_fleet_lost(&flight), 0);
	assert_int_equal(sfshm_fleet_publish(&flight, "value", 5), 0);
	assert_int_equal(sfshm_fleet_shared(&flight), 1);
	assert_int_equal(ask(&shared, "own", publish_text, "", &result),
			 SFSHM_CACHED);
	assert_true(result_is(&result, "childs"));
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_fleet_close(shared.fleet), 0);
}

static int fork_and_return(struct sfshm_fleet_flight *f, void *arg)
{
	pid_t *pid = arg;
	int status;

	*pid = fork();
	demand(*pid >= 0);
	if (!*pid)
		return 0;
	demand(waitpid(*pid, &status, 0) == *pid && status == 0);
	return sfshm_fleet_publish(f, "value", 5);
}

/* The child leaves sfshm_fleet_do() by its parent's stack. */
static void or_leave_all_to_their_parent(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char name[96];
	pid_t pid;
	int r;

	(void)state;
	host_name(0, name);
	shared.handle = sfshm_shared(name, &create);
	shared.fleet = fleet_join(shared.handle, NULL, fleet_ops(), server_url);
	r = sfshm_fleet_do(shared.fleet, "key", 3, NULL, fork_and_return, &pid,
			   &result);
	if (!pid)
		_exit(r == -ECHILD ? 0 : 1);
	assert_int_equal(r, SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_fleet_close(shared.fleet), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(signals_end_a_wait_if_asked),
		in_fleet(but_not_otherwise),
		in_fleet(the_policy_is_asked),
		in_fleet(and_may_be_cancelled_there),
		in_fleet(children_join_for_themselves),
		in_fleet(or_leave_all_to_their_parent),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
