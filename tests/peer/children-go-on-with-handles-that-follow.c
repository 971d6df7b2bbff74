/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P1: a forked child goes on with a handle that follows forks, whatever
 * has become of its user, its root and the segment's name. It attaches as any
 * process does: its death is noticed, and what the parent has stays the
 * parent's.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/semaphore.h>

#include "crowd.h"
#include "following.h"
#include "watch.h"

static const struct sfshm_policy at_once = {
	.size = sizeof(at_once),
	.flags = SFSHM_TRY,
};

static struct sfshm *handle; /* the parent's, which follows */

/* Leads the key and stays; says so in *led. */
static void lead_for_ever(uint32_t *led, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	demand(sfshm_begin(handle, key, strlen(key), NULL, &flight, &result) ==
	       SFSHM_LEADER);
	store_release(led, 1);
	for (;;)
		pause();
}

/* A child that leads "childs" is killed; this process replaces it at once. */
static void assert_replaced_when_killed(crowd_fn child)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint32_t *led = shared_memory(sizeof(*led));
	struct sfshm_flight flight;
	int pid = child_start(child, 0, led);

	assert_true(eventually(load_acquire(led)));
	assert_int_equal(sfshm_begin(handle, "childs", 6, &at_once, &flight,
				     &result),
			 -EBUSY);
	kill(pid, SIGKILL);
	assert_int_equal(child_gone(pid), SIGKILL);
	sleep_until_woken();
	assert_int_equal(sfshm_begin(handle, "childs", 6, NULL, &flight,
				     &result),
			 SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	sfshm_result_clear(&result);
}

static void use_and_fork_on(int depth, void *unused)
{
	char key[16];
	int status, pid;

	snprintf(key, sizeof(key), "child-%d", depth);
	demand(get(handle, "parents") == SFSHM_CACHED);
	put(handle, key);
	if (depth) {
		pid = fork();
		demand(pid >= 0);
		if (!pid) {
			use_and_fork_on(depth - 1, unused);
			_exit(0);
		}
		demand(waitpid(pid, &status, 0) == pid && status == 0);
	}
	demand(get(handle, key) == SFSHM_CACHED);
}

static void down_to_their_grandchildren(void **state)
{
	uint32_t attached, alive;

	(void)state;
	handle = open_following();
	put(handle, "parents");
	assert_int_equal(child_gone(child_start(use_and_fork_on, 3, NULL)), 0);
	assert_int_equal(get(handle, "child-0"), SFSHM_CACHED);
	watch_participants(&attached, &alive);
	assert_int_equal(alive, 1);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

static void lead_in_a_grandchild(int unused, void *led)
{
	int pid;

	(void)unused;
	put(handle, "between");
	pid = fork();
	demand(pid >= 0);
	if (!pid)
		lead_for_ever(led, "childs");
	demand(eventually(load_acquire((uint32_t *)led)));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	raise(SIGKILL);
}

static void lead(int unused, void *led)
{
	(void)unused;
	lead_for_ever(led, "childs");
}

static void and_their_deaths_are_noticed(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint32_t *led = shared_memory(sizeof(*led));
	struct sfshm_flight flight;
	int pid;

	(void)state;
	handle = open_following();
	put(handle, "parents");
	assert_replaced_when_killed(lead);
	assert_int_equal(sfshm_forget(handle, "childs", 6), 0);
	pid = child_start(lead_in_a_grandchild, 0, led);
	assert_int_equal(child_gone(pid), SIGKILL);
	assert_int_equal(sfshm_begin(handle, "childs", 6, NULL, &flight,
				     &result),
			 SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

static struct {
	struct sfshm_flight flight;
	struct sfshm_lock lock;
	struct sfshm_permit permit;
	struct sfshm_pin pin;
} parents;

static void touch_the_parents(int unused, void *unused_too)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct sfshm_lock lock = SFSHM_LOCK_INIT;

	(void)unused;
	(void)unused_too;
	put(handle, "childs");
	demand(sfshm_publish(&parents.flight, "no", 2) == -ECHILD);
	demand(sfshm_fail(&parents.flight, 5, "no") == -ECHILD);
	demand(sfshm_extend(&parents.flight, 1000) == -ECHILD);
	demand(sfshm_release(&parents.flight) == -ECHILD);
	demand(sfshm_unlock(&parents.lock) == -ECHILD);
	demand(sfshm_permit_release(&parents.permit) == -ECHILD);
	demand(sfshm_unpin(&parents.pin) == -EINVAL);
	demand(sfshm_begin(handle, "flight", 6, &at_once, &flight, &result) ==
	       -EBUSY);
	demand(sfshm_trylock(handle, "lock", 4, &lock) == -EBUSY);
	raise(SIGKILL);
}

static void what_the_parent_has_stays_the_parents(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct iovec iov;

	(void)state;
	handle = open_following();
	put(handle, "pinned");
	assert_int_equal(sfshm_begin(handle, "flight", 6, &keep,
				     &parents.flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_lock(handle, "lock", 4, NULL, &parents.lock), 0);
	assert_int_equal(
		sfshm_acquire(handle, "permit", 6, NULL, &parents.permit), 0);
	assert_int_equal(sfshm_pin(handle, "pinned", 6, &parents.pin, &result),
			 SFSHM_CACHED);
	assert_int_equal(child_gone(child_start(touch_the_parents, 0, NULL)),
			 SIGKILL);
	assert_int_equal(sfshm_pin_iov(&parents.pin, 0, &iov, 1), 1);
	assert_memory_equal(iov.iov_base, "pinned", 6);
	assert_int_equal(sfshm_unpin(&parents.pin), 0);
	assert_int_equal(sfshm_permit_release(&parents.permit), 0);
	assert_int_equal(sfshm_unlock(&parents.lock), 0);
	assert_int_equal(sfshm_publish(&parents.flight, "value", 5), 0);
	assert_int_equal(get(handle, "childs"), SFSHM_CACHED);
	assert_sound(handle);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(handle), 0);
}

static void use_once(int unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	demand(get(handle, "parents") == SFSHM_CACHED);
	put(handle, "childs");
}

static void though_the_segment_has_no_name(void **state)
{
	const struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_FOLLOW_FORK,
	};
	int fd = sfshm_memfd("follow", NULL);

	(void)state;
	assert_int_equal(sfshm_open_fd(&handle, fd, &o), 0);
	put(handle, "parents");
	assert_int_equal(child_gone(child_start(use_once, 0, NULL)), 0);
	assert_int_equal(get(handle, "childs"), SFSHM_CACHED);
	assert_int_equal(sfshm_close(handle), 0);
}

static char empty[64];

static void lock_itself_in(void)
{
	demand(!chroot(empty) && !chdir("/"));
	demand(!setgid(54321) && !setuid(54321));
}

static void use_from_outside(int unused, void *unused_too)
{
	lock_itself_in();
	use_once(unused, unused_too);
}

static void lead_from_outside(int unused, void *led)
{
	(void)unused;
	lock_itself_in();
	lead_for_ever(led, "childs");
}

static void whatever_their_user_and_root(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	snprintf(empty, sizeof(empty), "/tmp/sfshm-test-XXXXXX");
	assert_non_null(mkdtemp(empty));
	handle = open_following();
	put(handle, "parents");
	assert_int_equal(child_gone(child_start(use_from_outside, 0, NULL)), 0);
	assert_int_equal(sfshm_forget(handle, "childs", 6), 0);
	assert_replaced_when_killed(lead_from_outside);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
	rmdir(empty);
}

static void follow_on(int unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	demand(get(handle, "parents") == -ENODATA);
	demand(get(handle, "others") == SFSHM_CACHED);
	put(handle, "childs");
}

static void find_it_shut(int unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	demand(get(handle, "parents") == -ESHUTDOWN);
}

/* The parent has not looked at the file when it forks. */
static void into_the_segment_that_has_the_name(void **state)
{
	struct sfshm *h;

	(void)state;
	handle = open_following();
	put(handle, "parents");
	assert_int_equal(sfshm_unlink(segment), 0);
	assert_int_equal(child_gone(child_start(find_it_shut, 0, NULL)), 0);
	h = segment_open(NULL);
	put(h, "others");
	assert_int_equal(child_gone(child_start(follow_on, 0, NULL)), 0);
	assert_int_equal(get(h, "childs"), SFSHM_CACHED);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_close(handle), 0);
}

static uint32_t stop, hitting;

/*
 * Allocates memory for its first hit only. A child must not need a lock of the
 * allocator that a thread of the parent held: AddressSanitizer's allocator does
 * not release it.
 */
static void *hit(void *unused)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	demand(sfshm_get(handle, "parents", 7, &result) == SFSHM_CACHED);
	fetch_add_acq_rel(&hitting, 1);
	while (!load_acquire(&stop))
		demand(sfshm_get(handle, "parents", 7, &result) ==
		       SFSHM_CACHED);
	sfshm_result_clear(&result);
	return unused;
}

static void *use_in_a_thread(void *number)
{
	char key[32];

	demand(get(handle, "parents") == SFSHM_CACHED);
	snprintf(key, sizeof(key), "%d-%d", (int)getpid(),
		 (int)(intptr_t)number);
	put(handle, key);
	return NULL;
}

/* All threads of the child make its first call, at once. */
static void use_in_threads(int unused, void *unused_too)
{
	pthread_t threads[4];

	(void)unused;
	(void)unused_too;
	for (intptr_t i = 0; i < 4; i++)
		demand(!pthread_create(&threads[i], NULL, use_in_a_thread,
				       (void *)i));
	for (int i = 0; i < 4; i++)
		demand(!pthread_join(threads[i], NULL));
	demand(sfshm_close(handle) == 0);
}

static void while_threads_of_the_parent_are_inside(void **state)
{
	pthread_t threads[4];

	(void)state;
	handle = open_following();
	put(handle, "parents");
	store_release(&stop, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hit, NULL),
				 0);
	assert_true(eventually(load_acquire(&hitting) == 4));
	for (int i = 0; i < 40; i++)
		assert_int_equal(
			child_gone(child_start(use_in_threads, 0, NULL)), 0);
	store_release(&stop, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

/* libc takes such a child's thread for the parent's. */
static void but_not_where_libc_knows_of_no_fork(void **state)
{
	int pid;

	(void)state;
	handle = open_following();
	put(handle, "parents");
	pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	assert_true(pid >= 0);
	if (!pid)
		_exit(get(handle, "parents") == -ECHILD ? 0 : 1);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(get(handle, "parents"), SFSHM_CACHED);
	assert_int_equal(sfshm_close(handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(down_to_their_grandchildren),
		in_segment(and_their_deaths_are_noticed),
		in_segment(what_the_parent_has_stays_the_parents),
		in_segment(though_the_segment_has_no_name),
		in_segment(whatever_their_user_and_root),
		in_segment(into_the_segment_that_has_the_name),
		in_segment(while_threads_of_the_parent_are_inside),
		in_segment(but_not_where_libc_knows_of_no_fork),
	};

	return test_main(tests);
}
