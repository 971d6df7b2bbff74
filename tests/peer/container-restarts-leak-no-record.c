/* SPDX-License-Identifier: MIT */
/*
 * Containers that share a segment come and go, each a PID namespace of its own
 * whose worker has the same id in each. Most are killed as their worker
 * attaches, detaches or reaps. No call ever finds the records used up, and at
 * the end every record can be had.
 *
 * SFSHM_RESTARTS=10000 asks for 10000 restarts.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent.h"
#include "os/killpoint.h"
#include "testing.h"
#include "watch.h"

#define RECORDS 64
#define AT_ONCE 12
#define RESTARTS (UNDER_TSAN || UNDER_ASAN ? 100 : 400)

static const struct sfshm_options options = {
	.slots = 16,
	.participants = RECORDS,
	.bytes = 16 << 10,
	.max_value = 1024,
};

static const enum kill_point points[] = {
	KILL_AT_door_entered, KILL_AT_door_locked,     KILL_AT_door_unlocked,
	KILL_AT_life_ended,   KILL_AT_attach_locked,   KILL_AT_attach_filled,
	KILL_AT_detach_swept, KILL_AT_reap_locked,     KILL_AT_reap_swept,
	KILL_AT_slot_busy,    KILL_AT_publish_flipped, KILL_NOWHERE,
};

#define POINTS (sizeof(points) / sizeof(points[0]))

static void work(unsigned int n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct sfshm *h;
	char key[16];
	int r;

	demand(getpid() == 2);
	killpoint_arm(points[n % POINTS], 1 + (n / POINTS % 4 == 3), SIGKILL);
	h = segment_open(&options);
	snprintf(key, sizeof(key), "key-%u", n % 5);
	r = sfshm_begin(h, key, strlen(key), NULL, &flight, &result);
	demand(r >= 0);
	if (r == SFSHM_LEADER)
		demand(sfshm_publish(&flight, key, strlen(key)) == 0);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
	_exit(0);
}

/* The first process of the container: waits for the other one. */
static void contain(unsigned int n)
{
	pid_t worker = fork();
	int status;

	if (!worker)
		work(n);
	demand(waitpid(worker, &status, 0) == worker);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100);
}

static void start(unsigned int n)
{
	pid_t pid =
		(pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);

	assert_true(pid >= 0);
	if (!pid)
		contain(n);
}

/* Whether its worker was killed. */
static bool one_ended(void)
{
	int status;

	assert_true(wait(&status) > 0);
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) && WEXITSTATUS(status) != 100))
		fail_msg("a container ended with %x", status);
	return WEXITSTATUS(status) == 100;
}

/* One thread in each record. */
static void all_records_are_there(void)
{
	struct agent *a = agent_start_bare(0);
	char answer[32];

	agent_expect(a, "ok", "open %s", segment);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(answer, sizeof(answer), "@n%d -ENODATA", i);
		agent_expect(a, answer, "@n%d get nothing", i);
	}
	agent_expect(a, "-EUSERS", "get nothing");
}

static void many_restarts(void **state)
{
	const char *wanted = getenv("SFSHM_RESTARTS");
	unsigned int n = wanted ? (unsigned int)atoi(wanted) : RESTARTS;
	unsigned int killed = 0;

	(void)state;
	for (unsigned int i = 0; i < n + AT_ONCE; i++) {
		if (i >= AT_ONCE)
			killed += one_ended();
		if (i < n)
			start(i);
	}
	printf("# %u restarts, %u killed\n", n, killed);
	assert_in_range(killed, n / 2, n);
	all_records_are_there();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(many_restarts),
	};

	if (geteuid() != 0)
		return skip_all("PID namespaces take root");
	return test_main(tests);
}
