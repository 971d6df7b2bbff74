/* SPDX-License-Identifier: MIT */
/*
 * The kernel marks mutexes by thread id, and another thread may have the same
 * id: one in another PID namespace, or a later one. Wherever a dying, a late or
 * a stopped thread is, nobody takes a living one for dead.
 */
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include "agent.h"
#include "forge.h"
#include "testing.h"
#include "trace.h"
#include "watch.h"

/* The first record, which the tests are about. */
static struct forge_record first;

/* An agent that is the first process of a PID namespace of its own. */
static struct agent *container_start(void)
{
	struct agent *a = agent_start_bare(CLONE_NEWPID);

	agent_expect(a, "1", "pid");
	agent_expect(a, "ok", "open %s", segment);
	return a;
}

static uint32_t owner_of(const char *key)
{
	struct sfshm_slot_info slot;

	assert_true(watch_key(key, &slot));
	assert_true(slot.owner_alive);
	return slot.owner;
}

/* libc has named the record's mutex to the kernel, and it is free. */
static bool at_the_free_mutex(pid_t thread)
{
	uint64_t named = trace_pending_word(thread);

	/* It is mapped elsewhere there. */
	return named && !load_acquire(first.word) &&
	       (named - (uintptr_t)first.word) % 4096 == 0;
}

/* `other` leads m while `one` stands still, and after that has died. */
static void outlives(struct agent *other, struct agent *one)
{
	struct agent *x = agent_start();

	agent_expect(other, "leader", "begin m");
	agent_say(x, "begin m");
	await_waiters("m", 1);
	agent_kill(one);
	owner_of("m");
	agent_expect(other, "ok", "publish alive");
	agent_answers(x, "awaited alive");
	agent_expect(other, "leader", "begin n");
	agent_say(x, "begin n");
	await_waiters("n", 1);
	agent_kill(other);
	agent_answers(x, "leader owner_died");
	agent_expect(x, "ok", "publish alive");
	agent_expect(x, "0", "verify");
	assert_int_equal(watch_counter("owner_died"), 1);
}

static void twin_dies_while_it_locks(void **state)
{
	struct agent *one = container_start(), *other = container_start();

	(void)state;
	forge_map(&first);
	trace_stop(one->pid);
	agent_say(one, "begin a");
	trace_step_until(one->pid, at_the_free_mutex);
	outlives(other, one);
}

static void twin_dies_while_it_unlocks(void **state)
{
	struct agent *one = container_start(), *other = container_start();

	(void)state;
	forge_map(&first);
	agent_expect(one, "leader", "begin a");
	agent_expect(one, "ok", "publish value");
	assert_int_equal(load_acquire(first.word) & FUTEX_TID_MASK, 1);
	trace_stop(one->pid);
	agent_say(one, "close");
	trace_step_until(one->pid, at_the_free_mutex);
	outlives(other, one);
}

/*
 * A follower is at the kernel to ask for its leader, the thread 2, which dies.
 * Returns the follower's thread.
 */
static pid_t examiner_of_the_dead(struct agent *a)
{
	pid_t s;

	agent_expect(a, "@t leader", "@t begin a");
	agent_say(a, "@s begin a");
	await_waiters("a", 1);
	s = trace_find(a->pid, 3);
	trace_stop(s);
	trace_run_into(s, SYS_tgkill);
	agent_say(a, "@t raw-exit");
	forge_map(&first);
	assert_true(eventually(load_acquire(first.word) & FUTEX_OWNER_DIED));
	return s;
}

/* The next owner of the dead one's record has the same id. */
static void next_owner_lives(struct agent *a, struct agent *next,
			     const char *lane, pid_t examiner)
{
	char answer[32];

	snprintf(answer, sizeof(answer), "@%s leader", lane);
	agent_expect(next, answer, "@%s begin m", lane);
	assert_int_equal(owner_of("m"), 1);
	assert_int_equal(load_acquire(first.word) & FUTEX_TID_MASK, 2);
	trace_go_on(examiner);
	agent_answers(a, "@s leader owner_died");
	assert_int_equal(owner_of("m"), 1);
	assert_int_equal(load_acquire(first.word) & FUTEX_OWNER_DIED, 0);
	agent_expect(a, "0", "verify");
	assert_int_equal(owner_of("m"), 1);
}

/* The number comes free a little after the thread is gone. */
static const char *lane_with_tid_2(struct agent *a)
{
	static char lane[16];
	const char *id;

	for (int i = 0; i < 100; i++) {
		snprintf(lane, sizeof(lane), "u%d", i);
		agent_expect(a, "ok", "next-tid 2");
		agent_say(a, "@%s tid", lane);
		id = strrchr(agent_hear(a), ' ');
		if (id && atoi(id) == 2)
			return lane;
	}
	fail_msg("no thread has the dead one's number");
	return NULL;
}

static void late_examiner_in_the_next_ones_namespace(void **state)
{
	struct agent *a = container_start();
	pid_t s = examiner_of_the_dead(a);

	(void)state;
	trace_run_back(s);
	trace_run_into(s, SYS_tkill);
	trace_run_back(s);
	/* It has its proof, and the next thread has the number. */
	next_owner_lives(a, a, lane_with_tid_2(a), s);
}

static void late_examiner_in_another_namespace(void **state)
{
	struct agent *a = container_start(), *other = container_start();
	pid_t s = examiner_of_the_dead(a);

	(void)state;
	next_owner_lives(a, other, "t", s);
}

static bool has_the_dead_ones_mutex(pid_t thread)
{
	return load_acquire(first.word) &&
	       !(load_acquire(first.word) & FUTEX_OWNER_DIED) &&
	       !load_acquire(&first.record->door) &&
	       !trace_pending_word(thread);
}

/*
 * The thread 2 of `a` is dead, and the thread 2 of `reaper`, which is returned,
 * stands still with its record locked.
 */
static pid_t stopped_reaper(struct agent *a, struct agent *reaper)
{
	pid_t thread;

	agent_expect(a, "@t leader", "@t begin a");
	agent_expect(reaper, "@t 2", "@t tid");
	forge_map(&first);
	agent_say(a, "@t raw-exit");
	assert_true(eventually(load_acquire(first.word) & FUTEX_OWNER_DIED));
	thread = trace_find(reaper->pid, 2);
	trace_stop(thread);
	agent_say(reaper, "@t begin b");
	trace_step_until(thread, has_the_dead_ones_mutex);
	assert_int_equal(load_acquire(first.word) & FUTEX_TID_MASK, 2);
	return thread;
}

/* In the dead one's namespace the kernel knows no thread of that number. */
static void stopped_reaper_of_its_twin(void **state)
{
	struct agent *a = container_start(), *reaper = container_start();
	pid_t thread = stopped_reaper(a, reaper);

	(void)state;
	agent_expect(a, "@s leader owner_died", "@s begin a");
	agent_expect(a, "@s ok", "@s publish value");
	agent_expect(a, "0", "verify");
	assert_int_equal(load_acquire(first.word) & FUTEX_TID_MASK, 2);
	assert_int_equal(load_acquire(first.word) & FUTEX_OWNER_DIED, 0);

	trace_go_on(thread);
	agent_answers(reaper, "@t leader");
	assert_int_equal(owner_of("b"), 1);
	agent_expect(a, "0", "verify");
	assert_int_equal(owner_of("b"), 1);
}

static void killed_reaper_of_its_twin(void **state)
{
	struct agent *a = container_start(), *reaper = container_start();
	pid_t thread = stopped_reaper(a, reaper);

	(void)state;
	agent_signal(reaper, SIGKILL);
	trace_ended(thread);
	agent_gone(reaper);
	assert_true(load_acquire(first.word) & FUTEX_OWNER_DIED);
	agent_expect(a, "@s leader owner_died", "@s begin a");
	agent_expect(a, "@s ok", "@s publish value");
	agent_expect(a, "0", "verify");
	assert_true(load_acquire(first.word) == 0 ||
		    (load_acquire(first.word) & FUTEX_TID_MASK) == 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(twin_dies_while_it_locks),
		in_segment(twin_dies_while_it_unlocks),
		in_segment(late_examiner_in_the_next_ones_namespace),
		in_segment(late_examiner_in_another_namespace),
		in_segment(stopped_reaper_of_its_twin),
		in_segment(killed_reaper_of_its_twin),
	};

	if (geteuid() != 0)
		return skip_all("PID namespaces take root");
	return test_main(tests);
}
