/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C11: a writer that lives but is slow stops between its link and its
 * announcement until its reservation has run out. Callers get the file that is
 * in place, and the writer's announcement is as good as ever.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

#define LEASE_MS 600000

static const struct sfshm_save_options leased = {
	.size = sizeof(leased),
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = LEASE_MS,
};
static const struct sfshm_save_options leased_again = {
	.size = sizeof(leased_again),
	.flags = SFSHM_SAVE_AGAIN,
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = LEASE_MS,
};
static const struct sfshm_save_options leased_once = {
	.size = sizeof(leased_once),
	.reserve_ms = LEASE_MS,
};
static const struct sfshm_save_options leased_try = {
	.size = sizeof(leased_try),
	.flags = SFSHM_SAVE_TRY,
	.ttl_ms = SFSHM_FOREVER,
};

static ino_t inode(void)
{
	struct stat st;

	assert_int_equal(stat(saving_path("file"), &st), 0);
	return st.st_ino;
}

static void expect_the_slow_ones_file(struct sfshm *h, ino_t before)
{
	struct sfshm_save_info info = saving_info(h, "key");

	assert_int_equal(info.stage, SFSHM_SAVE_ANNOUNCED);
	assert_int_equal(info.bytes, strlen("some text"));
	assert_int_equal(inode(), before);
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(watch_counter("saves"), 1);
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(watch_counter("fenced"), 0);
	assert_sound(h);
}

static void stopped_at(int point)
{
	int pid = saving_halted(point, SIGSTOP, &leased);
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	ino_t before = inode();
	struct sfshm_save save;

	/* The reservation lasts: nobody has the file yet. */
	saving_begin(h, "key", &leased_try, -EBUSY, &save, NULL);
	assert_int_equal(sfshm_save_get(h, "key", 3, &info), -ENODATA);
	clock_advance(2 * LEASE_MS);
	saving_begin(h, "key", &leased_try, SFSHM_CACHED, &save, &info);
	saving_begin(h, "key", &leased, SFSHM_AWAITED, &save, &info);
	assert_int_equal(info.stage, SFSHM_SAVE_LINKED);
	assert_int_equal(info.bytes, strlen("some text"));
	assert_string_equal(info.path, saving_path("file"));
	assert_false(info.adopted);
	assert_int_equal(sfshm_save_get(h, "key", 3, &info), SFSHM_CACHED);
	assert_int_equal(info.stage, SFSHM_SAVE_LINKED);
	assert_false(info.adopted);
	assert_int_equal(saving_resume(pid), 0);
	expect_the_slow_ones_file(h, before);
	assert_int_equal(sfshm_close(h), 0);
}

static void before_it_notes_the_link(void **state)
{
	(void)state;
	stopped_at(KILL_AT_save_linked);
}

static void after_it_noted_the_link(void **state)
{
	(void)state;
	stopped_at(KILL_AT_save_told);
}

struct waiter {
	struct sfshm *handle;
	const struct sfshm_save_options *options;
	uint32_t done;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;
	struct sfshm_save save;

	saving_begin(w->handle, "key", w->options, SFSHM_AWAITED, &save, NULL);
	store_release(&w->done, 1);
	return NULL;
}

/* Callers that joined in time share the file, whatever they ask of a record. */
static void shared_with(const struct sfshm_save_options *o)
{
	int pid = saving_halted(KILL_AT_save_told, SIGSTOP, &leased_once);
	struct waiter w = { .handle = segment_open(NULL), .options = o };
	ino_t before = inode();
	pthread_t thread;

	clock_advance(0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &w), 0);
	await_waiters("key", 1);
	assert_false(load_acquire(&w.done));
	clock_advance(2 * LEASE_MS);
	pthread_join(thread, NULL);
	assert_int_equal(inode(), before);
	assert_int_equal(saving_resume(pid), 0);
	assert_int_equal(watch_counter("saves"), 1);
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(sfshm_close(w.handle), 0);
}

static void waiters_share_it(void **state)
{
	(void)state;
	shared_with(&leased_once);
}

static void also_those_who_want_another(void **state)
{
	(void)state;
	shared_with(&leased_again);
}

static void written_again(const struct sfshm_save_options *writer,
			  const struct sfshm_save_options *next)
{
	int pid = saving_halted(KILL_AT_save_told, SIGSTOP, writer);
	struct sfshm *h = segment_open(NULL);

	clock_advance(2 * LEASE_MS);
	assert_int_equal(saving_save(h, "key", "newer", next), 0);
	assert_int_equal(saving_resume(pid), -ESTALE);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(watch_counter("saves_expired"), 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Callers that come too late for it take the reservation. */
static void not_shared_with_later_ones(void **state)
{
	(void)state;
	written_again(&leased_once, &leased);
}

static void nor_with_those_who_want_another(void **state)
{
	(void)state;
	written_again(&leased, &leased_again);
}

/* The file is gone again, so nothing is in place. */
static void nor_without_the_file(void **state)
{
	int pid = saving_halted(KILL_AT_save_told, SIGSTOP, &leased);
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(unlink(saving_path("file")), 0);
	clock_advance(2 * LEASE_MS);
	assert_int_equal(saving_save(h, "key", "newer", &leased), 0);
	assert_int_equal(saving_resume(pid), -ESTALE);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(sfshm_close(h), 0);
}

/* Three parties: callers had the file of a slow writer, which then dies. */
static void the_slow_one_dies(void **state)
{
	int pid = saving_halted(KILL_AT_save_told, SIGSTOP, &leased);
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	ino_t before = inode();
	struct sfshm_save save;

	(void)state;
	clock_advance(2 * LEASE_MS);
	saving_begin(h, "key", &leased, SFSHM_AWAITED, &save, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_gone(pid);
	saving_begin(h, "key", &leased, SFSHM_CACHED, &save, &info);
	assert_true(info.adopted);
	assert_int_equal(inode(), before);
	assert_int_equal(watch_counter("steals"), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Leases do not count the time of a suspend, so the callers came in time. */
static void nor_does_an_earlier_suspend_make_callers_late(void **state)
{
	(void)state;
	clock_suspend(100 * LEASE_MS);
	shared_with(&leased_once);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(before_it_notes_the_link),
		in_folder(after_it_noted_the_link),
		in_folder(waiters_share_it),
		in_folder(also_those_who_want_another),
		in_folder(not_shared_with_later_ones),
		in_folder(nor_with_those_who_want_another),
		in_folder(nor_without_the_file),
		in_folder(the_slow_one_dies),
		in_folder(nor_does_an_earlier_suspend_make_callers_late),
	};

	return test_main(tests);
}
