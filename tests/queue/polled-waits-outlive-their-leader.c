/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q2: If the leader dies, the waits that are polled are told at once.
 * One of them leads, when its loop finishes it and not before. A process that
 * is told and does nothing, or dies, keeps nobody from the lead.
 */
#include "queue.h"

#include <signal.h>
#include <sys/wait.h>

/* Only a wake ends a sleep of this process, also the library's thread's. */
static struct agent *lead_and_wait(struct sfshm_wait *wait)
{
	struct agent *leader = agent_start();

	sleep_until_woken();
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, wait), -EINPROGRESS);
	return leader;
}

static void killed_at_work(void **state)
{
	struct sfshm_wait wait;
	struct agent *leader = lead_and_wait(&wait);

	(void)state;
	agent_kill(leader);
	wait = told();
	/* Nobody has claimed anything. */
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_int_equal(finish(&wait), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	assert_sound(h);
}

static void killed_before_its_wake(const char *point)
{
	struct sfshm_wait wait;
	struct agent *leader = lead_and_wait(&wait);

	agent_expect(leader, "ok", "arm %s 1 KILL", point);
	agent_say(leader, "publish value");
	assert_int_equal(WTERMSIG(agent_gone(leader)), SIGKILL);
	assert_int_equal(finished(), SFSHM_AWAITED);
	assert_value("value");
	assert_sound(h);
}

static void killed_when_it_has_published(void **state)
{
	(void)state;
	killed_before_its_wake("publish_flipped");
}

static void killed_before_it_rings(void **state)
{
	(void)state;
	killed_before_its_wake("bell_due");
}

/* Here the end of a slice tells of the result. */
static void stopped_before_it_rings(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "arm bell_due 1 STOP");
	agent_say(leader, "publish value");
	agent_stopped(leader);
	assert_int_equal(finished(), SFSHM_AWAITED);
	assert_value("value");
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "ok");
}

/* The kernel says nothing of this death: the end of a slice asks. */
static void without_a_word(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "@one leader", "@one begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_say(leader, "@one exec");
	assert_int_equal(finished(), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static struct agent *one_that_spoke(struct agent *of[3])
{
	for (int i = 0; i < 3; i++)
		if (agent_spoke(of[i]))
			return of[i];
	return NULL;
}

/* It has got the kernel's only wake, and passes it on. */
static void beside_sleepers(void **state)
{
	struct sfshm_wait wait;
	struct agent *leader = lead_and_wait(&wait), *sleepers[3];
	struct agent *heir = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		sleepers[i] = agent_start_patient();
		agent_say(sleepers[i], "begin key");
		await_waiters("key", 2 + (uint32_t)i);
		agent_asleep(sleepers[i]);
	}
	agent_kill(leader);
	wait = told();
	/* This loop is stuck. Another process leads, and publishes. */
	assert_true(eventually((heir = one_that_spoke(sleepers)) != NULL));
	agent_answers(heir, "leader owner_died");
	agent_expect(heir, "ok", "publish value");
	for (int i = 0; i < 3; i++)
		if (sleepers[i] != heir)
			agent_answers(sleepers[i], "awaited value");
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
	assert_value("value");
	assert_sound(h);
}

/* A process with polled waits leads, dies, and is told of by another one. */
static void of_a_process_with_a_queue(void **state)
{
	struct sfshm_wait wait;
	int pipes[2], pid;
	char c;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		struct sfshm *own = segment_open(NULL);

		demand(sfshm_queue_open(&queue) == 0);
		demand(sfshm_begin_async(queue, own, "key", 3, NULL, &flight,
					 &result, &wait) == SFSHM_LEADER);
		demand(sfshm_begin_async(queue, own, "key", 3, NULL, &flight,
					 &result, &wait) == -EINPROGRESS);
		demand(write(pipes[1], "", 1) == 1);
		pause();
	}
	assert_int_equal(read(pipes[0], &c, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(watch_waiters("key"), 1);
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	assert_int_equal(watch_waiters("key"), 2);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* The notes of the dead do not count, swept or not. */
	assert_int_equal(watch_waiters("key"), 1);
	assert_int_equal(finished(), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	/* Its notes are swept with its record. */
	assert_int_equal(watch_waiters("key"), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* These two need the ends of slices. */
		in_queue(stopped_before_it_rings),
		in_queue(without_a_word),
		in_queue(killed_at_work),
		in_queue(killed_when_it_has_published),
		in_queue(killed_before_it_rings),
		in_queue(beside_sleepers),
		in_queue(of_a_process_with_a_queue),
	};

	return test_main(tests);
}
