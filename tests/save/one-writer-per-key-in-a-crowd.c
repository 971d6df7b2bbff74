/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S5: of many processes that come at once one writes the file; all
 * find it whole, and nobody writes it a second time.
 */
#include "crowd.h"
#include "saving.h"
#include "watch.h"

#define MEMBERS 16
#define ROUNDS (10 / SLOWNESS)

struct shared {
	uint32_t writers, writing;
};

static void save(int member, void *arg)
{
	struct sfshm_save_options o = {
		.size = sizeof(o),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm *h = segment_open(NULL);
	struct shared *s = arg;
	struct sfshm_save grip;
	int r = sfshm_save_begin(h, "key", 3, saving_path("file"), &o, &grip,
				 &info);

	(void)member;
	demand(r >= 0);
	if (r == SFSHM_LEADER) {
		demand(__atomic_fetch_add(&s->writing, 1, __ATOMIC_SEQ_CST) ==
		       0);
		__atomic_fetch_add(&s->writers, 1, __ATOMIC_SEQ_CST);
		saving_write(&grip, "some text");
		__atomic_fetch_sub(&s->writing, 1, __ATOMIC_SEQ_CST);
		demand(sfshm_save_publish(&grip) == 0);
	}
	demand(!strcmp(saving_text(), "some text"));
	demand(sfshm_close(h) == 0);
}

static void one(void **state)
{
	struct shared *s = shared_memory(sizeof(*s));

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		s->writers = 0;
		crowd_run(PROCESSES, MEMBERS, save, s);
		assert_int_equal(s->writers, 1);
		assert_int_equal(watch_counter("saves_present"), MEMBERS - 1);
		assert_int_equal(saving_entries(), 1);
		watch_end();
		assert_int_equal(sfshm_unlink(segment), 0);
		assert_int_equal(unlink(saving_path("file")), 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(one),
	};

	return test_main(tests);
}
