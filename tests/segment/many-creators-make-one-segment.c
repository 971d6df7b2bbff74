/* SPDX-License-Identifier: MIT */
/* A hundred processes create a segment at once: they all get the same one. */
#include <sys/stat.h>

#include "crowd.h"
#include "testing.h"
#include "watch.h"

#define CREATORS 100
#define ROUNDS (UNDER_TSAN || UNDER_ASAN ? 1 : 5)

struct made {
	uint32_t leaders, exclusive;
	uint64_t inode[CREATORS];
};

/* Each would make another one: of other geometry. */
static void create_and_lead(int member, void *arg)
{
	const struct sfshm_options o = {
		.slots = 100 + (uint32_t)member,
		.participants = 2 * CREATORS,
	};
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(&o);
	struct sfshm_flight flight;
	struct made *made = arg;
	struct stat st;
	char path[256];

	demand(sfshm_path(segment, path, sizeof(path)) == 0);
	demand(stat(path, &st) == 0);
	made->inode[member] = st.st_ino;
	if (sfshm_begin(h, "key", 3, &keep, &flight, &result) == SFSHM_LEADER) {
		fetch_add_relaxed(&made->leaders, 1);
		demand(sfshm_publish(&flight, "value", 5) == 0);
	} else {
		demand(result.value.len == 5);
	}
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void create_in_a_crowd(enum crowd kind)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct made *made = shared_memory(sizeof(*made));

		crowd_run(kind, CREATORS, create_and_lead, made);
		assert_int_equal(made->leaders, 1);
		for (int i = 1; i < CREATORS; i++)
			assert_true(made->inode[i] == made->inode[0]);
		watch_end();
		assert_int_equal(sfshm_unlink(segment), 0);
		assert_int_equal(sfshm_unlink(segment), -ENOENT);
	}
}

static void processes(void **state)
{
	(void)state;
	create_in_a_crowd(PROCESSES);
}

static void threads(void **state)
{
	(void)state;
	create_in_a_crowd(THREADS);
}

static void create_alone(int member, void *arg)
{
	const struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
	};
	struct made *made = arg;
	struct sfshm *h = NULL;
	int r = sfshm_open(&h, segment, &o);

	(void)member;
	demand(r == 0 ? h != NULL : r == -EEXIST && !h);
	if (r == 0) {
		fetch_add_relaxed(&made->exclusive, 1);
		demand(sfshm_close(h) == 0);
	}
}

static void exclusively_one_of_them(void **state)
{
	struct made *made = shared_memory(sizeof(*made));

	(void)state;
	crowd_run(PROCESSES, CREATORS, create_alone, made);
	assert_int_equal(made->exclusive, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(processes),
		in_segment(threads),
		in_segment(exclusively_one_of_them),
	};

	return test_main(tests);
}
