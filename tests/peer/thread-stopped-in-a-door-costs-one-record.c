/* SPDX-License-Identifier: MIT */
/*
 * Nobody waits for a thread in the door of a record: others take another
 * record. If the thread dies there, a thread in any PID namespace can get the
 * record again.
 */
#include <sched.h>
#include <signal.h>

#include "agent.h"
#include "forge.h"
#include "peer/door.h"
#include "testing.h"
#include "trace.h"
#include "watch.h"

/* The first record, which the tests are about. */
static struct forge_record first;

static struct agent *one_of(int participants)
{
	struct agent *a = agent_start_bare(0);

	agent_expect(a, "ok", "open %s participants=%d", segment, participants);
	return a;
}

static void as_it_attaches(void **state)
{
	struct agent *a = one_of(2), *b = one_of(2), *c = one_of(2);

	(void)state;
	agent_expect(a, "ok", "arm door_entered 1 STOP");
	agent_say(a, "begin a");
	agent_stopped(a);
	agent_expect(b, "leader", "begin b");
	agent_expect(c, "-EUSERS", "begin c");
	agent_kill(a);
	agent_expect(c, "leader", "begin c");
	agent_expect(c, "0", "verify");
}

static void as_it_detaches(void **state)
{
	struct agent *a = one_of(1), *b = one_of(1);

	(void)state;
	agent_expect(a, "leader", "begin a");
	agent_expect(a, "ok", "arm door_unlocked 1 STOP");
	agent_say(a, "close");
	agent_stopped(a);
	agent_expect(b, "-EUSERS", "begin a");
	agent_signal(a, SIGCONT);
	agent_answers(a, "ok");
	agent_expect(b, "leader", "begin a");
	agent_expect(b, "0", "verify");
}

static bool in_the_door(pid_t thread)
{
	(void)thread;
	return load_acquire(&first.record->door) != 0;
}

/* Its namespace goes with it: nobody is left who could ask for it. */
static void in_a_container_that_is_gone(void **state)
{
	struct agent *a = agent_start_bare(CLONE_NEWPID), *b;

	(void)state;
	if (geteuid() != 0)
		skip();
	agent_expect(a, "ok", "open %s participants=1", segment);
	forge_map(&first);
	trace_stop(a->pid);
	agent_say(a, "begin a");
	trace_step_until(a->pid, in_the_door);
	b = one_of(1);
	agent_expect(b, "-EUSERS", "begin a");
	agent_kill(a);
	agent_expect(b, "leader", "begin a");
	agent_expect(b, "0", "verify");
}

/* Who leaves finds somebody in its own door: the kernel unlocks for it. */
static void somebody_stands_in_the_way_out(void **state)
{
	struct agent *a = one_of(1), *b = one_of(1);

	(void)state;
	forge_map(&first);
	agent_expect(a, "leader", "begin a");
	store_release(&first.record->door, DOOR_TAKEN | DOOR_UNPROVEN);
	agent_expect(a, "ok", "close");
	assert_int_equal(watch_phase("a"), SFSHM_PHASE_IDLE);
	agent_expect(b, "-EUSERS", "begin a");
	store_release(&first.record->door, 0);
	agent_expect(b, "-EUSERS", "begin a");
	agent_kill(a);
	agent_expect(b, "leader", "begin a");
	agent_expect(b, "0", "verify");
}

/* Without a descriptor it has no lock that would vouch for it. */
static void without_a_descriptor(void **state)
{
	struct agent *a = one_of(1), *b = one_of(1);

	(void)state;
	agent_expect(a, "ok", "close-range");
	agent_expect(a, "ok", "arm door_entered 1 STOP");
	agent_say(a, "begin a");
	agent_stopped(a);
	agent_expect(b, "-EUSERS", "begin a");
	agent_expect(b, "-EUSERS", "begin a");
	agent_signal(a, SIGCONT);
	agent_answers(a, "leader");
	agent_kill(a);
	agent_expect(b, "leader owner_died", "begin a");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_it_attaches),
		in_segment(as_it_detaches),
		in_segment(in_a_container_that_is_gone),
		in_segment(somebody_stands_in_the_way_out),
		in_segment(without_a_descriptor),
	};

	return test_main(tests);
}
