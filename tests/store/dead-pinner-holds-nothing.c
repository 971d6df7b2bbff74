/* SPDX-License-Identifier: MIT */
/*
 * Pins end with the thread that holds them, however it ends. Their memory is
 * used again at once, and no granule of it is lost.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/pin.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "watch.h"

#define VALUE 3000
#define KEYS 10
#define ALL (64 << 10)

static const struct sfshm_options small = {
	.size = sizeof(small),
	.slots = 16,
	.bytes = ALL,
	.max_value = ALL,
};

struct pinner {
	uint32_t pinned;
	int point;
};

static void put(struct sfshm *h, const char *key, size_t len, unsigned int seed)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint8_t data[ALL];

	value_fill(data, len, seed);
	demand(sfshm_begin(h, key, strlen(key), &policy, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, data, len) == 0);
	sfshm_result_clear(&result);
}

static void put_all(struct sfshm *h, unsigned int seed)
{
	char key[16];

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		put(h, key, VALUE, seed);
	}
}

static void pin_all(struct sfshm *h, struct sfshm_pin *pins)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char key[16];

	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		demand(sfshm_pin(h, key, strlen(key), &pins[i], &result) ==
		       SFSHM_CACHED);
	}
	sfshm_result_clear(&result);
}

/* One value gets all memory: what was pinned is nobody's. */
static void all_is_free(struct sfshm *h)
{
	assert_sound(h);
	put(h, "large", ALL, 3);
	assert_int_equal(watch_phase("large"), SFSHM_PHASE_DONE);
	assert_sound(h);
}

/* Pins everything, and waits to be killed. */
static void pin_and_stay(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_pin pins[KEYS];
	struct pinner *p = arg;

	(void)member;
	pin_all(h, pins);
	store_release(&p->pinned, 1);
	for (;;)
		pause();
}

static int pinner_start(struct pinner *p)
{
	int pid = child_start(pin_and_stay, 0, p);

	assert_true(eventually(load_acquire(&p->pinned)));
	return pid;
}

static void pinner_kill(int pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(child_gone(pid), SIGKILL);
}

/* What it pinned is still the keys' value when it dies. */
static void of_current_values(void **state)
{
	struct pinner *p = shared_memory(sizeof(*p));
	struct sfshm *h = segment_open(&small);

	(void)state;
	put_all(h, 1);
	pinner_kill(pinner_start(p));
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* What it pinned is nobody's but its own when it dies. */
static void of_orphans(void **state)
{
	struct pinner *p = shared_memory(sizeof(*p));
	struct sfshm *h = segment_open(&small);
	int pid;

	(void)state;
	put_all(h, 1);
	pid = pinner_start(p);
	assert_int_equal(sfshm_purge(h), KEYS);
	put(h, "half", ALL / 2, 3);
	assert_sound(h);
	pinner_kill(pid);
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Two hold the same, and die one after the other. */
static void of_two(void **state)
{
	struct pinner *p = shared_memory(2 * sizeof(*p));
	struct sfshm *h = segment_open(&small);
	int pid[2];

	(void)state;
	put_all(h, 1);
	pid[0] = pinner_start(&p[0]);
	pid[1] = pinner_start(&p[1]);
	put_all(h, 2);
	assert_sound(h);
	pinner_kill(pid[0]);
	assert_sound(h);
	pinner_kill(pid[1]);
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void *pin_and_end(void *arg)
{
	struct sfshm_pin pins[KEYS];

	pin_all(arg, pins);
	return NULL;
}

static void of_a_thread(void **state)
{
	struct sfshm *h = segment_open(&small);
	pthread_t thread;

	(void)state;
	put_all(h, 1);
	assert_int_equal(pthread_create(&thread, NULL, pin_and_end, h), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_a_handle_that_is_closed(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin pins[KEYS];

	(void)state;
	put_all(h, 1);
	pin_all(h, pins);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unpin(&pins[0]), -EINVAL);
	h = segment_open(NULL);
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void not_inherited(int member, void *arg)
{
	struct sfshm_pin *pins = arg;
	struct iovec iov;

	(void)member;
	demand(sfshm_unpin(&pins[0]) == -EINVAL);
	demand(sfshm_pin_iov(&pins[0], 0, &iov, 1) == -EINVAL);
}

static void of_a_forked_child(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin pins[KEYS];
	struct iovec iov;

	(void)state;
	put_all(h, 1);
	pin_all(h, pins);
	assert_int_equal(child_gone(child_start(not_inherited, 0, pins)), 0);
	assert_int_equal(sfshm_pin_iov(&pins[0], 0, &iov, 1), 1);
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(sfshm_unpin(&pins[i]), 0);
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Pins, sees the values replaced, gives the pins back: dies on the way. */
static void pin_until_death(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_pin pins[KEYS];
	struct pinner *p = arg;

	killpoint_arm((enum kill_point)p->point, member, SIGKILL);
	pin_all(h, pins);
	put_all(h, 2);
	put_all(h, 3);
	for (int i = 0; i < KEYS; i++)
		demand(sfshm_unpin(&pins[i]) == 0);
	demand(sfshm_close(h) == 0);
}

/*
 * Another pinner of the same may be there or not: whoever is last frees it.
 * The dead one's death is first met by who wants memory.
 */
static void die_at(int point, int count, bool another)
{
	struct pinner *p = shared_memory(2 * sizeof(*p));
	struct sfshm *h = segment_open(&small);
	int pid = 0;

	put_all(h, 1);
	p->point = point;
	if (another)
		pid = pinner_start(&p[1]);
	assert_int_equal(child_gone(child_start(pin_until_death, count, p)),
			 SIGKILL);
	if (another) {
		assert_sound(h);
		pinner_kill(pid);
	}
	all_is_free(h);
	assert_int_equal(sfshm_close(h), 0);
	watch_end();
	assert_int_equal(sfshm_unlink(segment), 0);
}

static void at_any_kill_point(void **state)
{
	static const enum kill_point points[] = {
		KILL_AT_pin_noted,
		KILL_AT_pin_dropped,
		KILL_AT_pin_orphaned,
		KILL_AT_pin_settled,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		for (int count = 1; count <= KEYS; count += 3) {
			die_at(points[i], count, false);
			die_at(points[i], count, true);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_current_values),
		in_segment(of_orphans),
		in_segment(of_two),
		in_segment(of_a_thread),
		in_segment(of_a_handle_that_is_closed),
		in_segment(of_a_forked_child),
		in_segment(at_any_kill_point),
	};

	return test_main(tests);
}
