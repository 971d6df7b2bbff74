/* SPDX-License-Identifier: MIT */
/*
 * A reader that is stopped in the middle of a look-up keeps memory from being
 * used again for a moment only: others expel it, and it learns of that. Nobody
 * waits for a dead reader at all.
 */
#include <signal.h>
#include <sys/wait.h>

#include "crowd.h"
#include "store/epoch.h"
#include "testing.h"
#include "top/handle.h"
#include "watch.h"

static const struct sfshm_options tiny = { .slots = 8, .bytes = 64 << 10 };

/* Each new key needs a slot that another one has left. */
static void turn_slots_over(struct sfshm *h, int n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	static const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};

	for (int i = 0; i < n; i++) {
		char key[16];
		int len = snprintf(key, sizeof(key), "%d", i);

		demand(sfshm_begin(h, key, (size_t)len, &keep, &flight,
				   &result) == SFSHM_LEADER);
		demand(sfshm_publish(&flight, key, (size_t)len) == 0);
	}
	sfshm_result_clear(&result);
}

static struct peer *enter_section(struct sfshm *h)
{
	struct peer *p;

	demand(handle_enter(h, &p) == 0);
	epoch_enter(p);
	demand(!epoch_expelled(p));
	return p;
}

static void stop_inside(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(&tiny);
	struct peer *p = enter_section(h);

	(void)unused;
	(void)arg;
	raise(SIGSTOP);
	demand(epoch_expelled(p));
	epoch_leave(p);
	/* It goes on like everybody. */
	demand(sfshm_get(h, "99", 2, &result) == SFSHM_CACHED);
	turn_slots_over(h, 20);
	epoch_enter(p);
	demand(!epoch_expelled(p));
	epoch_leave(p);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void stopped_one_is_expelled(void **state)
{
	int pid = child_start(stop_inside, 0, NULL), status;
	struct sfshm *h;

	(void)state;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	h = segment_open(NULL);
	turn_slots_over(h, 100);
	assert_int_equal(watch_counter("expelled"), 1);
	assert_true(watch_counter("epochs") > 20);
	kill(pid, SIGCONT);
	assert_int_equal(child_gone(pid), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void die_inside(int unused, void *arg)
{
	(void)unused;
	(void)arg;
	enter_section(segment_open(&tiny));
	raise(SIGKILL);
}

static void dead_one_is_not_waited_for(void **state)
{
	struct sfshm *h;

	(void)state;
	assert_int_equal(child_gone(child_start(die_inside, 0, NULL)), SIGKILL);
	h = segment_open(NULL);
	turn_slots_over(h, 100);
	assert_int_equal(watch_counter("expelled"), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* The epoch does not pass a reader that is inside and well. */
static void epoch_waits_for_the_others(void **state)
{
	struct sfshm *h = segment_open(&tiny);
	struct peer *p = enter_section(h);
	uint64_t entered = load_acquire(&p->map->header->epoch);

	(void)state;
	/* It may leave the epoch it was entered in, and no further. */
	store_relaxed(&p->map->header->epoch_since, UINT64_MAX);
	for (int i = 0; i < 10; i++)
		(void)epoch_advance(p);
	assert_in_range(load_acquire(&p->map->header->epoch), entered,
			entered + 1);
	assert_false(epoch_passed(p->map, entered));
	epoch_leave(p);
	assert_true(epoch_advance(p) && epoch_advance(p));
	assert_true(epoch_passed(p->map, entered));
	assert_int_equal(sfshm_close(h), 0);
}

struct section {
	struct sfshm *h;
	uint32_t inside, leave;
};

static void stay(struct section *s)
{
	struct peer *p = enter_section(s->h);

	store_release(&s->inside, 1);
	demand(eventually(load_acquire(&s->leave)));
	demand(epoch_expelled(p));
	epoch_leave(p);
}

static void turn_over(struct section *s)
{
	demand(eventually(load_acquire(&s->inside)));
	turn_slots_over(s->h, 50);
	store_release(&s->leave, 1);
}

static void stay_or_turn_over(int member, void *arg)
{
	if (member)
		turn_over(arg);
	else
		stay(arg);
}

static void threads_too(void **state)
{
	struct section s = { .h = segment_open(&tiny) };

	(void)state;
	crowd_run(THREADS, 2, stay_or_turn_over, &s);
	assert_int_equal(watch_counter("expelled"), 1);
	assert_int_equal(sfshm_close(s.h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(stopped_one_is_expelled),
		in_segment(dead_one_is_not_waited_for),
		in_segment(epoch_waits_for_the_others),
		in_segment(threads_too),
	};

	return test_main(tests);
}
