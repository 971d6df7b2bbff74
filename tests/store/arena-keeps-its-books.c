/* SPDX-License-Identifier: MIT */
/*
 * The test builds, fills, hands over and frees chains of value memory at
 * random, beside a model that knows what must be there. No granule is lost,
 * and none has two owners.
 */
#include <sys/uio.h>

#include "crowd.h"
#include "store/arena.h"
#include "testing.h"
#include "top/handle.h"

#define MEMBERS 4
#define CHAINS 32
#define STEPS (20000 / (SLOWNESS * 2))
#define MEMORY (256 << 10)

static const struct sfshm_options small = { .bytes = MEMORY };

/* What one member has: chains, as slots of numbers of its own would. */
struct shelf {
	struct peer *p;
	uint32_t first; /* of its slots */
	uint32_t anchor[CHAINS];
	uint32_t len[CHAINS];
	uint8_t data[MEMORY];
	uint64_t random;
};

static uint32_t draw(struct shelf *s, uint32_t below)
{
	s->random = s->random * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(s->random >> 33) % below;
}

static void check_chain(struct shelf *s, uint32_t i)
{
	if (!s->len[i]) {
		demand(s->anchor[i] == 0);
		return;
	}
	demand(arena_is_live(s->p->map, s->first + i, s->anchor[i]));
	memset(s->data, 0, s->len[i]);
	demand(arena_read(s->p->map, s->anchor[i], s->data, s->len[i]) == 0);
	demand(value_seed(s->data, s->len[i]) == (int)(i * 3 & 0x7f));
}

/* A chain's bytes in two pieces, so that a piece ends inside a granule. */
static void fill_chain(struct shelf *s, uint32_t ref, uint32_t i, uint32_t len)
{
	uint32_t cut = draw(s, len + 1);
	struct iovec iov[] = {
		{ s->data, cut },
		{ s->data + cut, len - cut },
	};

	value_fill(s->data, len, i * 3);
	demand(arena_write(s->p->map, ref, iov, 2) == 0);
}

static void change_chain(struct shelf *s, uint32_t i)
{
	uint32_t len = draw(s, draw(s, 4) ? 2000 : 60000) + 1, ref;
	int r;

	check_chain(s, i);
	arena_free(s->p, s->first + i, &s->anchor[i]);
	s->len[i] = 0;
	if (draw(s, 3) == 0)
		return;
	r = arena_build(s->p, granules_for(len), &ref);
	demand(r == 0 || r == -ENOSPC);
	if (r)
		return;
	fill_chain(s, ref, i, len);
	if (draw(s, 8) == 0) {
		/* As if the builder were dead: all of it comes back. */
		arena_sweep(s->p);
		return;
	}
	arena_hand_over(s->p, s->first + i, &s->anchor[i]);
	s->len[i] = len;
	check_chain(s, i);
}

static void keep_books(int member, void *arg)
{
	struct shelf *s = calloc(1, sizeof(*s));
	struct sfshm *h = segment_open(&small);

	(void)arg;
	demand(s && handle_enter(h, &s->p) == 0);
	s->first = (uint32_t)member * CHAINS;
	s->random = (uint64_t)member + 1;
	for (int i = 0; i < STEPS; i++)
		change_chain(s, draw(s, CHAINS));
	for (uint32_t i = 0; i < CHAINS; i++) {
		check_chain(s, i);
		arena_free(s->p, s->first + i, &s->anchor[i]);
	}
	free(s);
	demand(sfshm_close(h) == 0);
}

/* Nobody has anything: all of it can be had at once. */
static void assert_all_free(void)
{
	struct sfshm *h = segment_open(NULL);
	struct peer *p;
	uint32_t ref;

	assert_int_equal(handle_enter(h, &p), 0);
	for (uint32_t i = 0; i < p->map->geometry.granules; i++)
		assert_true(!granule_in_use(p->map, i) ||
			    !load_relaxed(&p->map->tags[i]));
	assert_int_equal(arena_build(p, MEMORY / SHM_GRANULE, &ref), 0);
	arena_sweep(p);
	assert_int_equal(arena_build(p, MEMORY / SHM_GRANULE + 1, &ref),
			 -ENOSPC);
	assert_int_equal(ref, 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_one(void **state)
{
	(void)state;
	keep_books(0, NULL);
	assert_all_free();
}

static void of_processes(void **state)
{
	(void)state;
	crowd_run(PROCESSES, MEMBERS, keep_books, NULL);
	assert_all_free();
}

static void of_threads(void **state)
{
	(void)state;
	crowd_run(THREADS, MEMBERS, keep_books, NULL);
	assert_all_free();
}

/* A broken chain is told, not followed. */
static void broken_chains_are_refused(void **state)
{
	struct sfshm *h = segment_open(&small);
	uint8_t data[1000];
	struct iovec iov = { data, sizeof(data) };
	uint32_t ref, anchor = 0;
	struct peer *p;

	(void)state;
	assert_int_equal(handle_enter(h, &p), 0);
	assert_int_equal(arena_build(p, 10, &ref), 0);
	/* Too short for 1000 bytes. */
	assert_int_equal(arena_write(p->map, ref, &iov, 1), -EBADMSG);
	arena_hand_over(p, 7, &anchor);
	assert_int_equal(arena_read(p->map, ref, data, sizeof(data)), -EBADMSG);
	assert_int_equal(arena_read(p->map, 0xfffffff, data, 1), -EBADMSG);
	assert_int_equal(arena_read(p->map, 0, data, 1), -EBADMSG);
	/* Another slot's reference to it does not count (ARENA-4). */
	assert_false(arena_is_live(p->map, 8, ref));
	iov.iov_len = 0;
	anchor = ref;
	arena_free(p, 8, &anchor);
	assert_int_equal(anchor, 0);
	assert_true(arena_is_live(p->map, 7, ref));
	anchor = ref;
	arena_free(p, 7, &anchor);
	assert_int_equal(sfshm_close(h), 0);
	assert_all_free();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_one),
		in_segment(of_processes),
		in_segment(of_threads),
		in_segment(broken_chains_are_refused),
	};

	return test_main(tests);
}
