/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S1, PROMISE-S2: while a segment is replaced permits that were taken
 * in the old one count in the new one until they come back; the maximum goes
 * along.
 */
#include <sfshm/semaphore.h>

#include "../resize/resizing.h"

static struct agent *first, *second;

#define SLOTS 2000

/* Begins a resize that cannot end before the permits held come back. */
static struct resizing *resize(int *pid)
{
	struct resizing *z = resizing_make(SLOTS);

	*pid = resizing_start(z);
	resizing_await(SLOTS);
	return z;
}

static void resized(struct resizing *z, int pid)
{
	child_gone(pid);
	assert_int_equal(z->outcome, 0);
	watch_end();
	agent_expect(first, "0", "verify");
}

static void held_ones_keep_others_out(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "acquire s max=2");
	agent_expect(second, "ok", "acquire s");
	z = resize(&pid);
	agent_expect(second, "2 of 2, 0 wait", "permits s");
	agent_expect(second, "-EBUSY", "acquire s try");
	agent_expect(second, "ok", "give-back");
	agent_expect(second, "ok", "acquire s try");
	agent_expect(second, "-EBUSY", "acquire s try");
	agent_expect(first, "-ETIMEDOUT", "acquire s timeout=20");
	agent_expect(first, "2 of 2, 0 wait", "permits s");
	agent_expect(first, "ok", "give-back");
	resized(z, pid);
	agent_expect(first, "1 of 2, 0 wait", "permits s");
	agent_expect(first, "ok", "acquire s try");
	agent_expect(first, "-EBUSY", "acquire s try");
}

/* Who comes first makes the semaphore there, and leaves the old one alone. */
static void though_who_resizes_is_stopped(void **state)
{
	struct resizing *z = resizing_make(SLOTS);
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "acquire s max=1");
	z->point = KILL_AT_resize_moved;
	z->signal = SIGSTOP;
	pid = resizing_start(z);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	agent_expect(second, "1 of 1, 0 wait", "permits s");
	agent_expect(second, "-EBUSY", "acquire s try");
	agent_expect(second, "1 of 1, 0 wait", "permits s");
	agent_expect(first, "ok", "give-back");
	agent_expect(second, "ok", "acquire s try");
	assert_int_equal(kill(pid, SIGCONT), 0);
	resized(z, pid);
	agent_expect(first, "1 of 1, 0 wait", "permits s");
}

/* Who sleeps in the new one sleeps for the old one's holders. */
static void a_release_there_wakes_who_sleeps_here(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "acquire s max=1");
	z = resize(&pid);
	agent_expect(second, "ok", "sleep-until-woken");
	agent_say(second, "acquire s");
	watch_end();
	await_waiters("s", 1);
	agent_expect(first, "ok", "give-back");
	agent_answers(second, "ok");
	resized(z, pid);
}

static void a_death_there_wakes_who_sleeps_here(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "acquire s max=1");
	z = resize(&pid);
	agent_expect(second, "ok", "sleep-until-woken");
	agent_say(second, "acquire s");
	watch_end();
	await_waiters("s", 1);
	agent_kill(first);
	agent_answers(second, "ok");
	first = second;
	resized(z, pid);
}

/* Who sleeps in the old one learns of it. */
static void sleepers_follow(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "acquire s max=1");
	agent_expect(second, "ok", "sleep-until-woken");
	agent_say(second, "acquire s");
	await_waiters("s", 1);
	z = resize(&pid);
	watch_end();
	await_waiters("s", 1);
	agent_expect(first, "1 of 1, 1 wait", "permits s");
	agent_expect(first, "ok", "give-back");
	agent_answers(second, "ok");
	resized(z, pid);
	agent_expect(first, "1 of 1, 0 wait", "permits s");
}

/* Stopped on its way to a word of the old one, which has moved meanwhile. */
static void none_is_taken_where_it_has_moved_from(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	second = agent_start();
	agent_expect(first, "ok", "set-max s 1");
	agent_expect(second, "ok", "arm permit_noted 1 STOP");
	agent_say(second, "acquire s try");
	agent_stopped(second);
	z = resize(&pid);
	resized(z, pid);
	agent_expect(first, "ok", "acquire s try");
	agent_signal(second, SIGCONT);
	agent_answers(second, "-EBUSY");
	agent_expect(first, "ok", "give-back");
	agent_expect(second, "ok", "acquire s try");
	agent_expect(first, "0", "verify");
}

/* Nobody asks for it meanwhile. */
static void the_maximum_goes_along(void **state)
{
	struct resizing *z;
	int pid;

	(void)state;
	first = agent_start();
	agent_expect(first, "ok", "set-max s 5");
	agent_expect(first, "ok", "acquire held");
	z = resize(&pid);
	agent_expect(first, "ok", "give-back");
	resized(z, pid);
	agent_expect(first, "0 of 5, 0 wait", "permits s");
	agent_expect(first, "ok", "acquire s max=9");
	agent_expect(first, "1 of 5, 0 wait", "permits s");
}

/* The resize waits for permits as it does for flights. */
static void it_is_over_when_the_old_permits_are_back(void **state)
{
	struct resizing *z = resizing_make(SLOTS);
	int pid;

	(void)state;
	z->patience_ms = 50;
	first = agent_start();
	agent_expect(first, "ok", "acquire s max=1");
	pid = resizing_start(z);
	child_gone(pid);
	assert_int_equal(z->outcome, -ETIMEDOUT);
	assert_int_equal(resizing_files(), 2);
	agent_expect(first, "-EDEADLK", "acquire s");
	agent_expect(first, "ok", "give-back");
	assert_int_equal(resizing_finish(), 0);
	assert_int_equal(resizing_files(), 1);
	agent_expect(first, "ok", "acquire s");
}

static uint32_t *inside, *most, *over;

static void resize_often(void)
{
	for (uint32_t i = 0; i < 6; i++)
		demand(resizing_run(resizing_make(500 + i * 100)) == 0);
	store_seq(over, 1);
}

static void take_turns(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	uint32_t n, seen;

	(void)arg;
	if (!member)
		resize_often();
	/* Once at the least, however soon it is over. */
	do {
		demand(sfshm_acquire(h, "s", 1, NULL, &permit) == 0);
		n = fetch_add_acq_rel(inside, 1) + 1;
		for (seen = load_seq(most); seen < n; seen = load_seq(most))
			cas_seq(most, seen, n);
		fetch_sub_acq_rel(inside, 1);
		demand(sfshm_permit_release(&permit) == 0);
	} while (!load_seq(over));
	demand(sfshm_close(h) == 0);
}

static void never_too_many_in_both(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	inside = shared_memory(3 * sizeof(uint32_t));
	most = inside + 1;
	over = inside + 2;
	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, 2), 0);
	assert_int_equal(sfshm_close(h), 0);
	crowd_run(PROCESSES, 6, take_turns, NULL);
	assert_in_range(*most, 1, 2);
	resizing_settled();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(held_ones_keep_others_out),
		in_segment(though_who_resizes_is_stopped),
		in_segment(a_release_there_wakes_who_sleeps_here),
		in_segment(a_death_there_wakes_who_sleeps_here),
		in_segment(sleepers_follow),
		in_segment(none_is_taken_where_it_has_moved_from),
		in_segment(the_maximum_goes_along),
		in_segment(it_is_over_when_the_old_permits_are_back),
		in_segment(never_too_many_in_both),
	};

	return test_main(tests);
}
