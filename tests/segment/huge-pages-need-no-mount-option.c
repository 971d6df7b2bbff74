/* SPDX-License-Identifier: MIT */
/*
 * A segment made with the option has huge pages in an ordinary /dev/shm, also
 * for processes that open it later: its header and buckets from the start, the
 * rest as it fills.
 */
#include <sys/mman.h>

#include "crowd.h"
#include "testing.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE (UINT64_C(2) << 20)
#define KEYS 40000
#define BIG 3000
#define BIG_KEYS 1500

static const struct sfshm_options shape = {
	.size = sizeof(shape),
	.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE | SFSHM_HUGE_PAGES,
	.slots = 1 << 19,
	.bytes = 64 << 20,
};

/* Of this process's mapping of the segment, bytes by huge pages. */
static uint64_t mapped_huge(void)
{
	static const char field[] = "ShmemPmdMapped:";
	FILE *maps = fopen("/proc/self/smaps", "re");
	uint64_t bytes = 0;
	bool in_it = false;
	char line[512];

	demand(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (strchr(line, '/'))
			in_it = strstr(line, segment);
		else if (in_it && !strncmp(line, field, sizeof(field) - 1))
			bytes += strtoull(line + sizeof(field) - 1, NULL, 10) *
				 1024;
	}
	fclose(maps);
	return bytes;
}

static int key_of(char *key, int i)
{
	return snprintf(key, 24, "key %d", i);
}

static void fill(struct sfshm *h)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	static uint8_t data[BIG];
	char key[24];

	policy.ttl_ms = SFSHM_FOREVER;
	for (int i = 0; i < KEYS; i++) {
		size_t n = (size_t)key_of(key, i);
		size_t len = i < BIG_KEYS ? BIG : 8;

		demand(sfshm_begin(h, key, n, &policy, &flight, &result) ==
		       SFSHM_LEADER);
		value_fill(data, len, (unsigned int)i & 0x7f);
		demand(sfshm_publish(&flight, data, len) == 0);
	}
	sfshm_result_clear(&result);
}

static void read_all(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char key[24];

	for (int i = 0; i < KEYS; i++) {
		size_t n = (size_t)key_of(key, i);

		demand(sfshm_get(h, key, n, &result) == SFSHM_CACHED);
		demand(result.value.len == (i < BIG_KEYS ? BIG : 8));
		demand(value_seed(result.value.data, result.value.len) ==
		       (i & 0x7f));
	}
	sfshm_result_clear(&result);
}

static void attach(int least_huge_pages, void *arg)
{
	struct sfshm *h;

	(void)arg;
	demand(sfshm_open(&h, segment, NULL) == 0);
	if (least_huge_pages > 3)
		read_all(h);
	demand(mapped_huge() >= (uint64_t)least_huge_pages * HUGE_PAGE);
	demand(sfshm_close(h) == 0);
}

static void from_the_start(void **state)
{
	struct sfshm *h;

	(void)state;
	assert_int_equal(sfshm_open(&h, segment, &shape), 0);
	assert_int_equal(child_gone(child_start(attach, 1, NULL)), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* 40000 slots are 7.3 MiB, the large values 4.4 MiB. */
static void as_it_fills(void **state)
{
	struct sfshm *h;

	(void)state;
	assert_int_equal(sfshm_open(&h, segment, &shape), 0);
	fill(h);
	read_all(h);
	assert_in_range(mapped_huge(), 6 * HUGE_PAGE, UINT32_MAX);
	assert_int_equal(child_gone(child_start(attach, 6, NULL)), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Whether this kernel makes a huge page where no mount option offers any. */
static bool can_collapse(void)
{
	size_t size = 2 * HUGE_PAGE;
	int fd = memfd_create("probe", MFD_CLOEXEC);
	uint8_t *room, *at;
	bool can;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		return false;
	room = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	demand(room != MAP_FAILED);
	at = room + (-(uintptr_t)room & (HUGE_PAGE - 1));
	at = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		  0);
	demand(at != MAP_FAILED);
	at[0] = 1;
	can = !madvise(at, HUGE_PAGE, MADV_COLLAPSE);
	munmap(room, size + HUGE_PAGE);
	close(fd);
	return can;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(from_the_start),
		in_segment(as_it_fills),
	};

	if (!can_collapse())
		return skip_all("this kernel makes no huge page on demand");
	return test_main(tests);
}
