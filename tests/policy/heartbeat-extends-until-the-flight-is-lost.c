/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F4, PROMISE-G1, PROMISE-C13: a heartbeat keeps its leader's flight
 * for as long as the leader works, and stops once the flight is lost or ended,
 * whatever becomes of the leader.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/heartbeat.h>

#include "agent.h"
#include "asker.h"
#include "crowd.h"
#include "policy.h"
#include "watch.h"

/* So long that a beat is not late for a busy machine's sake. */
#define AGE_MS 1500

static const struct sfshm_policy short_lived = {
	.size = sizeof(short_lived),
	.lock_age_ms = AGE_MS,
};

static struct sfshm_heartbeat beat;

/* How many heartbeats there are in this process, by their name. */
static int threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	char path[300], name[32];
	int n = 0;

	while ((entry = readdir(tasks))) {
		FILE *comm;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		comm = fopen(path, "re");
		if (!comm)
			continue;
		if (fgets(name, sizeof(name), comm))
			n += !strcmp(name, "sfshm-heartbeat\n");
		fclose(comm);
	}
	closedir(tasks);
	return n;
}

static void it_keeps_the_flight(void **state)
{
	struct agent *other = agent_start();
	uint64_t began = now_ms();

	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_true(eventually(threads() == 1));
	agent_say(other, "begin key");
	await_waiters("key", 1);
	assert_true(eventually(now_ms() > began + AGE_MS + AGE_MS / 3));
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(sfshm_heartbeat_lost(&beat), 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(threads(), 0);
	assert_true(watch_counter("extensions") >= 2);
	assert_int_equal(publish("value"), 0);
	agent_answers(other, "awaited value");
	/* Again, and after the end: it was no loss. */
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(sfshm_heartbeat_lost(&beat), 0);
	assert_sound(h);
}

/* Without the beat it is lost: so it was that which kept it. */
static void and_no_longer(void **state)
{
	struct agent *other = agent_start();

	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	agent_expect(other, "leader", "begin key");
	assert_int_equal(publish("late"), -ESTALE);
}

static void it_sees_that_the_flight_is_lost(void **state)
{

	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(sfshm_heartbeat_lost(&beat), 0);
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_true(eventually(sfshm_heartbeat_lost(&beat) == 1));
	/* It is gone without being stopped. */
	assert_true(eventually(threads() == 0));
	assert_int_equal(sfshm_heartbeat_lost(&beat), 1);
	assert_int_equal(sfshm_heartbeat_stop(&beat), -ESTALE);
	assert_int_equal(sfshm_heartbeat_lost(&beat), 1);
	assert_int_equal(publish("late"), -ESTALE);
}

/* The end that says -ESTALE, before the stop: the stop says the same. */
static void also_once_it_was_told_by_the_end(void **state)
{
	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(publish("late"), -ESTALE);
	assert_int_equal(sfshm_heartbeat_stop(&beat), -ESTALE);
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(publish("in time"), 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
}

static void it_keeps_the_claim_as_well(void **state)
{
	struct agent *other = agent_start();
	uint64_t began = now_ms();

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = AGE_MS, .claim_key = "c",
				      .claim_key_len = 1)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	agent_say(other, "begin other claim=c");
	assert_true(eventually(now_ms() > began + AGE_MS + AGE_MS / 3 &&
			       sfshm_flight_waiters(&flight) == 1));
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(publish("value"), 0);
	agent_answers(other, "leader");
}

/* What is left of the leader's lease, ms; -1: it has no end. */
static int64_t lease(void)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };

	assert_true(watch_key("key", &info));
	return info.lease_ms;
}

/* Whatever the leader set before, or set before that. */
static void each_beat_sets_the_policys_lease(void **state)
{
	const uint32_t before[] = { 600000, 0, SFSHM_FOREVER };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(begin(&short_lived), SFSHM_LEADER);
		assert_int_equal(sfshm_extend(&flight, before[i]), 0);
		assert_true(lease() < 0 || lease() > AGE_MS);
		assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
		assert_true(eventually(lease() >= 0 && lease() <= AGE_MS));
		assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
		assert_int_equal(publish("value"), 0);
	}
}

/* A leader without a lease of its own keeps the one that it set. */
static void or_the_lease_that_the_leader_set(void **state)
{
	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, 600000), 0);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_true(eventually(threads() == 1));
	assert_in_range(lease(), 1, 600000);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(publish("value"), 0);
}

/* What does not run out needs no beat. */
static void none_where_there_is_no_deadline(void **state)
{

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(threads(), 0);
	assert_int_equal(sfshm_heartbeat_lost(&beat), 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), -ESTALE);
	assert_int_equal(sfshm_heartbeat_start(NULL, &flight), -EINVAL);
	assert_int_equal(sfshm_heartbeat_start(&beat, NULL), -EINVAL);
	assert_int_equal(sfshm_heartbeat_stop(NULL), -EINVAL);
	assert_int_equal(sfshm_heartbeat_lost(NULL), -EINVAL);
}

static int work_for_ever(struct sfshm_flight *f, void *started)
{
	struct sfshm_heartbeat own;

	demand(sfshm_heartbeat_start(&own, f) == 0);
	store_release((uint32_t *)started, 1);
	for (;;)
		pause();
	return 0;
}

/* Its struct is gone with the leader's stack, and nobody stops it. */
static void the_leader_is_cancelled(void **state)
{
	uint32_t started = 0;
	struct asker a = { .policy = short_lived,
			   .work = work_for_ever,
			   .arg = &started };

	(void)state;
	/* ThreadSanitizer misses unlocks at a thread's end: use a record now
	   that is not the other one's. */
	assert_int_equal(get(), -ENODATA);
	asker_start(&a, h, "key");
	assert_true(eventually(load_acquire(&started)));
	pthread_cancel(a.thread);
	asker_join(&a);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_true(eventually(threads() == 0));
	/* Nothing beats for this one. */
	assert_int_equal(sfshm_abandoned(&flight), 0);
	assert_int_equal(publish("value"), 0);
	assert_sound(h);
}

/* The mapping stays for as long as the thread needs it, and no longer. */
static void the_handle_is_closed(void **state)
{

	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	assert_int_equal(sfshm_close(h), 0);
	assert_true(eventually(threads() == 0));
	assert_int_equal(sfshm_heartbeat_stop(&beat), -ESTALE);
	h = segment_open(NULL);
}

static void try_in_child(int member, void *arg)
{
	(void)member;
	(void)arg;
	demand(sfshm_heartbeat_lost(&beat) == -ECHILD);
	demand(sfshm_heartbeat_stop(&beat) == -ECHILD);
	demand(sfshm_heartbeat_start(&beat, &flight) == -ECHILD);
	demand(threads() == 0);
}

static void a_forked_child_has_none(void **state)
{
	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(child_gone(child_start(try_in_child, 0, NULL)),
				 0);
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	assert_int_equal(publish("value"), 0);
}

static void count_signal(int number)
{
	(void)number;
	demand(!"the beat's thread handles a signal");
}

/* A signal to the process goes to a thread that did not block it. */
static void it_takes_no_signals(void **state)
{
	uint64_t beats;
	sigset_t set;

	(void)state;
	signal(SIGUSR2, count_signal);
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(sfshm_heartbeat_start(&beat, &flight), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	/* Its thread has been awake since, where a signal could reach it. */
	beats = watch_counter("extensions");
	assert_true(eventually(watch_counter("extensions") >= beats + 2));
	assert_int_equal(sfshm_heartbeat_stop(&beat), 0);
	signal(SIGUSR2, SIG_IGN);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	assert_int_equal(publish("value"), 0);
}

static void *stop_elsewhere(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)sfshm_heartbeat_start(&beat, &flight);
}

static void only_its_leader_may_start_it(void **state)
{
	pthread_t thread;
	void *answer;

	(void)state;
	assert_int_equal(begin(&short_lived), SFSHM_LEADER);
	assert_int_equal(pthread_create(&thread, NULL, stop_elsewhere, NULL),
			 0);
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_int_equal((intptr_t)answer, -EPERM);
	assert_int_equal(sfshm_release(&flight), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(it_keeps_the_flight),
		in_policy(and_no_longer),
		in_policy(it_sees_that_the_flight_is_lost),
		in_policy(also_once_it_was_told_by_the_end),
		in_policy(it_keeps_the_claim_as_well),
		in_policy(each_beat_sets_the_policys_lease),
		in_policy(or_the_lease_that_the_leader_set),
		in_policy(none_where_there_is_no_deadline),
		in_policy(the_leader_is_cancelled),
		in_policy(the_handle_is_closed),
		in_policy(a_forked_child_has_none),
		in_policy(it_takes_no_signals),
		in_policy(only_its_leader_may_start_it),
	};

	return test_main(tests);
}
