/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C11: a caller gets the file at the path that it names. A key whose
 * file is at another path is saved at this one, too.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static int begin_at(struct sfshm *h, const char *path, struct sfshm_save *save,
		    struct sfshm_save_info *info)
{
	*info = (struct sfshm_save_info)SFSHM_SAVE_INFO_INIT;
	return sfshm_save_begin(h, "key", 3, path, &keep, save, info);
}

static void save_at(struct sfshm *h, const char *path)
{
	struct sfshm_save_info info;
	struct sfshm_save save;

	demand(begin_at(h, path, &save, &info) == SFSHM_LEADER);
	saving_write(&save, "some text");
	demand(sfshm_save_publish(&save) == 0);
}

static void another_path(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info;
	struct sfshm_save save;

	(void)state;
	save_at(h, saving_path("file"));
	save_at(h, saving_path("other"));
	assert_int_equal(saving_entries(), 2);
	assert_int_equal(begin_at(h, saving_path("other"), &save, &info),
			 SFSHM_CACHED);
	assert_string_equal(info.path, saving_path("other"));
	assert_string_equal(saving_info(h, "key").path, saving_path("other"));
	assert_int_equal(watch_counter("saves_missing"), 1);
	assert_int_equal(sfshm_close(h), 0);
}

/* The path leads to the recorded file, whatever its text. */
static void by_another_name(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info;
	struct sfshm_save save;

	(void)state;
	assert_int_equal(mkdir(saving_path("folder"), 0700), 0);
	assert_int_equal(symlink("folder", saving_path("link")), 0);
	save_at(h, saving_path("folder/it"));
	assert_int_equal(begin_at(h, saving_path("link/it"), &save, &info),
			 SFSHM_CACHED);
	assert_string_equal(info.path, saving_path("link/it"));
	assert_int_equal(begin_at(h, saving_path("folder/../folder/it"), &save,
				  &info),
			 SFSHM_CACHED);
	assert_int_equal(sfshm_close(h), 0);
}

static void *save_elsewhere(void *handle)
{
	save_at(handle, saving_path("other"));
	return NULL;
}

/* Who waits for a writer at another path writes after that one. */
static void a_waiters(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info;
	struct sfshm_save save;
	pthread_t thread;

	(void)state;
	assert_int_equal(begin_at(h, saving_path("file"), &save, &info),
			 SFSHM_LEADER);
	assert_int_equal(pthread_create(&thread, NULL, save_elsewhere, h), 0);
	await_waiters("key", 1);
	assert_int_equal(sfshm_save_publish(&save), 0);
	pthread_join(thread, NULL);
	assert_int_equal(saving_entries(), 2);
	assert_int_equal(sfshm_close(h), 0);
}

static void a_dead_writers(void **state)
{
	struct sfshm *h;

	(void)state;
	saving_halted(KILL_AT_save_told, SIGKILL, &keep);
	h = segment_open(NULL);
	save_at(h, saving_path("other"));
	assert_int_equal(saving_entries(), 2);
	assert_int_equal(watch_counter("saves_adopted"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void a_slow_writers(void **state)
{
	const struct sfshm_save_options brief = {
		.size = sizeof(brief),
		.ttl_ms = SFSHM_FOREVER,
		.reserve_ms = 1000,
	};
	int pid = saving_halted(KILL_AT_save_told, SIGSTOP, &brief);
	struct sfshm *h = segment_open(NULL);

	(void)state;
	clock_advance(2000);
	save_at(h, saving_path("other"));
	assert_int_equal(saving_resume(pid), -ESTALE);
	assert_int_equal(saving_entries(), 2);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(another_path),   in_folder(by_another_name),
		in_folder(a_waiters),      in_folder(a_dead_writers),
		in_folder(a_slow_writers),
	};

	return test_main(tests);
}
