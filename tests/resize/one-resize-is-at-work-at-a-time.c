/* SPDX-License-Identifier: MIT */
/* A caller that resizes while another resize is at work disturbs nothing. */
#include <pthread.h>

#include "resizing.h"

static int second(struct resizing *z)
{
	int pid = resizing_start(z);

	assert_int_equal(child_gone(pid), 0);
	return z->outcome;
}

/* The first one waits for a flight; the second one comes. */
static void second_is_refused(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct resizing *first = resizing_make(200), *z = resizing_make(300);
	struct agent *leader = agent_start();
	int pid;

	(void)state;
	agent_expect(leader, "leader", "begin slow");
	pid = resizing_start(first);
	resizing_await(200);
	z->patience_ms = 50;
	assert_int_equal(second(z), -EBUSY);
	z->wish.size = 0;
	assert_int_equal(second(z), -EBUSY);
	agent_expect(leader, "ok", "publish done");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(first->outcome, 0);
	assert_int_equal(resizing_look().slots, 200);
	assert_string_equal(resizing_get(h, "slow"), "");
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();
}

/*
 * The first one is stopped when it has emptied the old segment; a second one
 * puts its own in place. What the first one then tidies up is not the second's.
 */
static void late_one_harms_nothing(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct resizing *first = resizing_make(200), *z = resizing_make(300);
	struct agent *leader = agent_start(), *fresh;
	int pid, late, status;

	(void)state;
	first->point = KILL_AT_resize_emptied;
	first->signal = SIGSTOP;
	pid = resizing_start(first);
	if (!eventually(waitpid(pid, &status, WNOHANG | WUNTRACED) == pid))
		fail_msg("the resize does not come to its kill point");
	agent_expect(leader, "leader", "begin slow");
	late = resizing_start(z);
	/* Refused, or at it: then it waits for the flight. */
	assert_true(eventually(z->outcome < 0 || resizing_look().slots == 300));
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(first->outcome, 0);
	fresh = agent_start();
	agent_expect(fresh, "-EBUSY", "begin slow try");
	agent_expect(leader, "ok", "publish done");
	assert_int_equal(child_gone(late), 0);
	assert_true(z->outcome == 0 || z->outcome == -EBUSY);
	agent_end_all();
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();
}

static void resize_again_and_again(int member, void *arg)
{
	const struct sfshm_options *small = arg;

	for (uint32_t i = 0; i < 20; i++) {
		struct sfshm_options wish = *small;
		int r;

		wish.size = sizeof(wish);
		wish.slots = 100 + i + 10 * (uint32_t)member;
		r = sfshm_resize(segment, &wish, sfshm_deadline_ms(PATIENCE_MS),
				 NULL, NULL);
		demand(r == 0 || r == -EBUSY || r == -EAGAIN);
	}
}

static void many_at_once(void **state)
{
	struct sfshm_options small = { .slots = 100, .bytes = 1 << 20 };
	struct sfshm *h = segment_open(&small);

	(void)state;
	resizing_put(h, "key", "value");
	assert_int_equal(sfshm_close(h), 0);
	crowd_run(PROCESSES, 4, resize_again_and_again, &small);
	assert_int_equal(resizing_finish(), 0);
	h = segment_open(NULL);
	assert_string_equal(resizing_get(h, "key"), "value");
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();
}

static void *resize_slowly(void *z)
{
	resizing_child(0, z);
	return NULL;
}

/* Another segment, while its parent's thread was at it. */
static void resize_another(int unused, void *name)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	struct sfshm *h;

	(void)unused;
	demand(sfshm_open(&h, name, &o) == 0 && sfshm_close(h) == 0);
	o.flags = 0;
	o.slots = 100;
	demand(sfshm_resize(name, &o, 0, NULL, NULL) == 0);
	demand(sfshm_unlink(name) == 0);
}

static void forked_child_is_at_none(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm *h = segment_open(&small);
	struct resizing *z = resizing_make(200);
	struct agent *leader = agent_start();
	pthread_t thread;
	char name[80];

	(void)state;
	agent_expect(leader, "leader", "begin slow");
	assert_int_equal(pthread_create(&thread, NULL, resize_slowly, z), 0);
	resizing_await(200);
	snprintf(name, sizeof(name), "%s-other", segment);
	assert_int_equal(child_gone(child_start(resize_another, 0, name)), 0);
	agent_expect(leader, "ok", "publish done");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(z->outcome, 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(second_is_refused),
		in_segment(late_one_harms_nothing),
		in_segment(many_at_once),
		in_segment(forked_child_is_at_none),
	};

	return test_main(tests);
}
