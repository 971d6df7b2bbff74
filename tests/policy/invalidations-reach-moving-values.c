/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R9, PROMISE-C19: a value that is invalidated, forgotten or purged, or
 * whose tag is invalidated, while a resize is just moving it is so in the
 * successor as well, however far the resizer has come.
 */
#include <sfshm/tag.h>

#include "../resize/resizing.h"
#include "policy.h"

enum how { SOFT, HARD, SOFT_ALL, HARD_ALL, TAG, FORGET, PURGE };

static int end_it(enum how how)
{
	switch (how) {
	case SOFT: return sfshm_invalidate(h, "key", 3, 0);
	case HARD: return sfshm_invalidate(h, "key", 3, SFSHM_HARD);
	case SOFT_ALL: return sfshm_invalidate_all(h, 0);
	case HARD_ALL: return sfshm_invalidate_all(h, SFSHM_HARD);
	case TAG: return sfshm_invalidate_tag(h, "tag", 3);
	case FORGET: return sfshm_forget(h, "key", 3);
	case PURGE: return sfshm_purge(h);
	}
	return -EINVAL;
}

/* The mover stands at `point`; the value is ended; the mover goes on. */
static void end_at(enum kill_point point, enum how how)
{
	struct resizing *z = resizing_make(200);
	int pid, status, r;

	(void)!sfshm_forget(h, "key", 3);
	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	if (how == TAG)
		assert_int_equal(sfshm_flight_tag(&flight, "tag", 3), 0);
	assert_int_equal(publish("old"), 0);
	z->point = point;
	z->signal = SIGSTOP;
	pid = resizing_start(z);
	if (!eventually(waitpid(pid, &status, WNOHANG | WUNTRACED) == pid))
		fail_msg("the resize does not come to its kill point");
	assert_true(WIFSTOPPED(status));
	r = end_it(how);
	if (r < 0)
		fail_msg("point %d, way %d: %d", (int)point, (int)how, r);
	kill(pid, SIGCONT);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(publish("new"), 0);
	assert_sound(h);
}

static void before_it_has_begun(void **state)
{
	(void)state;
	for (enum how how = SOFT; how <= PURGE; how++)
		end_at(KILL_AT_resize_moved, how);
}

/* A flight is under way there, but for forgetting it is in the way. */
static void while_it_is_copied(void **state)
{
	(void)state;
	for (enum how how = SOFT; how <= PURGE; how++)
		if (how != FORGET)
			end_at(KILL_AT_publish_written, how);
}

static void while_it_is_in_both(void **state)
{
	(void)state;
	for (enum how how = SOFT; how <= PURGE; how++)
		end_at(KILL_AT_publish_flipped, how);
}

static void while_it_leaves_the_old_one(void **state)
{
	(void)state;
	for (enum how how = SOFT; how <= PURGE; how++)
		end_at(KILL_AT_retire_decided, how);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(before_it_has_begun),
		in_policy(while_it_is_copied),
		in_policy(while_it_is_in_both),
		in_policy(while_it_leaves_the_old_one),
	};

	return test_main(tests);
}
