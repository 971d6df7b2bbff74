/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S1, PROMISE-S2: however many callers ask, no more permits are held
 * at a time than the maximum, and none when all callers have gone. That holds
 * while holders are killed, and while the maximum goes up and down.
 */
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/semaphore.h>

#include "crowd.h"
#include "testing.h"

#define MEMBERS 8
#define ROUNDS (UNDER_TSAN ? 300 : 2000)
#define MAX 3
#define LESS 1

static struct ledger {
	uint32_t inside, most, turns, max;
	uint32_t over; /* the crowd's work is done */
} * ledger;

static void note_most(uint32_t n)
{
	uint32_t most = load_seq(&ledger->most);

	while (most < n && !cas_seq(&ledger->most, most, n))
		most = load_seq(&ledger->most);
}

static void take_turns(int member, void *arg)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)member;
	(void)arg;
	o.max = MAX;
	for (int i = 0; i < ROUNDS; i++) {
		demand(sfshm_acquire(h, "s", 1, &o, &permit) == 0);
		note_most(fetch_add_acq_rel(&ledger->inside, 1) + 1);
		fetch_add_acq_rel(&ledger->turns, 1);
		fetch_sub_acq_rel(&ledger->inside, 1);
		demand(sfshm_permit_release(&permit) == 0);
	}
	demand(sfshm_close(h) == 0);
}

static void expect(uint32_t max, uint32_t in_use)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm *h = segment_open(NULL);

	assert_int_equal(sfshm_semaphore_info(h, "s", 1, &info), 0);
	assert_int_equal(info.max, max);
	assert_int_equal(info.in_use, in_use);
	assert_int_equal(info.waiters, 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void by(enum crowd kind)
{
	ledger = shared_memory(sizeof(*ledger));
	crowd_run(kind, MEMBERS, take_turns, NULL);
	assert_int_equal(ledger->turns, MEMBERS * ROUNDS);
	assert_in_range(ledger->most, 1, MAX);
	expect(MAX, 0);
}

static void by_processes(void **state)
{
	(void)state;
	by(PROCESSES);
}

static void by_threads(void **state)
{
	(void)state;
	by(THREADS);
}

/* Each member has a bit, so that the dead one's can be taken back. */
static uint32_t set_bit(int member)
{
	return fetch_or_acq_rel(&ledger->inside, 1u << member) | 1u << member;
}

static void clear_bit(int member)
{
	uint32_t now = load_seq(&ledger->inside);

	while (!cas_seq(&ledger->inside, now, now & ~(1u << member)))
		now = load_seq(&ledger->inside);
}

static void take_turns_until_killed(int member, void *arg)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)arg;
	o.max = MAX;
	for (;;) {
		demand(sfshm_acquire(h, "s", 1, &o, &permit) == 0);
		note_most((uint32_t)__builtin_popcount(set_bit(member)));
		fetch_add_acq_rel(&ledger->turns, 1);
		clear_bit(member);
		demand(sfshm_permit_release(&permit) == 0);
	}
}

/* Until the dead one's bit is taken back its permit may be another's. */
static void while_holders_are_killed(void **state)
{
	pid_t pids[MEMBERS];
	uint32_t turns;

	(void)state;
	ledger = shared_memory(sizeof(*ledger));
	for (int i = 0; i < MEMBERS; i++)
		pids[i] = child_start(take_turns_until_killed, i, NULL);
	for (int i = 0; i < 40; i++) {
		int victim = i % MEMBERS;

		turns = load_seq(&ledger->turns);
		assert_true(eventually(load_seq(&ledger->turns) > turns + 20));
		assert_int_equal(kill(pids[victim], SIGKILL), 0);
		child_gone(pids[victim]);
		clear_bit(victim);
		pids[victim] =
			child_start(take_turns_until_killed, victim, NULL);
	}
	for (int i = 0; i < MEMBERS; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		child_gone(pids[i]);
		clear_bit(i);
	}
	assert_in_range(ledger->most, 1, MAX + 1);
	expect(MAX, 0);
}

/* As many as hold one, or fewer: a permit is counted before it is used. */
static uint32_t held(struct sfshm *h)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	demand(sfshm_semaphore_info(h, "s", 1, &info) == 0);
	return info.in_use;
}

/*
 * The rule in force, and which one in a row: told before the maximum is
 * raised, and after it has been lowered and the surplus is gone.
 */
static void rule(struct sfshm *h)
{
	for (uint32_t i = 1; i <= ROUNDS / 4; i++) {
		uint32_t max = i & 1 ? LESS : MAX;

		if (max == MAX)
			store_seq(&ledger->max, i << 8 | max);
		demand(sfshm_semaphore_set_max(h, "s", 1, max) == 0);
		while (max == LESS && held(h) > LESS)
			;
		store_seq(&ledger->max, i << 8 | max);
		usleep(50);
	}
	store_seq(&ledger->over, 1);
}

static void take_turns_by_the_rule(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)arg;
	if (!member)
		rule(h);
	while (!load_seq(&ledger->over)) {
		uint32_t before, n;

		demand(sfshm_acquire(h, "s", 1, NULL, &permit) == 0);
		before = load_seq(&ledger->max);
		n = (uint32_t)__builtin_popcount(set_bit(member));
		note_most(n);
		if (before == load_seq(&ledger->max))
			demand(n <= (before & 0xff));
		clear_bit(member);
		demand(sfshm_permit_release(&permit) == 0);
	}
	demand(sfshm_close(h) == 0);
}

static void while_the_maximum_changes(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	ledger = shared_memory(sizeof(*ledger));
	ledger->max = MAX;
	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, MAX), 0);
	assert_int_equal(sfshm_close(h), 0);
	crowd_run(PROCESSES, MEMBERS, take_turns_by_the_rule, NULL);
	assert_in_range(ledger->most, 1, MAX);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_processes),
		in_segment(by_threads),
		in_segment(while_holders_are_killed),
		in_segment(while_the_maximum_changes),
	};

	return test_main(tests);
}
