/* SPDX-License-Identifier: MIT */
/*
 * A process forks while another thread of it is inside its first call,
 * wherever that is. The child can use the whole library, and forks in its
 * turn.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/resize.h>

#include "crowd.h"
#include "testing.h"

/*
 * These functions stand in front of the C library's, whose parameters have
 * reserved names.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
 */
#define SEEN __attribute__((visibility("default")))

enum place {
	NOWHERE,
	MAKING_THE_PAGE,
	REGISTERING,
	REGISTERED,
	MAKING_A_PATTERN,
	MAKING_A_KEY,
	PLACES,
};

static uint32_t armed; /* the place at which to stop, once */
static uint32_t stopped, go_on;

static void pass(enum place place)
{
	if (!cas_acq_rel(&armed, (uint32_t)place, NOWHERE))
		return;
	store_release(&stopped, 1);
	demand(eventually(load_acquire(&go_on)));
}

SEEN int madvise(void *at, size_t len, int advice)
{
	if (advice == MADV_WIPEONFORK)
		pass(MAKING_THE_PAGE);
	return (int)syscall(SYS_madvise, at, len, advice);
}

extern void *__dso_handle;
int __register_atfork(void (*before)(void), void (*parent)(void),
		      void (*child)(void), void *dso);

SEEN int pthread_atfork(void (*before)(void), void (*parent)(void),
			void (*child)(void))
{
	int r;

	if (before)
		pass(REGISTERING);
	r = __register_atfork(before, parent, child, __dso_handle);
	if (before)
		pass(REGISTERED);
	return r;
}

/* The C library's own. */
#define NEXT(function) ((__typeof__(&(function)))dlsym(RTLD_NEXT, #function))

SEEN int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robustness)
{
	pass(MAKING_A_PATTERN);
	return NEXT(pthread_mutexattr_setrobust)(attr, robustness);
}

SEEN int pthread_key_create(pthread_key_t *key, void (*end)(void *))
{
	int r = NEXT(pthread_key_create)(key, end);

	pass(MAKING_A_KEY);
	return r;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* A fork waits for a thread that opens, but for none that makes a memfd. */
static void use(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int fd = sfshm_memfd("first", NULL);
	struct sfshm *h;

	demand(fd >= 0);
	close(fd);
	h = segment_open(NULL);
	demand(sfshm_begin(h, "key", 3, NULL, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, "value", 5) == 0);
	demand(sfshm_close(h) == 0);
	sfshm_result_clear(&result);
}

static void *use_in_a_thread(void *unused)
{
	use();
	return unused;
}

/* Is it bound to end? A hang ends the test by its patience. */
static void fork_and(void (*then)(void))
{
	int status, pid = fork();

	demand(pid >= 0);
	if (pid == 0) {
		then();
		_exit(0);
	}
	demand(eventually(waitpid(pid, &status, WNOHANG) == pid));
	demand(status == 0);
}

static void use_and_fork(void)
{
	use();
	fork_and(use);
	use();
}

/* In a process that has not used the library before. */
static void fork_beside_a_first_call(int place, void *unused)
{
	pthread_t thread;

	(void)unused;
	store_release(&armed, (uint32_t)place);
	demand(!pthread_create(&thread, NULL, use_in_a_thread, NULL));
	demand(eventually(load_acquire(&stopped)));
	fork_and(use_and_fork);
	store_release(&go_on, 1);
	demand(!pthread_join(thread, NULL));
	use_and_fork();
}

/* Nothing of the library's is called in this process. */
static int name_segment(void **state)
{
	(void)state;
	snprintf(segment, sizeof(segment), "test-%d-first", (int)getpid());
	return 0;
}

static void wherever_it_is(void **state)
{
	(void)state;
	for (int i = NOWHERE + 1; i < PLACES; i++)
		assert_int_equal(child_gone(child_start(
					 fork_beside_a_first_call, i, NULL)),
				 0);
}

static char other[80];

/* Nobody resizes in this process. */
static void resize_another(void)
{
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 200 };

	demand(sfshm_resize(other, &wish, 0, NULL, NULL) == 0);
}

static void fork_once(uint64_t moved, uint64_t left, void *forked)
{
	(void)moved;
	(void)left;
	if (cas_relaxed((uint32_t *)forked, 0, 1))
		fork_and(resize_another);
}

static void a_resize_is_the_parents_alone(void **state)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	struct sfshm_options wish = { .size = sizeof(wish), .slots = 200 };
	struct sfshm *h = segment_open(NULL), *h2;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint32_t forked = 0;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	snprintf(other, sizeof(other), "%s-2", segment);
	assert_int_equal(sfshm_open(&h2, other, &o), 0);
	assert_int_equal(sfshm_resize(segment, &wish, 0, fork_once, &forked),
			 0);
	assert_int_equal(forked, 1);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_close(h2), 0);
	assert_int_equal(sfshm_unlink(other), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wherever_it_is, name_segment,
						segment_teardown),
		in_segment(a_resize_is_the_parents_alone),
	};

	return test_main(tests);
}
