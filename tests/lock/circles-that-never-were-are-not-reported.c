/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L3: a caller that follows the waits while they change does not put a
 * circle together out of waits from different times.
 *
 * The test makes the other thread's record unreadable, so the caller faults
 * when it looks at that record. By then the caller has seen that thread hold
 * its lock, and the handler of the fault changes the waits.
 */
#include <signal.h>
#include <sys/mman.h>

#include <sfshm/lock.h>

#include "agent.h"
#include "peer/wait.h"
#include "sync/deadlock.h"
#include "top/handle.h"
#include "watch.h"

#define PAGE 4096u
/* So that the last one's record is on another page than the test's. */
#define AGENTS 7

static struct scene {
	struct peer *self;
	struct shm_participant *record; /* the other one's */
	uint32_t mine, its;             /* slots of two locks */
	bool lets_go;                   /* of its lock, when it is looked at */
	int faults;
} scene;

static void *page_of(const void *at)
{
	return (void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));
}

/* It lets go of its lock, and then waits for the test's. */
static void change_the_world(int signal)
{
	struct shm_slot *its = &scene.self->map->slots[scene.its];

	(void)signal;
	scene.faults++;
	mprotect(page_of(scene.record), PAGE, PROT_READ | PROT_WRITE);
	if (scene.lets_go)
		store_seq(&its->ctl, ctl_with(its->ctl, PHASE_IDLE, 0));
	wait_note(scene.record, scene.mine);
}

static bool look(bool lets_go)
{
	const struct sigaction change = { .sa_handler = change_the_world };
	struct shm_slot *its = &scene.self->map->slots[scene.its];
	uint64_t ctl = load_seq(&its->ctl);
	struct sigaction before;
	bool found;

	scene.lets_go = lets_go;
	scene.faults = 0;
	sigaction(SIGSEGV, &change, &before);
	mprotect(page_of(scene.record), PAGE, PROT_NONE);
	found = deadlock_would_be(scene.self, scene.self->map, scene.its);
	sigaction(SIGSEGV, &before, NULL);
	assert_int_equal(scene.faults, 1);
	store_seq(&its->ctl, ctl);
	wait_unnote(scene.record);
	return found;
}

static uint32_t slot_of(const char *key)
{
	struct sfshm_slot_info info;

	assert_true(watch_key(key, &info));
	return info.index;
}

static void by_who_looks_meanwhile(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_slot_info info;
	struct sfshm_lock lock;
	struct agent *a = NULL;

	(void)state;
	assert_int_equal(sfshm_lock(h, "mine", 4, NULL, &lock), 0);
	assert_int_equal(handle_enter(h, &scene.self), 0);
	for (int i = 0; i < AGENTS; i++) {
		a = agent_start();
		agent_expect(a, "-ENODATA", "get nothing");
	}
	agent_expect(a, "locked", "lock its");
	scene.mine = slot_of("mine");
	scene.its = slot_of("its");
	assert_true(watch_key("its", &info));
	scene.record = participant_at(scene.self->map, info.owner - 1);
	assert_ptr_not_equal(page_of(scene.record),
			     page_of(scene.self->record));
	/* It waits for the test's lock while it holds its own: a circle. */
	assert_true(look(false));
	/* It does the one after the other: none. */
	assert_false(look(true));
	agent_expect(a, "ok", "unlock its");
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_who_looks_meanwhile),
	};

	return test_main(tests);
}
