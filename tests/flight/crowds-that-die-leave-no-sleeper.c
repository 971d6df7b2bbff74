/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F5, PROMISE-R2: The test kills a leader and some of its followers
 * together, many times, and the other followers finish. Only a wake ends their
 * sleep, so a wake that died with a follower would leave them asleep.
 */
#include <signal.h>
#include <sys/wait.h>

#include "crowd.h"
#include "watch.h"

#define FOLLOWERS 8
#define ROUNDS (UNDER_TSAN || UNDER_ASAN ? 24 : 96)

struct round {
	char key[32];
	uint32_t dying;
};

/* The leader never ends its flight; heirs do at once. */
static void take_part(int member, void *arg)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	const struct round *round = arg;
	struct sfshm_flight flight;
	int r;

	sleep_until_woken();
	r = sfshm_begin(h, round->key, strlen(round->key), &policy, &flight,
			&result);
	if (member == 0)
		for (;;)
			pause();
	if (r == SFSHM_LEADER)
		demand(sfshm_publish(&flight, "done", 4) == 0);
	else
		demand(r == SFSHM_AWAITED || r == SFSHM_CACHED);
}

/* Who is to die is in a process group: one call kills them all. */
static void start_all(struct round *round, pid_t *pids)
{
	for (int i = 0; i <= FOLLOWERS; i++) {
		pids[i] = child_start(take_part, i, round);
		if (i == 0)
			await_phase(round->key, SFSHM_PHASE_BUSY);
		if (i <= (int)round->dying)
			assert_int_equal(setpgid(pids[i], pids[0]), 0);
	}
	await_waiters(round->key, FOLLOWERS);
}

static uint64_t one_round(struct round *round)
{
	pid_t pids[FOLLOWERS + 1];
	uint64_t began;

	start_all(round, pids);
	began = now_ms();
	assert_int_equal(kill(-pids[0], SIGKILL), 0);
	for (int i = 0; i <= FOLLOWERS; i++) {
		int status = child_gone(pids[i]);

		if (i > (int)round->dying)
			assert_int_equal(status, 0);
	}
	return now_ms() - began;
}

static void followers_die_with_the_leader(void **state)
{
	struct sfshm *h = segment_open(NULL);
	uint64_t worst = 0;

	(void)state;
	/* No thread of this process is attached: it forks. */
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct round round = { .dying = i % FOLLOWERS };
		uint64_t ms;

		snprintf(round.key, sizeof(round.key), "round-%u", i);
		ms = one_round(&round);
		worst = ms > worst ? ms : worst;
	}
	printf("# the slowest of %d rounds took %d ms\n", ROUNDS, (int)worst);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(followers_die_with_the_leader),
	};

	return test_main(tests);
}
