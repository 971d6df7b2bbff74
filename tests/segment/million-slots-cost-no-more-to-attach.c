/* SPDX-License-Identifier: MIT */
/*
 * A process that opens a segment touches as many pages of a million slots as
 * of a thousand, and makes as many system calls.
 */
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "crowd.h"
#include "testing.h"

/* The header's table of free places, and the like: pages, not slots. */
#define MORE_FAULTS 8

struct cost {
	long faults;
	long calls;
};

static long faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt + u.ru_majflt;
}

/* In a fresh process, from opening it to having looked a key up. */
static void attach(int traced, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct cost *cost = arg;
	struct sfshm *h;
	long before;

	if (traced)
		demand(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 &&
		       raise(SIGSTOP) == 0);
	before = faults();
	demand(sfshm_open(&h, segment, NULL) == 0);
	demand(sfshm_get(h, "key", 3, &result) == -ENODATA);
	if (!traced)
		cost->faults = faults() - before;
	demand(sfshm_close(h) == 0);
}

/* Each system call stops it twice. */
static long calls_of(int pid)
{
	int status;
	long stops = 0;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		stops++;
	}
	assert_int_equal(status, 0);
	return stops / 2;
}

static struct cost cost_of(uint32_t slots)
{
	const struct sfshm_options options = { .slots = slots };
	struct cost *cost = shared_memory(sizeof(*cost));

	assert_int_equal(sfshm_close(segment_open(&options)), 0);
	assert_int_equal(child_gone(child_start(attach, 0, cost)), 0);
	cost->calls = calls_of(child_start(attach, 1, cost));
	assert_int_equal(sfshm_unlink(segment), 0);
	printf("# %u slots: %ld faults, %ld system calls\n", slots,
	       cost->faults, cost->calls);
	return *cost;
}

static void as_of_a_thousand(void **state)
{
	struct cost thousand = cost_of(1000), million = cost_of(1000000);

	(void)state;
	assert_true(thousand.faults > 0 && thousand.calls > 0);
	assert_in_range(million.faults, 0, thousand.faults + MORE_FAULTS);
	assert_int_equal(million.calls, thousand.calls);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_of_a_thousand),
	};

	return test_main(tests);
}
