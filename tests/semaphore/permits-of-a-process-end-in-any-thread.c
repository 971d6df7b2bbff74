/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S8, PROMISE-P6: a permit of a process (SFSHM_SEMAPHORE_DETACHED) is
 * returned by any of its threads. It outlives the thread that took it, and not
 * the process. Its task does not wait for itself.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#include "../resize/resizing.h"
#include "peer/participant.h"

static void returning_here_what_was_taken_there(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_expect(a, "@two ok", "@two give-back-of one");
	agent_answers(b, "ok");
	agent_expect(a, "@two -ESTALE", "@two give-back-of one");
	agent_expect(a, "@one -ESTALE", "@one give-back");
	agent_expect(a, "@one -EBUSY", "@one acquire s try");
	agent_expect(b, "ok", "give-back");
	agent_expect(a, "@one ok", "@one acquire s detached");
	agent_expect(a, "@one ok", "@one give-back");
	agent_expect(a, "0", "verify");
	agent_expect(a, "0 of 1, 0 wait", "permits s");
	assert_int_equal(watch_counter("permits_freed"), 0);
}

static void outliving_its_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "0", "release-all 0");
	agent_expect(a, "@one ok", "@one acquire s max=2");
	agent_expect(a, "@one ok", "@one acquire s detached");
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_expect(a, "1 of 2, 0 wait", "permits s");
	agent_expect(a, "0", "verify");
	agent_expect(b, "ok", "acquire s try");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	/* It is with this thread's record now, but not this thread's. */
	agent_expect(a, "-ETIMEDOUT", "acquire s timeout=5");
	agent_expect(a, "0", "release-all 0");
	agent_expect(a, "2 of 2, 1 wait", "permits s");
	agent_expect(a, "@two ok", "@two give-back-of one");
	agent_answers(b, "ok");
	agent_expect(a, "0", "verify");
}

static void ending_with_the_last_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_answers(b, "ok");
	agent_expect(a, "-ESTALE", "give-back-of one");
	agent_expect(b, "1 of 1, 0 wait", "permits s");
	agent_expect(b, "0", "verify");
}

static void ending_with_the_process(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "ok", "acquire mine");
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	/* It moves to main's record. */
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_say(a, "signal KILL");
	agent_answers(b, "ok");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "0", "verify");
}

static void ending_with_a_bare_exit(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "ok", "acquire mine");
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_say(a, "@one raw-exit");
	agent_answers(b, "ok");
	agent_expect(a, "-ESTALE", "give-back-of one");
	agent_expect(b, "1 of 1, 0 wait", "permits s");
	agent_expect(b, "0", "verify");
}

static void ending_with_exec(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_say(a, "exec");
	agent_answers(b, "ok");
	agent_expect(b, "0", "verify");
}

static void dying_at(const char *point, const char *mover)
{
	struct agent *a = agent_start(), *b = agent_start();

	agent_expect(a, "0", "release-all 0");
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_expect(a, "ok", "arm %s 1 KILL", point);
	agent_say(a, "%s", mover);
	agent_answers(b, "ok");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "1 of 1, 0 wait", "permits s");
	agent_expect(b, "0", "verify");
}

static void at_the_points_of_an_end(void **state)
{
	(void)state;
	dying_at("permit_freed", "@two give-back-of one");
}

static void at_the_points_of_a_gift(void **state)
{
	(void)state;
	dying_at("permit_handed", "@one pthread_exit");
}

static void left_behind_by_a_task(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=4 detached task=3");
	agent_expect(a, "@one ok", "@one acquire s detached task=3");
	agent_expect(a, "@one ok", "@one acquire s");
	agent_expect(a, "@one ok", "@one acquire s detached task=4");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	agent_expect(a, "2", "release-all 3");
	agent_answers(b, "ok");
	agent_expect(a, "@one 1", "@one release-all 0");
	agent_expect(a, "2 of 4, 0 wait", "permits s");
	agent_expect(a, "0", "verify");
	agent_expect(a, "@one ok", "@one give-back");
	agent_expect(a, "@one -ESTALE", "@one give-back");
	agent_expect(a, "@one -ESTALE", "@one give-back");
	agent_expect(a, "1 of 4, 0 wait", "permits s");
	agent_expect(b, "0", "verify");
}

static void tasks_wait_for_others(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "acquire s max=2 detached task=1");
	agent_expect(a, "ok", "acquire s detached task=1");
	agent_expect(a, "-EDEADLK", "acquire s detached task=1");
	agent_expect(a, "-EDEADLK", "acquire s task=1");
	agent_expect(a, "-EBUSY", "acquire s task=1 try");
	agent_expect(a, "-ETIMEDOUT", "acquire s timeout=5");
	agent_say(a, "@two acquire s detached task=2");
	await_waiters("s", 1);
	agent_expect(a, "@four -EDEADLK", "@four acquire s task=1");
	agent_say(a, "@three give-back-of main");
	agent_answers_both(a, "@two ok", "@three ok");
	agent_expect(a, "-ETIMEDOUT", "acquire s task=1 timeout=5");
	assert_int_equal(watch_counter("deadlocks"), 3);
}

static void a_circle_of_tasks_is_found(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire A max=1 detached task=1");
	agent_expect(a, "@two leader", "@two begin B detached task=2");
	agent_expect(a, "@three locked", "@three lock C detached task=3");
	agent_say(a, "@x begin B detached task=1");
	await_waiters("B", 1);
	agent_say(a, "@y lock C detached task=2");
	await_waiters("C", 1);
	agent_expect(a, "-EDEADLK", "acquire A detached task=3");
	agent_expect(a, "-ETIMEDOUT", "acquire A detached task=4 timeout=5");
	agent_say(a, "unlock-of three C");
	agent_answers_both(a, "ok", "@y locked");
	agent_expect(a, "@three locked", "@three lock D detached task=3");
	agent_say(a, "@z acquire A task=3");
	await_waiters("A", 1);
	agent_expect(a, "-EDEADLK", "lock D task=1");
	agent_say(a, "give-back-of one");
	agent_answers_both(a, "ok", "@z ok");
	agent_say(a, "publish-of two value");
	agent_answers_both(a, "ok", "@x awaited value");
	assert_int_equal(watch_counter("deadlocks"), 2);
}

/* Another thread may return the permit: two that wait make no circle. */
static void no_circle_of_threads_is_one(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=1 detached");
	agent_expect(b, "locked", "lock two");
	agent_say(a, "@one lock two");
	await_waiters("two", 1);
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	assert_false(agent_spoke(b));
	agent_expect(a, "@two ok", "@two give-back-of one");
	agent_answers(b, "ok");
	agent_expect(b, "ok", "unlock two");
	agent_answers(a, "@one locked");
}

static void across_a_resize(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "@one ok", "@one acquire s max=2 detached task=1");
	agent_expect(a, "@one ok", "@one acquire s detached task=2");
	agent_expect(a, "@one -EDEADLK", "@one resize %s slots=64", segment);
	pid = resizing_start(z);
	resizing_await(64);
	watch_end();
	agent_expect(b, "2 of 2, 0 wait", "permits s");
	agent_expect(b, "-EBUSY", "acquire s try");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "acquire s");
	await_waiters("s", 1);
	/* From a thread that is new in the old segment. */
	agent_expect(a, "@two ok", "@two give-back-of one");
	agent_answers(b, "ok");
	agent_expect(b, "2 of 2, 0 wait", "permits s");
	agent_expect(a, "@three 1", "@three release-all 1");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(b, "1 of 2, 0 wait", "permits s");
	agent_expect(b, "ok", "acquire s detached");
	agent_expect(b, "0", "verify");
}

static const struct sfshm_semaphore_options detached = {
	.size = sizeof(detached),
	.flags = SFSHM_SEMAPHORE_DETACHED,
	.max = SFSHM_PERMITS_MAX,
};

static void return_as_child(int unused, void *permit)
{
	(void)unused;
	demand(sfshm_permit_release(permit) == -ECHILD);
	demand(sfshm_permit_release(permit) == -ECHILD);
}

static void a_child_holds_nothing(void **state)
{
	struct sfshm_semaphore_options ranked = detached;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit t;

	(void)state;
	ranked.rank = 1;
	assert_int_equal(sfshm_acquire(h, "s", 1, &ranked, &t), -EINVAL);
	assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &t), 0);
	assert_int_equal(child_gone(child_start(return_as_child, 0, &t)), 0);
	assert_int_equal(sfshm_permit_release(&t), 0);
	assert_int_equal(sfshm_permit_release(&t), -ESTALE);
	assert_int_equal(sfshm_close(h), 0);
}

/* Of notes that other threads' ends have left, none takes a place for long. */
static void *return_it(void *permit)
{
	demand(sfshm_permit_release(permit) == 0);
	return NULL;
}

static void return_elsewhere(struct sfshm_permit *t)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, return_it, t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void no_note_outlasts_its_permit(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit first, t;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &first), 0);
	for (int i = 0; i < 3 * SHM_OWNED; i++) {
		assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &t), 0);
		return_elsewhere(&t);
	}
	assert_false(peer_current->record->owned_overflow);
	return_elsewhere(&first);
	assert_int_equal(sfshm_release_all(h, 0), 0);
	for (int i = 0; i < SHM_OWNED; i++)
		assert_int_equal(peer_current->record->owned[i], 0);
	assert_int_equal(sfshm_semaphore_remove(h, "s", 1), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* A thread that gives its own permits back needs one place for them. */
static void nor_do_notes_of_own_permits_pile_up(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit first, t;

	(void)state;
	for (int i = 0; i < 3 * SHM_OWNED; i++) {
		assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &t), 0);
		assert_int_equal(sfshm_permit_release(&t), 0);
	}
	assert_false(peer_current->record->owned_overflow);
	for (int i = 0; i < SHM_OWNED; i++)
		assert_int_equal(peer_current->record->owned[i], 0);
	/* Of two permits, one note stays for as long as one of them does. */
	assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &first), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, &detached, &t), 0);
	assert_int_equal(sfshm_permit_release(&t), 0);
	assert_sound(h);
	assert_int_equal(sfshm_semaphore_remove(h, "s", 1), -EBUSY);
	assert_int_equal(sfshm_permit_release(&first), 0);
	assert_int_equal(sfshm_semaphore_remove(h, "s", 1), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/*
 * The thread that gets the permit ends, past libc, before the giver looks
 * whether it lives. The giver then takes the permit back, and gives it to main.
 */
static struct sfshm *handle;
static struct sfshm_permit lone;
static uint32_t leave_now, receiver_tid;

static void *receive(void *unused)
{
	(void)unused;
	demand(sfshm_release_all(handle, 0) == 0);
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

static void *take_and_end(void *unused)
{
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	demand(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
	demand(sfshm_acquire(handle, "s", 1, &detached, &lone) == 0);
	return NULL;
}

static void given_to_one_that_dies(void **state)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	pthread_t receiver, giver;
	sigset_t set;

	(void)state;
	/* They do not notice that the thread has left. */
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	handle = segment_open(NULL);
	leave_now = receiver_tid = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, make_receiver_leave);
	assert_int_equal(sfshm_release_all(handle, 0), 0);
	assert_int_equal(pthread_create(&receiver, NULL, receive, NULL), 0);
	assert_true(eventually(load_acquire(&receiver_tid)));
	killpoint_arm(KILL_AT_permit_handed, 1, SIGUSR1);
	assert_int_equal(pthread_create(&giver, NULL, take_and_end, NULL), 0);
	assert_int_equal(pthread_join(giver, NULL), 0);
	assert_int_equal(pthread_join(receiver, NULL), 0);
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 1);
	assert_sound(handle);
	assert_int_equal(sfshm_permit_release(&lone), 0);
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 0);
	assert_int_equal(sfshm_close(handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(returning_here_what_was_taken_there),
		in_segment(outliving_its_thread),
		in_segment(ending_with_the_last_thread),
		in_segment(ending_with_the_process),
		in_segment(ending_with_a_bare_exit),
		in_segment(ending_with_exec),
		in_segment(at_the_points_of_an_end),
		in_segment(at_the_points_of_a_gift),
		in_segment(left_behind_by_a_task),
		in_segment(tasks_wait_for_others),
		in_segment(a_circle_of_tasks_is_found),
		in_segment(no_circle_of_threads_is_one),
		in_segment(across_a_resize),
		in_segment(a_child_holds_nothing),
		in_segment(no_note_outlasts_its_permit),
		in_segment(nor_do_notes_of_own_permits_pile_up),
		in_segment(given_to_one_that_dies),
	};

	return test_main(tests);
}
