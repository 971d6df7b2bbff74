/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1, PROMISE-F6, PROMISE-R2: Whatever ends a leader, one follower
 * takes over and learns of the death, and the other follower gets that
 * flight's result.
 */
#include <signal.h>
#include <sys/wait.h>

#include "agent.h"
#include "watch.h"

/* Who waits for the first one, one behind the other, and that one. */
#define CHAIN 6

/* Two followers of a leader; their sleeps end by a wake only, if `woken`. */
static void two_follow(struct agent *f[2], bool woken)
{
	for (int i = 0; i < 2; i++) {
		f[i] = agent_start();
		if (woken)
			agent_expect(f[i], "ok", "sleep-until-woken");
		agent_say(f[i], "begin key");
	}
	await_waiters("key", 2);
}

static void one_takes_over(struct agent *f[2])
{
	int heir;

	assert_true(eventually(agent_spoke(f[0]) || agent_spoke(f[1])));
	heir = agent_spoke(f[0]) ? 0 : 1;
	agent_answers(f[heir], "leader owner_died");
	await_waiters("key", 1);
	assert_false(agent_spoke(f[!heir]));
	agent_expect(f[heir], "ok", "publish second");
	agent_answers(f[!heir], "awaited second");
	agent_expect(f[heir], "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 1);
}

/* Ends an agent whose main thread leads by saying `death` to it. */
static struct agent *leader_ends(const char *death)
{
	struct agent *leader = agent_start(), *f[2];

	agent_expect(leader, "leader", "begin key");
	two_follow(f, true);
	agent_say(leader, "%s", death);
	one_takes_over(f);
	assert_int_equal(watch_counter("takeovers"), 1);
	return leader;
}

static void by_sigkill(void **state)
{
	(void)state;
	assert_int_equal(agent_gone(leader_ends("signal KILL")), SIGKILL);
}

/* Not before the flight is ended, and not later either. */
static void heir_reaps(void **state)
{
	struct agent *leader = agent_start(), *heir = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(heir, "begin key");
	await_waiters("key", 1);
	agent_kill(leader);
	agent_answers(heir, "leader owner_died");
	assert_int_equal(watch_counter("reaps"), 0);
	agent_expect(heir, "ok", "publish value");
	assert_int_equal(watch_counter("reaps"), 1);
}

static void by_sigsegv(void **state)
{
	(void)state;
	assert_int_equal(agent_gone(leader_ends("signal SEGV")), SIGSEGV);
}

static void by_sigterm(void **state)
{
	(void)state;
	assert_int_equal(agent_gone(leader_ends("signal TERM")), SIGTERM);
}

static void by_exit(void **state)
{
	(void)state;
	assert_true(WIFEXITED(agent_gone(leader_ends("exit"))));
}

static void by_exit_at_once(void **state)
{
	(void)state;
	assert_int_equal(agent_gone(leader_ends("_exit")), 0);
}

/* The process lives on, as another program. */
static void by_exec(void **state)
{
	(void)state;
	agent_expect(leader_ends("exec"), "ok", "ping");
}

/* The main thread leads, another one execs. */
static void by_another_threads_exec(void **state)
{
	(void)state;
	agent_expect(leader_ends("@t exec"), "ok", "ping");
}

/*
 * Ends a thread of an agent, which leads, by saying `death` to it. If the
 * kernel does not mark the death, one follower may reap the leader before the
 * other one takes over.
 */
static struct agent *thread_ends(const char *death, bool woken)
{
	struct agent *leader = agent_start(), *f[2];

	agent_expect(leader, "@t leader", "@t begin key");
	two_follow(f, woken);
	agent_say(leader, "%s", death);
	one_takes_over(f);
	assert_in_range(watch_counter("takeovers"), woken, 1);
	return leader;
}

/* The kernel marks nothing then: the re-check finds it out. */
static void by_its_own_exec_off_the_main_thread(void **state)
{
	(void)state;
	agent_expect(thread_ends("@t exec", false), "ok", "ping");
}

static void by_raw_exit(void **state)
{
	(void)state;
	agent_expect(thread_ends("@t raw-exit", true), "ok", "ping");
}

/*
 * A thread that leaves in order gives its flights back itself, so nobody is
 * told of a death.
 */
static void thread_leaves(const char *end, const char *answer)
{
	struct agent *leader = agent_start(), *f[2];
	int heir;

	agent_expect(leader, "@t leader", "@t begin key");
	two_follow(f, true);
	agent_say(leader, "%s", end);
	if (answer)
		agent_answers(leader, answer);
	assert_true(eventually(agent_spoke(f[0]) || agent_spoke(f[1])));
	heir = agent_spoke(f[0]) ? 0 : 1;
	agent_answers(f[heir], "leader");
	agent_expect(f[heir], "ok", "publish second");
	agent_answers(f[!heir], "awaited second");
	agent_expect(leader, "0", "verify");
}

static void by_pthread_exit(void **state)
{
	(void)state;
	thread_leaves("@t pthread_exit", NULL);
}

static void by_pthread_cancel(void **state)
{
	(void)state;
	thread_leaves("cancel t", "ok");
}

/* Nobody waits when it dies: who comes next is told. */
static void by_one_who_comes_later(void **state)
{
	struct agent *leader = agent_start(), *next = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_kill(leader);
	agent_expect(next, "leader owner_died", "begin key");
	agent_expect(next, "ok", "publish second");
	agent_expect(next, "leader", "begin key");
	assert_int_equal(watch_counter("owner_died"), 1);
}

/* Its place in the chain; CHAIN if nobody has said anything. */
static int who_spoke(struct agent *const *chain)
{
	int at = 0;

	while (at < CHAIN && !(chain[at] && agent_spoke(chain[at])))
		at++;
	return at;
}

/* Heirs die as well, one after the other. */
static void again_and_again(void **state)
{
	struct agent *chain[CHAIN];

	(void)state;
	for (int i = 0; i < CHAIN; i++) {
		chain[i] = agent_start();
		agent_expect(chain[i], "ok", "sleep-until-woken");
		agent_say(chain[i], "begin key");
		if (i == 0)
			agent_answers(chain[0], "leader");
		else
			await_waiters("key", (uint32_t)i);
	}
	/* Whoever leads is killed, until one is left. */
	for (int left = CHAIN, at = 0; left > 1; left--) {
		agent_kill(chain[at]);
		chain[at] = NULL;
		assert_true(eventually((at = who_spoke(chain)) < CHAIN));
		agent_answers(chain[at], "leader owner_died");
		if (left == 2)
			agent_expect(chain[at], "0", "verify");
	}
	assert_int_equal(watch_counter("takeovers"), CHAIN - 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_sigkill),
		in_segment(heir_reaps),
		in_segment(by_sigsegv),
		in_segment(by_sigterm),
		in_segment(by_exit),
		in_segment(by_exit_at_once),
		in_segment(by_exec),
		in_segment(by_another_threads_exec),
		in_segment(by_its_own_exec_off_the_main_thread),
		in_segment(by_raw_exit),
		in_segment(by_pthread_exit),
		in_segment(by_pthread_cancel),
		in_segment(by_one_who_comes_later),
		in_segment(again_and_again),
	};

	return test_main(tests);
}
