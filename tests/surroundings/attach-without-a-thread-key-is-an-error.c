/* SPDX-License-Identifier: MIT */
/*
 * If the library cannot notice a thread's end, it does not attach the thread,
 * which would stay attached for ever. The call answers an error, and the next
 * call tries again.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <urcu/urcu-bp.h>

#include "crowd.h"
#include "testing.h"
#include "watch.h"

static uint32_t deny_values;

/* In front of the C library's own. */
__attribute__((visibility("default"))) int
pthread_setspecific(pthread_key_t key, const void *pointer)
{
	__typeof__(&pthread_setspecific) real =
		(__typeof__(real))dlsym(RTLD_NEXT, "pthread_setspecific");

	return load_relaxed(&deny_values) ? ENOMEM : real(key, pointer);
}

static int ask(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	return sfshm_get(h, "key", 3, &result);
}

static void *ask_in_a_thread(void *h)
{
	demand(ask(h) == -ENODATA);
	return NULL;
}

static uint32_t attached(void)
{
	uint32_t n, alive;

	watch_participants(&n, &alive);
	return n;
}

/* The next call attaches, and the thread's end detaches. */
static void then_it_goes_well(struct sfshm *h)
{
	pthread_t thread;

	demand(ask(h) == -ENODATA);
	demand(attached() == 1);
	demand(!pthread_create(&thread, NULL, ask_in_a_thread, h));
	demand(!pthread_join(thread, NULL));
	demand(attached() == 1);
	demand(sfshm_close(h) == 0);
}

/* In a process that has not used the library before. */
static void use_up_the_keys(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	pthread_key_t key, last = 0;
	int n = 0;

	(void)unused;
	(void)arg;
	for (; !pthread_key_create(&key, NULL); n++)
		last = key;
	demand(n > 0);
	demand(ask(h) == -ENOMEM);
	demand(ask(h) == -ENOMEM);
	demand(attached() == 0);
	demand(!pthread_key_delete(last));
	then_it_goes_well(h);
}

static void as_all_keys_are_in_use(void **state)
{
	(void)state;
	assert_int_equal(child_gone(child_start(use_up_the_keys, 0, NULL)), 0);
}

static void deny_the_value(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	/* liburcu has values of its own, and ends the process without them. */
	urcu_bp_register_thread();
	store_relaxed(&deny_values, 1);
	demand(ask(h) == -ENOMEM);
	demand(attached() == 0);
	store_relaxed(&deny_values, 0);
	then_it_goes_well(h);
}

static void as_there_is_no_room_for_its_value(void **state)
{
	(void)state;
	assert_int_equal(child_gone(child_start(deny_the_value, 0, NULL)), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(as_all_keys_are_in_use),
		in_segment(as_there_is_no_room_for_its_value),
	};

	return test_main(tests);
}
