/* SPDX-License-Identifier: MIT */
/*
 * A herd asks for keys while the segment is replaced again and again. One
 * caller makes each key for all, and nobody leads beside a leader.
 */
#include "resizing.h"

#define KEYS 400
#define HERD 24

struct ledger {
	uint32_t runs[KEYS];
	uint32_t leading[KEYS];
	uint32_t under_way, resizes; /* is one; how many there were */
	uint32_t done;
};

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static void lead(struct sfshm_flight *flight, int key, const char *value,
		 struct ledger *l)
{
	demand(fetch_add_acq_rel(&l->leading[key], 1) == 0);
	fetch_add_relaxed(&l->runs[key], 1);
	/* Some lead until others wait, and the segment is being replaced. */
	if (key % 10 == 0)
		demand(eventually(sfshm_flight_waiters(flight) &&
				  load_acquire(&l->under_way)));
	fetch_sub_acq_rel(&l->leading[key], 1);
	demand(sfshm_publish(flight, value, strlen(value)) == 0);
}

static void ask(struct sfshm *h, int key, struct ledger *l,
		struct sfshm_result *result)
{
	struct sfshm_flight flight;
	char name[32], value[64];
	int r;

	snprintf(name, sizeof(name), "key-%d", key);
	snprintf(value, sizeof(value), "the value of key %d", key);
	r = sfshm_begin(h, name, strlen(name), &keep, &flight, result);
	if (r == SFSHM_LEADER) {
		lead(&flight, key, value, l);
		return;
	}
	if (r < 0)
		fprintf(stderr, "%s: %s\n", name, sfshm_strerror(r));
	demand(r == SFSHM_CACHED || r == SFSHM_AWAITED);
	demand(result->value.len == strlen(value));
	demand(!memcmp(result->value.data, value, strlen(value)));
}

static void resize_until_done(struct ledger *l)
{
	uint32_t n = 0;

	while (load_acquire(&l->done) < HERD || n < 2) {
		struct sfshm_options wish = { .size = sizeof(wish) };

		wish.slots = KEYS * 2 + 50 * (n++ % 4);
		store_release(&l->under_way, 1);
		demand(sfshm_resize(segment, &wish,
				    sfshm_deadline_ms(PATIENCE_MS), NULL,
				    NULL) == 0);
		store_release(&l->under_way, 0);
		fetch_add_relaxed(&l->resizes, 1);
	}
}

/* Half of the herd goes backwards, so that everybody leads somewhere. */
static void herd_member(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct ledger *l = arg;
	struct sfshm *h;

	if (member == HERD) {
		resize_until_done(l);
		return;
	}
	h = segment_open(NULL);
	for (int i = 0; i < KEYS; i++)
		ask(h, member % 2 ? KEYS - 1 - i : i, l, &result);
	fetch_add_acq_rel(&l->done, 1);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void ask_in_a_herd(enum crowd kind)
{
	const struct sfshm_options small = { .slots = KEYS * 2 };
	struct ledger *l = shared_memory(sizeof(*l));

	assert_int_equal(sfshm_close(segment_open(&small)), 0);
	crowd_run(kind, HERD + 1, herd_member, l);
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(l->runs[i], 1);
	printf("# %u resizes meanwhile\n", l->resizes);
	assert_true(l->resizes > 1);
	resizing_settled();
}

static void of_processes(void **state)
{
	(void)state;
	ask_in_a_herd(PROCESSES);
}

static void of_threads(void **state)
{
	(void)state;
	ask_in_a_herd(THREADS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes),
		in_segment(of_threads),
	};

	return test_main(tests);
}
