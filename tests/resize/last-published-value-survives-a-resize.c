/* SPDX-License-Identifier: MIT */
/*
 * A resizer copies values while others publish and remove them. Whatever they
 * did during the resize, nobody sees an older state than before.
 */
#include "resizing.h"

/* Stops the resize at `point`, with a flight that holds the old one up. */
static int stop_at(struct resizing *z, enum kill_point point,
		   struct agent *leader)
{
	int pid, status;

	agent_expect(leader, "leader", "begin slow");
	z->point = point;
	z->signal = SIGSTOP;
	pid = resizing_start(z);
	if (!eventually(waitpid(pid, &status, WNOHANG | WUNTRACED) == pid))
		fail_msg("the resize does not come to its kill point");
	assert_true(WIFSTOPPED(status));
	return pid;
}

/* Until the successor has the name, then until the resize is over. */
static void let_go_on(int pid)
{
	assert_int_equal(kill(pid, SIGCONT), 0);
	resizing_await(200);
}

static void let_end(int pid, struct agent *leader)
{
	agent_expect(leader, "ok", "publish late");
	assert_int_equal(child_gone(pid), 0);
}

static void changed_before_the_switch(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct resizing *z = resizing_make(200);
	struct agent *leader = agent_start(), *fresh;
	int pid;

	(void)state;
	resizing_put(h, "rewritten", "old");
	resizing_put(h, "forgotten", "old");
	resizing_put(h, "kept", "old");
	pid = stop_at(z, KILL_AT_resize_aliased, leader);
	resizing_put(h, "rewritten", "new");
	assert_int_equal(sfshm_forget(h, "forgotten", 9), 0);
	let_go_on(pid);
	fresh = agent_start();
	agent_expect(fresh, "cached new", "get rewritten");
	agent_expect(fresh, "-ENODATA", "get forgotten");
	agent_expect(fresh, "cached old", "get kept");
	assert_string_equal(resizing_get(h, "rewritten"), "new");
	assert_string_equal(resizing_get(h, "forgotten"), "");
	let_end(pid, leader);
	assert_int_equal(z->outcome, 0);
	agent_expect(fresh, "cached new", "get rewritten");
	agent_expect(fresh, "-ENODATA", "get forgotten");
	assert_int_equal(sfshm_close(h), 0);
}

/* In the successor, while a flight still goes on in the old one. */
static void changed_after_the_switch(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct resizing *z = resizing_make(200);
	struct agent *leader = agent_start(), *fresh;
	int pid;

	(void)state;
	resizing_put(h, "rewritten", "old");
	resizing_put(h, "forgotten", "old");
	resizing_put(h, "shared", "old");
	resizing_put(h, "failed", "old");
	pid = stop_at(z, KILL_AT_resize_moved, leader);
	let_go_on(pid);
	fresh = agent_start();
	agent_expect(fresh, "leader", "begin rewritten refresh forever");
	agent_expect(fresh, "ok", "publish new");
	agent_expect(fresh, "ok", "forget forgotten");
	/* For those who wait now, and for nobody later. */
	agent_expect(fresh, "leader", "begin shared refresh");
	agent_expect(fresh, "ok", "publish new");
	agent_expect(fresh, "leader", "begin failed refresh neg=1000000");
	agent_expect(fresh, "ok", "fail -5 broken");
	for (int i = 0; i < 2; i++) {
		agent_expect(fresh, "cached new", "get rewritten");
		agent_expect(fresh, "-ENODATA", "get forgotten");
		agent_expect(fresh, "-ENODATA", "get shared");
		if (i == 0)
			let_end(pid, leader);
	}
	assert_int_equal(z->outcome, 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Nor is a value that only moves news to who asked for a newer one. */
static void moved_value_is_no_news(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct agent *mover = agent_start(), *asker;

	(void)state;
	resizing_put(h, "key", "old");
	assert_int_equal(sfshm_close(h), 0);
	agent_expect(mover, "ok", "arm publish_written 1 STOP");
	agent_say(mover, "resize %s slots=200", segment);
	agent_stopped(mover);
	asker = agent_start();
	agent_expect(asker, "cached old", "get key");
	watch_end();
	agent_say(asker, "begin key refresh forever");
	await_waiters("key", 1);
	agent_signal(mover, SIGCONT);
	agent_answers(asker, "leader");
	agent_expect(asker, "ok", "publish new");
	agent_answers(mover, "ok");
	agent_end_all();
	resizing_settled();
}

/* Who has waited for a move that came to nothing has waited there, too. */
static void vain_move_is_waited_out(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct agent *mover = agent_start(), *leader = agent_start(), *asker;

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	agent_expect(mover, "leader", "begin key forever");
	agent_expect(mover, "ok", "publish-bytes 1000 7");
	/* Keeps the old segment in use. */
	agent_expect(leader, "leader", "begin other");
	agent_expect(mover, "ok", "arm slot_busy 1 STOP");
	/* Where there is no room for it. */
	agent_say(mover, "resize %s slots=200 bytes=256 max=256", segment);
	agent_stopped(mover);
	asker = agent_start();
	watch_end();
	agent_say(asker, "begin key forever");
	await_waiters("key", 1);
	agent_signal(mover, SIGCONT);
	agent_answers(asker, "awaited bytes 1000 7");
	agent_expect(leader, "ok", "release");
	agent_answers(mover, "ok");
	agent_end_all();
	resizing_settled();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(changed_before_the_switch),
		in_segment(changed_after_the_switch),
		in_segment(moved_value_is_no_news),
		in_segment(vain_move_is_waited_out),
	};

	return test_main(tests);
}
