/* SPDX-License-Identifier: MIT */
/*
 * Whatever a stray byte makes of a semaphore's slot, a caller that wants a
 * permit gets an answer in a bounded number of steps, and no call crashes.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include <sfshm/semaphore.h>

#include "crowd.h"
#include "segment/layout.h"
#include "store/ctl.h"
#include "testing.h"
#include "watch.h"

static struct shm_slot *slot; /* the semaphore's, as stray pointers have it */
static uint64_t *max;

static void take_one(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)unused;
	(void)arg;
	if (sfshm_acquire(h, "s", 1, NULL, &permit) == 0)
		(void)sfshm_permit_release(&permit);
	demand(sfshm_close(h) == 0);
}

static void try_one(int unused, void *arg)
{
	const struct sfshm_semaphore_options o = {
		.size = sizeof(o),
		.flags = SFSHM_SEMAPHORE_TRY,
	};
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)unused;
	(void)arg;
	if (sfshm_acquire(h, "s", 1, &o, &permit) == 0)
		(void)sfshm_permit_release(&permit);
	demand(sfshm_close(h) == 0);
}

/* The value is larger than a granule, so its head is in no slot. */
static uint64_t *head_at(uint8_t *granule, uint32_t permits)
{
	struct shm_semaphore *head = (struct shm_semaphore *)(void *)granule;

	return load_relaxed(&head->max) == permits ? &head->max : NULL;
}

static void make(void)
{
	const struct sfshm_options small = { .slots = 64, .bytes = 65536 };
	struct sfshm *h = segment_open(&small);
	struct sfshm_slot_info info;
	struct sfshm_permit permit;
	struct shm_geometry *g;
	struct shm_slot *slots;
	uint8_t *all;
	size_t size;
	int fd;

	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_true(watch_key("s", &info));
	fd = open(watch_path(), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	size = (size_t)lseek(fd, 0, SEEK_END);
	all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(all != MAP_FAILED);
	close(fd);
	g = &((struct shm_header *)(void *)all)->geometry;
	slots = (struct shm_slot *)(void *)(all + g->slots_at);
	slot = &slots[info.index];
	max = NULL;
	for (uint8_t *at = all + g->granules_at; at < all + size && !max;
	     at += SHM_GRANULE)
		max = head_at(at, info.permits_max);
	assert_int_equal(sfshm_close(h), 0);
}

/* That it is there, and that it is not. */
static void as_if_never_made(void **state)
{
	uint64_t ctl;

	(void)state;
	make();
	ctl = load_seq(&slot->ctl);
	assert_int_equal(ctl_phase(ctl), PHASE_DONE);
	store_seq(&slot->ctl, ctl_with(ctl, PHASE_IDLE, 0));
	assert_int_equal(child_gone(child_start(take_one, 0, NULL)), 0);
}

static void without_any_permits(void **state)
{
	(void)state;
	make();
	assert_non_null(max);
	store_seq(max, 0);
	assert_int_equal(child_gone(child_start(try_one, 0, NULL)), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_if_never_made),
		in_segment(without_any_permits),
	};

	return test_main(tests);
}
