/* SPDX-License-Identifier: MIT */
/*
 * A process dies after it has put a key on probation and before the ring has
 * the key's slot, or after it has taken entries out of the ring. The slots that
 * are on probation without an entry are evicted after a round or two, like any
 * others.
 */
#include <signal.h>
#include <sys/wait.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "watch.h"

#define SLOTS 512

static const struct sfshm_options shape = {
	.size = sizeof(shape),
	.slots = SLOTS,
	.bytes = 1 << 20,
};

static struct sfshm_result result = SFSHM_RESULT_INIT;

static void put(struct sfshm *h, const char *tag, int i)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_flight flight;
	char key[32];

	snprintf(key, sizeof(key), "%s-%d", tag, i);
	demand(sfshm_begin(h, key, strlen(key), &keep, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, "value", 5) == 0);
}

static bool there(struct sfshm *h, const char *tag, int i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s-%d", tag, i);
	return sfshm_get(h, key, strlen(key), &result) == SFSHM_CACHED;
}

static void fill(struct sfshm *h)
{
	for (int i = 0; i < SLOTS; i++)
		put(h, "old", i);
}

/* Puts new keys, until it dies at the kill point. */
static void put_and_die(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	const int *point = arg;

	(void)member;
	killpoint_arm((enum kill_point) * point, 3, SIGKILL);
	for (int i = 0; i < SLOTS; i++)
		put(h, "victim", i);
	demand(sfshm_close(h) == 0);
}

static void dies_at(enum kill_point point)
{
	int *told = shared_memory(sizeof(*told));
	struct sfshm *h = segment_open(&shape);
	int left = 0;

	fill(h);
	*told = (int)point;
	assert_int_equal(child_gone(child_start(put_and_die, 0, told)),
			 SIGKILL);
	assert_sound(h);
	/* Keys that are missed, so that each joins the others. */
	for (int n = 0; n < 8; n++)
		for (int i = 0; i < SLOTS; i++)
			if (!there(h, n / 2 % 2 ? "one" : "two", i))
				put(h, n / 2 % 2 ? "one" : "two", i);
	for (int i = 0; i < SLOTS; i++)
		left += there(h, "victim", i) || there(h, "old", i);
	printf("# %d of the keys from before are left\n", left);
	assert_in_range(left, 0, SLOTS / 16);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void inserter_dies(void **state)
{
	(void)state;
	dies_at(KILL_AT_probation_begun);
}

static void evictor_dies(void **state)
{
	(void)state;
	dies_at(KILL_AT_probation_taken);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(inserter_dies),
		in_segment(evictor_dies),
	};

	return test_main(tests);
}
