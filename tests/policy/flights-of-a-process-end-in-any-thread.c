/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P4: A flight of a process (SFSHM_DETACHED) is ended by any of its
 * threads, by one of them only. It outlives the thread that began it, and not
 * the process.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/put.h>

#include "agent.h"
#include "crowd.h"
#include "os/killpoint.h"
#include "policy.h"
#include "watch.h"

#define DETACHED(...) POLICY(.flags = SFSHM_DETACHED, __VA_ARGS__)

static void publishing_here_what_began_there(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached ttl=60000");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_expect(a, "ok", "publish-of one value");
	agent_answers(b, "awaited value");
	agent_expect(a, "@one -ESTALE", "@one publish late");
	agent_expect(b, "cached value", "get key");
	agent_expect(a, "@one leader", "@one begin other detached");
	agent_expect(a, "@two ok", "@two release-of one");
	agent_expect(a, "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 0);
}

static void without_the_flag_only_the_thread_may(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key");
	agent_expect(a, "@two -EPERM", "@two publish-of one value");
	agent_expect(a, "@one ok", "@one publish value");
}

/* The thread that began the flight ends in each orderly way. */
static void outliving_its_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin mine");
	agent_expect(a, "@one leader", "@one begin key detached claim=c");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	await_waiters("key", 1);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	agent_expect(a, "ok", "publish-of one value");
	agent_answers(b, "awaited value");
	agent_expect(b, "leader", "begin next claim=c");
	agent_expect(a, "ok", "release");
	agent_expect(a, "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 0);
}

/* More flights than a record has notes, through a chain of threads. */
static void many_outliving_theirs(void **state)
{
	struct agent *a = agent_start();
	char command[64];

	(void)state;
	agent_expect(a, "leader", "begin mine");
	for (int i = 0; i < 40; i++) {
		snprintf(command, sizeof(command), "@t%d begin key%d detached",
			 i, i);
		agent_say(a, "%s", command);
		snprintf(command, sizeof(command), "@t%d leader", i);
		agent_answers(a, command);
		if (i) {
			agent_say(a, "@t%d pthread_exit", i - 1);
			agent_expect(a, "ok", "join t%d", i - 1);
		}
	}
	for (int i = 0; i < 40; i++)
		agent_expect(a, "ok", "publish-of t%d value", i);
	agent_expect(a, "ok", "release");
	agent_expect(a, "0", "verify");
	assert_int_equal(watch_counter("publishes"), 40);
}

/* With no other thread attached, the end of its thread releases the flight. */
static void ending_with_the_last_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_answers(b, "leader");
	agent_expect(a, "-ESTALE", "publish-of one late");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

static void ending_with_the_process(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin mine");
	agent_expect(a, "@one leader", "@one begin key detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	/* It moves to main's record. */
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_say(a, "signal KILL");
	agent_answers(b, "leader owner_died");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

/* A thread that ends past libc takes along what it has. */
static void ending_with_a_bare_exit(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin mine");
	agent_expect(a, "@one leader", "@one begin key detached");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_say(a, "@one raw-exit");
	agent_answers(b, "leader owner_died");
	agent_expect(a, "-ESTALE", "publish-of one late");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

static void ending_with_exec(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_say(a, "exec");
	agent_answers(b, "leader owner_died");
	agent_expect(b, "ok", "publish value");
}

/* Dying between the move and the wake, and between it and the second look. */
static void dying_as_it_moves(const char *point, const char *mover)
{
	struct agent *a = agent_start(), *b = agent_start();

	agent_expect(a, "leader", "begin mine");
	agent_expect(a, "@one leader", "@one begin key detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_expect(a, "ok", "arm %s 1 KILL", point);
	agent_say(a, "%s", mover);
	agent_answers(b, "leader owner_died");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

static void at_the_points_of_a_move(void **state)
{
	(void)state;
	dying_as_it_moves("flight_moved", "publish-of one value");
}

static void at_the_points_of_a_gift(void **state)
{
	(void)state;
	dying_as_it_moves("flight_handed", "@one pthread_exit");
}

/*
 * The thread that gets the flight ends, past libc, before the giver looks
 * whether it lives. The giver then takes the flight back, and gives it to main.
 */
static uint32_t leave_now, receiver_tid;

static void *receive(void *unused)
{
	struct sfshm_result res = SFSHM_RESULT_INIT;

	(void)unused;
	demand(sfshm_get(h, "none", 4, &res) == -ENODATA);
	store_release(&receiver_tid, (uint32_t)syscall(SYS_gettid));
	demand(eventually(load_acquire(&leave_now)));
	syscall(SYS_exit, 0);
	return NULL;
}

static void make_receiver_leave(int unused)
{
	(void)unused;
	store_release(&leave_now, 1);
	demand(eventually(syscall(SYS_tgkill, getpid(),
				  (int)load_acquire(&receiver_tid), 0) != 0));
}

static void *begin_and_end(void *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	demand(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
	demand(sfshm_begin(h, "key", 3, DETACHED(.ttl_ms = 60000), &flight,
			   &(struct sfshm_result)SFSHM_RESULT_INIT) ==
	       SFSHM_LEADER);
	return NULL;
}

static void given_to_one_that_dies(void **state)
{
	struct agent *b = agent_start();
	pthread_t receiver, giver;
	sigset_t set;

	(void)state;
	/* They do not notice that the thread has left. */
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	leave_now = receiver_tid = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, make_receiver_leave);
	assert_int_equal(sfshm_get(h, "none", 4, &result), -ENODATA);
	assert_int_equal(pthread_create(&receiver, NULL, receive, NULL), 0);
	assert_true(eventually(load_acquire(&receiver_tid)));
	killpoint_arm(KILL_AT_flight_handed, 1, SIGUSR1);
	assert_int_equal(pthread_create(&giver, NULL, begin_and_end, NULL), 0);
	assert_int_equal(pthread_join(giver, NULL), 0);
	assert_int_equal(pthread_join(receiver, NULL), 0);
	agent_say(b, "begin key");
	await_waiters("key", 1);
	assert_int_equal(publish("value"), 0);
	agent_answers(b, "awaited value");
	assert_int_equal(watch_counter("takeovers"), 0);
	assert_sound(h);
}

/* A thread is cancelled in the check that its publish makes. */
static uint32_t held_up, inside;

static int check_slowly(const struct sfshm_result *unused, void *arg)
{
	(void)unused;
	(void)arg;
	store_release(&inside, 1);
	while (load_acquire(&held_up))
		cancellable_nap();
	return 1;
}

static void *publish_in_vain(void *unused)
{
	(void)unused;
	(void)!publish("never");
	return NULL;
}

static void *renew_in_vain(void *unused)
{
	(void)unused;
	(void)!sfshm_touch(&flight);
	return NULL;
}

static void cancel_an_end(void *(*end)(void *))
{
	pthread_t thread;

	store_release(&held_up, 1);
	store_release(&inside, 0);
	assert_int_equal(pthread_create(&thread, NULL, end, NULL), 0);
	assert_true(eventually(load_acquire(&inside)));
	assert_int_equal(publish("too early"), -ESTALE);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	store_release(&held_up, 0);
}

/* What the threads looked at must not leak: AddressSanitizer would tell. */
static void after_a_cancelled_end(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = 60000));
	assert_int_equal(begin(POLICY(.flags = SFSHM_DETACHED | SFSHM_REFRESH,
				      .fits = check_slowly)),
			 SFSHM_LEADER);
	cancel_an_end(publish_in_vain);
	cancel_an_end(renew_in_vain);
	assert_int_equal(publish("value"), 0);
	assert_sound(h);
}

/* Stopped after the move, for longer than its lease. */
static void stolen_in_any_record(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached age=20");
	agent_say(b, "begin key");
	agent_answers(b, "leader");
	agent_expect(a, "-ESTALE", "publish-of one late");
	agent_expect(a, "@one -ESTALE", "@one publish late");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
	assert_int_equal(watch_counter("fenced"), 1);
}

/*
 * Another thread than the one that began them finds them stolen. Their slots do
 * not pile up.
 */
static void stolen_again_and_again(void **state)
{
	const struct sfshm_options small = { .slots = 6 };
	struct agent *a, *b;

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&small);
	a = agent_start();
	b = agent_start();
	for (int i = 0; i < 12; i++) {
		agent_expect(a, "@one leader", "@one begin key detached age=1");
		agent_expect(b, "leader", "begin key");
		agent_expect(a, "-ESTALE", "publish-of one late");
		agent_expect(b, "ok", "release");
	}
	agent_expect(b, "0", "verify");
}

static void marked_as_it_moves(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached ttl=60000");
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	agent_expect(a, "invalidated", "publish-of one value");
	agent_expect(b, "-ENODATA", "get key");
	agent_expect(b, "0", "verify");
}

/* A crowd of threads ends each flight: one of them does. */
#define ROUNDS (300 / SLOWNESS)
#define ENDERS 4

static struct sfshm_flight shared[ROUNDS];
static uint32_t begun, ends[ROUNDS];

/* Waits until another thread has brought the word so far. */
static void reaches(uint32_t *word, uint32_t n)
{
	demand(eventually(load_acquire(word) >= n));
}

static void begin_rounds(void)
{
	const struct sfshm_policy anew = {
		.size = sizeof(anew),
		.flags = SFSHM_DETACHED | SFSHM_REFRESH,
		.ttl_ms = 60000,
	};
	struct sfshm_result res = SFSHM_RESULT_INIT;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		if (i)
			reaches(&ends[i - 1], 1);
		demand(sfshm_begin(h, "key", 3, &anew, &shared[i], &res) ==
		       SFSHM_LEADER);
		store_release(&begun, i + 1);
	}
	sfshm_result_clear(&res);
}

static void end_rounds(unsigned int member)
{
	char bytes[3000];

	value_fill(bytes, sizeof(bytes), member);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		int r;

		reaches(&begun, i + 1);
		r = sfshm_publish(&shared[i], bytes, sizeof(bytes));
		demand(r == 0 || r == -ESTALE);
		fetch_add_acq_rel(&ends[i], !r);
	}
}

static void end_or_begin(int member, void *arg)
{
	(void)arg;
	if (member)
		end_rounds((unsigned int)member);
	else
		begin_rounds();
}

static void by_one_of_a_crowd(void **state)
{
	(void)state;
	begun = 0;
	crowd_run(THREADS, 1 + ENDERS, end_or_begin, NULL);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(ends[i], 1);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_in_range(value_seed(result.value.data, result.value.len), 1,
			ENDERS);
	assert_sound(h);
}

/* Two hundred threads: each begins a flight, another publishes it, and ends. */
#define PAIRS 100
#define KEYS_EACH (20 / SLOWNESS)

static struct sfshm_flight given[PAIRS];
static uint32_t turn[PAIRS]; /* odd: the flight is the publisher's */

static void begin_each(int pair)
{
	struct sfshm_result res = SFSHM_RESULT_INIT;
	char key[32];

	for (uint32_t i = 0; i < KEYS_EACH; i++) {
		int n = snprintf(key, sizeof(key), "%d of %u", pair, i);

		reaches(&turn[pair], 2 * i);
		demand(sfshm_begin(h, key, (size_t)n, DETACHED(.ttl_ms = 60000),
				   &given[pair], &res) == SFSHM_LEADER);
		store_release(&turn[pair], 2 * i + 1);
	}
	sfshm_result_clear(&res);
}

static void publish_each(int pair)
{
	for (uint32_t i = 0; i < KEYS_EACH; i++) {
		reaches(&turn[pair], 2 * i + 1);
		demand(sfshm_publish(&given[pair], "value", 5) == 0);
		store_release(&turn[pair], 2 * i + 2);
	}
}

static void begin_or_publish(int member, void *arg)
{
	(void)arg;
	if (member % 2)
		publish_each(member / 2);
	else
		begin_each(member / 2);
}

static void by_two_hundred_threads(void **state)
{
	(void)state;
	crowd_run(THREADS, 2 * PAIRS, begin_or_publish, NULL);
	assert_int_equal(watch_counter("publishes"), PAIRS * KEYS_EACH);
	assert_int_equal(watch_counter("owner_died"), 0);
	assert_int_equal(watch_counter("fenced"), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(publishing_here_what_began_there),
		in_policy(without_the_flag_only_the_thread_may),
		in_policy(outliving_its_thread),
		in_policy(many_outliving_theirs),
		in_policy(ending_with_the_last_thread),
		in_policy(ending_with_the_process),
		in_policy(ending_with_a_bare_exit),
		in_policy(ending_with_exec),
		in_policy(at_the_points_of_a_move),
		in_policy(at_the_points_of_a_gift),
		in_policy(given_to_one_that_dies),
		in_policy(after_a_cancelled_end),
		in_policy(stolen_in_any_record),
		in_policy(stolen_again_and_again),
		in_policy(marked_as_it_moves),
		in_policy(by_one_of_a_crowd),
		in_policy(by_two_hundred_threads),
	};

	return test_main(tests);
}
