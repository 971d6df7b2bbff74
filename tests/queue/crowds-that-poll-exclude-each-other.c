/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q6, PROMISE-Q7: however many processes poll, a lock has one holder,
 * and no more permits are held than there are, also while members are killed.
 * Each gets its turns, beside members that sleep.
 */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/lock.h>
#include <sfshm/queue.h>
#include <sfshm/semaphore.h>

#include "crowd.h"
#include "testing.h"

#define MEMBERS (UNDER_TSAN ? 8 : 64)
#define TURNS 20
#define MAX 3

static struct ledger {
	uint64_t inside; /* a bit for each member */
	uint32_t most, turns;
} * ledger;

static void come_in(int member)
{
	uint64_t bit = UINT64_C(1) << member;
	uint32_t n, most = load_seq(&ledger->most);

	n = (uint32_t)__builtin_popcountll(
		fetch_or_acq_rel(&ledger->inside, bit) | bit);
	while (most < n && !cas_seq(&ledger->most, most, n))
		most = load_seq(&ledger->most);
	fetch_add_acq_rel(&ledger->turns, 1);
}

static void leave(int member)
{
	uint64_t bit = UINT64_C(1) << member, now = load_seq(&ledger->inside);

	while (!cas_seq(&ledger->inside, now, now & ~bit))
		now = load_seq(&ledger->inside);
}

/* Every fourth member sleeps for its turn. */
static bool polls(int member)
{
	return member % 4 != 3;
}

struct member {
	struct sfshm *h;
	struct sfshm_queue *queue;
	struct sfshm_lock lock;
	struct sfshm_permit permit;
};

static int begin(struct member *m, bool for_lock, struct sfshm_wait *wait)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.max = MAX;
	return for_lock ? sfshm_lock_async(m->queue, m->h, "key", 3, NULL,
					   &m->lock, wait) :
			  sfshm_acquire_async(m->queue, m->h, "key", 3, &o,
					      &m->permit, wait);
}

static int poll_for_turn(struct member *m, bool for_lock)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(m->queue), .events = POLLIN };
	struct sfshm_wait wait;
	int r = begin(m, for_lock, &wait);

	while (r == -EINPROGRESS) {
		demand(poll(&fd, 1, PATIENCE_MS) == 1);
		demand(sfshm_queue_next(m->queue, &wait) == 1);
		r = for_lock ?
			    sfshm_wait_finish_lock(m->queue, &wait, &m->lock) :
			    sfshm_wait_finish_permit(m->queue, &wait,
						     &m->permit);
	}
	return r;
}

static int sleep_for_turn(struct member *m, bool for_lock)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.max = MAX;
	return for_lock ? sfshm_lock(m->h, "key", 3, NULL, &m->lock) :
			  sfshm_acquire(m->h, "key", 3, &o, &m->permit);
}

static void take_turn(int member, struct member *m, bool for_lock)
{
	int r = polls(member) ? poll_for_turn(m, for_lock) :
				sleep_for_turn(m, for_lock);

	demand(r == 0 || (for_lock && r == SFSHM_OWNER_DIED));
	come_in(member);
	leave(member);
	r = for_lock ? sfshm_unlock(&m->lock) :
		       sfshm_permit_release(&m->permit);
	demand(r == 0);
}

static void enter(struct member *m)
{
	m->h = segment_open(NULL);
	demand(sfshm_queue_open(&m->queue) == 0);
}

static void take_turns(int member, void *for_lock)
{
	struct member m;

	enter(&m);
	for (int i = 0; i < TURNS; i++)
		take_turn(member, &m, *(bool *)for_lock);
	demand(sfshm_queue_close(m.queue) == 0);
	demand(sfshm_close(m.h) == 0);
}

static void expect_soundness(void)
{
	struct sfshm *h = segment_open(NULL);

	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void crowd(enum crowd kind, bool for_lock)
{
	ledger = shared_memory(sizeof(*ledger));
	crowd_run(kind, MEMBERS, take_turns, &for_lock);
	assert_int_equal(ledger->turns, MEMBERS * TURNS);
	assert_in_range(ledger->most, 1, for_lock ? 1 : MAX);
	expect_soundness();
}

static void of_processes_for_a_lock(void **state)
{
	(void)state;
	crowd(PROCESSES, true);
}

static void of_processes_for_three_permits(void **state)
{
	(void)state;
	crowd(PROCESSES, false);
}

static void of_threads_for_a_lock(void **state)
{
	(void)state;
	crowd(THREADS, true);
}

static void of_threads_for_three_permits(void **state)
{
	(void)state;
	crowd(THREADS, false);
}

static void take_turns_until_killed(int member, void *for_lock)
{
	struct member m;

	enter(&m);
	for (;;)
		take_turn(member, &m, *(bool *)for_lock);
}

/* Until the dead one's bit is taken back, its turn may be another's. */
static void killed(bool for_lock)
{
	pid_t pids[8];

	ledger = shared_memory(sizeof(*ledger));
	for (int i = 0; i < 8; i++)
		pids[i] = child_start(take_turns_until_killed, i, &for_lock);
	for (int i = 0; i < 40; i++) {
		uint32_t turns = load_seq(&ledger->turns);

		assert_true(eventually(load_seq(&ledger->turns) > turns + 20));
		assert_int_equal(kill(pids[i % 8], SIGKILL), 0);
		child_gone(pids[i % 8]);
		leave(i % 8);
		pids[i % 8] =
			child_start(take_turns_until_killed, i % 8, &for_lock);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		child_gone(pids[i]);
		leave(i);
	}
	assert_in_range(ledger->most, 1, (for_lock ? 1 : MAX) + 1);
	expect_soundness();
}

static void killed_with_a_lock(void **state)
{
	(void)state;
	killed(true);
}

static void killed_with_permits(void **state)
{
	(void)state;
	killed(false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes_for_a_lock),
		in_segment(of_processes_for_three_permits),
		in_segment(of_threads_for_a_lock),
		in_segment(of_threads_for_three_permits),
		in_segment(killed_with_a_lock),
		in_segment(killed_with_permits),
	};

	return test_main(tests);
}
