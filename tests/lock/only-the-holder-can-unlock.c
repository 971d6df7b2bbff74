/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L5: a hold knows its key; only the holder, the thread that took it,
 * can unlock it, and only once.
 */
#include <sys/wait.h>

#include <sfshm/lock.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

static void another_thread_is_refused(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key");
	/* One that is attached, and one that is not. */
	agent_expect(a, "@two locked", "@two lock other");
	agent_expect(a, "@two -EPERM", "@two unlock-of one key");
	agent_expect(a, "-EPERM", "unlock-of one key");
	agent_expect(a, "@two -EBUSY", "@two lock key try");
	agent_expect(a, "@one ok", "@one unlock key");
	agent_expect(a, "@one -ESTALE", "@one unlock key");
	/* Given back is given back, whoever has it now. */
	agent_expect(a, "@two locked", "@two lock key");
	agent_expect(a, "@one -ESTALE", "@one unlock key");
	agent_expect(a, "-EBUSY", "lock key try");
}

static void unlock_as_child(int unused, void *lock)
{
	char key[8];

	(void)unused;
	demand(sfshm_unlock(lock) == -ECHILD);
	demand(sfshm_lock_key(lock, key, sizeof(key)) == -ECHILD);
	demand(sfshm_unlock(lock) == -ECHILD);
}

static void a_child_holds_nothing(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(child_gone(child_start(unlock_as_child, 0, &lock)), 0);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void a_hold_knows_its_key(void **state)
{
	static const char name[] = "a key that has no room in its slot";
	struct sfshm_lock lock = SFSHM_LOCK_INIT;
	struct sfshm *h = segment_open(NULL);
	const int n = sizeof(name) - 1;
	char key[64] = "";

	(void)state;
	assert_int_equal(sfshm_lock_key(&lock, key, sizeof(key)), -ESTALE);
	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	assert_int_equal(sfshm_lock(h, name, (size_t)n, NULL, &lock), 0);
	assert_int_equal(sfshm_lock_key(&lock, key, sizeof(key)), n);
	assert_memory_equal(key, name, n);
	memset(key, 0, sizeof(key));
	assert_int_equal(sfshm_lock_key(&lock, key, 5), n);
	assert_string_equal(key, "a key");
	assert_int_equal(sfshm_lock_key(&lock, NULL, 0), n);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_lock_key(&lock, key, sizeof(key)), -ESTALE);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(another_thread_is_refused),
		in_segment(a_child_holds_nothing),
		in_segment(a_hold_knows_its_key),
	};

	return test_main(tests);
}
