/* SPDX-License-Identifier: MIT */
/* PROMISE-L1: among threads and processes a key has one holder at a time. */
#include <sfshm/lock.h>

#include "crowd.h"
#include "testing.h"

#define MEMBERS 6
#define KEYS 3
#define TURNS (2000 / SLOWNESS)
/* Two who do nothing else meet in each other's steps. */
#define HOT_MEMBERS 2
#define HOT_TURNS (4000000 / SLOWNESS / SLOWNESS / SLOWNESS)

static const char long_key[] = "a key that has no room in its slot, so long";
static const char *const keys[KEYS] = { "k", "another one", long_key };

struct board {
	struct sfshm *handle; /* threads share it */
	struct {
		uint32_t inside;
		uint64_t turns; /* not atomic: the lock's business */
	} key[KEYS];
};

static void take_turns(int member, void *arg)
{
	struct board *b = arg;
	struct sfshm *h = b->handle ? b->handle : segment_open(NULL);
	struct sfshm_lock lock;

	for (int i = 0; i < TURNS; i++) {
		int k = (member + i) % KEYS;

		demand(sfshm_lock(h, keys[k], strlen(keys[k]), NULL, &lock) ==
		       0);
		demand(fetch_add_acq_rel(&b->key[k].inside, 1) == 0);
		store_relaxed(&b->key[k].turns,
			      load_relaxed(&b->key[k].turns) + 1);
		demand(fetch_sub_acq_rel(&b->key[k].inside, 1) == 1);
		demand(sfshm_unlock(&lock) == 0);
	}
	if (!b->handle)
		demand(sfshm_close(h) == 0);
}

static void hammer(int member, void *arg)
{
	struct board *b = arg;
	struct sfshm_lock lock;

	(void)member;
	for (int i = 0; i < HOT_TURNS; i++) {
		demand(sfshm_lock(b->handle, "hot", 3, NULL, &lock) == 0);
		b->key[0].turns++;
		demand(sfshm_unlock(&lock) == 0);
	}
}

static void at_every_step(void **state)
{
	struct board *b = shared_memory(sizeof(*b));

	(void)state;
	b->handle = segment_open(NULL);
	crowd_run(THREADS, HOT_MEMBERS, hammer, b);
	assert_int_equal(b->key[0].turns, HOT_MEMBERS * HOT_TURNS);
	assert_int_equal(sfshm_close(b->handle), 0);
}

static void count_turns(struct board *b)
{
	struct sfshm *h = segment_open(NULL);
	uint64_t turns = 0;

	for (int k = 0; k < KEYS; k++)
		turns += b->key[k].turns;
	assert_int_equal(turns, MEMBERS * TURNS);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void among_threads(void **state)
{
	struct board *b = shared_memory(sizeof(*b));

	(void)state;
	b->handle = segment_open(NULL);
	crowd_run(THREADS, MEMBERS, take_turns, b);
	assert_int_equal(sfshm_close(b->handle), 0);
	count_turns(b);
}

static void among_processes(void **state)
{
	struct board *b = shared_memory(sizeof(*b));

	(void)state;
	crowd_run(PROCESSES, MEMBERS, take_turns, b);
	count_turns(b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(among_threads),
		in_segment(among_processes),
		in_segment(at_every_step),
	};

	return test_main(tests);
}
