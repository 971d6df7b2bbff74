/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L8, PROMISE-P6: a lock of a process (SFSHM_LOCK_DETACHED) is unlocked
 * by any of its threads, by one of them only. It outlives the thread that took
 * it, and not the process. Its task does not wait for itself.
 */
#include <sys/wait.h>

#include <sfshm/lock.h>
#include <sfshm/release.h>

#include "../resize/resizing.h"
#include "peer/participant.h"

static void unlocking_here_what_was_locked_there(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	/* A thread that is attached, and one that is not. */
	agent_expect(a, "@two locked", "@two lock other detached");
	agent_expect(a, "@two ok", "@two unlock-of one key");
	agent_answers(b, "locked");
	agent_expect(a, "@three ok", "@three unlock-of two other");
	agent_expect(a, "@one -ESTALE", "@one unlock key");
	agent_expect(a, "@two -ESTALE", "@two unlock-of one key");
	agent_expect(b, "ok", "unlock key");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_expect(a, "@one ok", "@one unlock key");
	agent_expect(a, "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 0);
}

static void outliving_its_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock mine");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	await_waiters("key", 1);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	/* It is in the record of this thread now, but not this thread's. */
	agent_expect(a, "-ETIMEDOUT", "lock key timeout=5");
	agent_expect(a, "@two ok", "@two unlock-of one key");
	agent_answers(b, "locked");
	agent_expect(b, "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 0);
}

static void ending_with_the_last_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_answers(b, "locked owner_died");
	agent_expect(a, "-ESTALE", "unlock-of one key");
	agent_expect(b, "0", "verify");
}

static void ending_with_the_process(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock mine");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	/* It moves to main's record. */
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	agent_say(a, "signal KILL");
	agent_answers(b, "locked owner_died");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "0", "verify");
}

static void ending_with_a_bare_exit(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock mine");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(a, "@one raw-exit");
	agent_answers(b, "locked owner_died");
	agent_expect(a, "-ESTALE", "unlock-of one key");
	agent_expect(b, "0", "verify");
}

static void ending_with_exec(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(a, "exec");
	agent_answers(b, "locked owner_died");
	agent_expect(b, "0", "verify");
}

/* Dying between the move and the end, and between it and the second look. */
static void dying_as_it_moves(const char *point, const char *mover)
{
	struct agent *a = agent_start(), *b = agent_start();

	agent_expect(a, "locked", "lock mine");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_expect(a, "ok", "arm %s 1 KILL", point);
	agent_say(a, "%s", mover);
	agent_answers(b, "locked owner_died");
	assert_int_equal(agent_gone(a), SIGKILL);
	agent_expect(b, "0", "verify");
}

static void at_the_points_of_a_move(void **state)
{
	(void)state;
	dying_as_it_moves("flight_moved", "unlock-of one key");
}

static void at_the_points_of_a_gift(void **state)
{
	(void)state;
	dying_as_it_moves("flight_handed", "@one pthread_exit");
}

static void left_behind_by_a_task(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key detached task=3");
	agent_expect(a, "@one locked", "@one lock more detached task=3");
	agent_expect(a, "@one locked", "@one lock other detached task=4");
	agent_expect(a, "@one locked", "@one lock own");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_expect(a, "2", "release-all 3");
	agent_answers(b, "locked");
	agent_expect(a, "@one -ESTALE", "@one unlock key");
	agent_expect(a, "@one 1", "@one release-all 0");
	agent_expect(a, "@one -ESTALE", "@one unlock own");
	agent_expect(a, "@one ok", "@one unlock other");
	agent_expect(b, "locked", "lock more try");
	agent_expect(b, "0", "verify");
}

static void tasks_wait_for_others(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key detached task=1");
	agent_expect(a, "-EDEADLK", "lock key detached task=1");
	agent_expect(a, "-EDEADLK", "lock key task=1");
	agent_expect(a, "-EDEADLK", "lock key shared task=1");
	agent_expect(a, "-EBUSY", "lock key task=1 own-is-busy");
	agent_expect(a, "-EBUSY", "lock key try");
	agent_expect(a, "-ETIMEDOUT", "lock key detached timeout=5");
	agent_say(a, "@two lock key detached task=2");
	await_waiters("key", 1);
	agent_expect(a, "@four -EDEADLK", "@four lock key detached task=1");
	agent_say(a, "@three unlock-of main key");
	agent_answers_both(a, "@two locked", "@three ok");
}

/* The circle leads through a flight and a lock. */
static void a_circle_of_tasks_is_found(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock A detached task=1");
	agent_expect(a, "@two leader", "@two begin B detached task=2");
	agent_expect(a, "@three locked", "@three lock C detached task=3");
	agent_say(a, "@x begin B detached task=1");
	await_waiters("B", 1);
	agent_say(a, "@y lock C detached task=2");
	await_waiters("C", 1);
	agent_expect(a, "-EDEADLK", "lock A detached task=3");
	agent_expect(a, "-ETIMEDOUT", "lock A detached task=4 timeout=5");
	agent_say(a, "unlock-of three C");
	agent_answers_both(a, "ok", "@y locked");
	agent_say(a, "publish-of two value");
	agent_answers_both(a, "ok", "@x awaited value");
	assert_int_equal(watch_counter("deadlocks"), 1);
}

/* Another thread may unlock, so two threads that wait make no circle. */
static void no_circle_of_threads_is_one(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock one detached");
	agent_expect(b, "locked", "lock two");
	agent_say(a, "@one lock two");
	await_waiters("two", 1);
	agent_say(b, "lock one");
	await_waiters("one", 1);
	assert_false(agent_spoke(b));
	agent_expect(a, "@two ok", "@two unlock-of one one");
	agent_answers(b, "locked");
	agent_expect(b, "ok", "unlock two");
	agent_answers(a, "@one locked");
}

static void what_cannot_be_asked_for(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "-EINVAL", "lock key detached rank=1");
	agent_expect(a, "-EOPNOTSUPP", "lock key detached shared");
	agent_expect(a, "locked", "lock key detached");
	agent_expect(a, "locked", "lock high rank=5");
	/* The rank is what is wrong, not that the thread has the lock. */
	agent_expect(a, "-EDOM", "lock key rank=3");
}

static void across_a_resize(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock mine");
	agent_expect(a, "@one locked", "@one lock key detached task=1");
	agent_expect(a, "@one locked", "@one lock more detached task=1");
	agent_expect(a, "@one -EDEADLK", "@one resize %s slots=64", segment);
	agent_expect(a, "ok", "unlock mine");
	pid = resizing_start(z);
	resizing_await(64);
	agent_expect(b, "-EBUSY", "lock key try");
	agent_say(b, "lock key");
	assert_true(eventually(resizing_waiters("key") == 1));
	/* From one record of the old segment to another, which is new there. */
	agent_expect(a, "@two ok", "@two unlock-of one key");
	agent_answers(b, "locked");
	agent_expect(a, "@three 1", "@three release-all 1");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(a, "@two -ESTALE", "@two unlock-of one more");
	agent_expect(b, "locked", "lock more detached");
	agent_expect(b, "0", "verify");
}

static void unlock_as_child(int unused, void *lock)
{
	char key[8];

	(void)unused;
	demand(sfshm_lock_key(lock, key, sizeof(key)) == -ECHILD);
	demand(sfshm_unlock(lock) == -ECHILD);
	demand(sfshm_unlock(lock) == -ECHILD);
}

static const struct sfshm_lock_options detached = {
	.size = sizeof(detached),
	.flags = SFSHM_LOCK_DETACHED,
};

static void a_child_holds_nothing(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;
	char key[8] = "";

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, &detached, &lock), 0);
	assert_int_equal(child_gone(child_start(unlock_as_child, 0, &lock)), 0);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_int_equal(sfshm_lock_key(&lock, key, sizeof(key)), 3);
	assert_string_equal(key, "key");
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_lock_key(&lock, key, sizeof(key)), -ESTALE);
	assert_int_equal(sfshm_close(h), 0);
}

static void *unlock_it(void *lock)
{
	demand(sfshm_unlock(lock) == 0);
	return NULL;
}

static void unlock_elsewhere(struct sfshm_lock *lock)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, unlock_it, lock), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Each end by another thread leaves a note, and all of them name one lock. */
static void notes_of_one_lock_take_one_place(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock, other;

	(void)state;
	for (int i = 0; i < SHM_OWNED - 1; i++) {
		assert_int_equal(sfshm_lock(h, "L", 1, &detached, &lock), 0);
		unlock_elsewhere(&lock);
	}
	assert_int_equal(sfshm_lock(h, "L", 1, &detached, &lock), 0);
	assert_int_equal(sfshm_lock(h, "M", 1, &detached, &other), 0);
	assert_false(peer_current->record->owned_overflow);
	assert_sound(h);
	unlock_elsewhere(&lock);
	assert_int_equal(sfshm_unlock(&other), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Two hundred threads: each takes a lock, another gives it back. */
#define PAIRS 100
#define TURNS (20 / SLOWNESS)

static struct sfshm *handle;
static struct sfshm_lock given[PAIRS];
static uint32_t turn[PAIRS]; /* odd: the lock is for the other thread */

/* Waits until another thread has brought the word so far. */
static void reaches(uint32_t *word, uint32_t n)
{
	demand(eventually(load_acquire(word) >= n));
}

static void lock_each(int pair)
{
	char key[32];
	int n = snprintf(key, sizeof(key), "%d", pair);

	for (uint32_t i = 0; i < TURNS; i++) {
		reaches(&turn[pair], 2 * i);
		demand(sfshm_lock(handle, key, (size_t)n, &detached,
				  &given[pair]) == 0);
		store_release(&turn[pair], 2 * i + 1);
	}
}

static void unlock_each(int pair)
{
	for (uint32_t i = 0; i < TURNS; i++) {
		reaches(&turn[pair], 2 * i + 1);
		demand(sfshm_unlock(&given[pair]) == 0);
		store_release(&turn[pair], 2 * i + 2);
	}
}

static void lock_or_unlock(int member, void *arg)
{
	(void)arg;
	if (member % 2)
		unlock_each(member / 2);
	else
		lock_each(member / 2);
}

static void by_two_hundred_threads(void **state)
{
	(void)state;
	handle = segment_open(NULL);
	memset(turn, 0, sizeof(turn));
	crowd_run(THREADS, 2 * PAIRS, lock_or_unlock, NULL);
	assert_int_equal(watch_counter("locks"), PAIRS * TURNS);
	assert_int_equal(watch_counter("owner_died"), 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

/* A crowd of threads ends each hold: one of them does. */
#define ROUNDS (300 / SLOWNESS)
#define ENDERS 4

static struct sfshm_lock shared[ROUNDS];
static uint32_t begun, ends[ROUNDS];

static void lock_rounds(void)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		demand(sfshm_lock(handle, "key", 3, &detached, &shared[i]) ==
		       0);
		store_release(&begun, i + 1);
	}
}

static void unlock_rounds(void)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		int r;

		reaches(&begun, i + 1);
		r = sfshm_unlock(&shared[i]);
		demand(r == 0 || r == -ESTALE);
		fetch_add_acq_rel(&ends[i], !r);
	}
}

static void lock_or_end(int member, void *arg)
{
	(void)arg;
	if (member)
		unlock_rounds();
	else
		lock_rounds();
}

static void by_one_of_a_crowd(void **state)
{
	(void)state;
	handle = segment_open(NULL);
	begun = 0;
	crowd_run(THREADS, 1 + ENDERS, lock_or_end, NULL);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(ends[i], 1);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(unlocking_here_what_was_locked_there),
		in_segment(outliving_its_thread),
		in_segment(ending_with_the_last_thread),
		in_segment(ending_with_the_process),
		in_segment(ending_with_a_bare_exit),
		in_segment(ending_with_exec),
		in_segment(at_the_points_of_a_move),
		in_segment(at_the_points_of_a_gift),
		in_segment(left_behind_by_a_task),
		in_segment(tasks_wait_for_others),
		in_segment(a_circle_of_tasks_is_found),
		in_segment(no_circle_of_threads_is_one),
		in_segment(what_cannot_be_asked_for),
		in_segment(across_a_resize),
		in_segment(a_child_holds_nothing),
		in_segment(notes_of_one_lock_take_one_place),
		in_segment(by_two_hundred_threads),
		in_segment(by_one_of_a_crowd),
	};

	return test_main(tests);
}
