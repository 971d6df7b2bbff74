/* SPDX-License-Identifier: MIT */
/*
 * Every process that opens a segment made for huge pages maps it where they
 * can serve it, and so with its successor. It works as ever whether the kernel
 * has huge pages or not.
 */
#include <sfshm/resize.h>

#include "agent.h"
#include "forge.h"
#include "watch.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

/* Where this process has mapped the segment. */
static uintptr_t mapped_at(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t at = 0;
	char line[512];

	assert_non_null(maps);
	while (!at && fgets(line, sizeof(line), maps))
		if (strstr(line, segment) && !strstr(line, "deleted"))
			at = strtoul(line, NULL, 16);
	assert_int_equal(fclose(maps), 0);
	return at;
}

static void assert_huge(void)
{
	struct shm_header header;

	forge_read(0, &header, sizeof(header));
	assert_true(header.compatible & SHM_HUGE);
	assert_int_not_equal(mapped_at(), 0);
	assert_int_equal(mapped_at() % HUGE_PAGE, 0);
}

static void and_survive_a_resize(void **state)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_HUGE_PAGES,
		.slots = 16,
		.bytes = 5 << 20,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct agent *a;
	struct sfshm *h;

	(void)state;
	assert_int_equal(sfshm_open(&h, segment, &o), 0);
	assert_huge();
	a = agent_start();
	agent_expect(a, "leader", "begin key ttl=100000");
	agent_expect(a, "ok", "publish value");
	o.flags = 0;
	o.slots = 64;
	assert_int_equal(sfshm_resize(segment, &o, 0, NULL, NULL), 0);
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_memory_equal(result.value.data, "value", 5);
	assert_huge();
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(and_survive_a_resize),
	};

	return test_main(tests);
}
