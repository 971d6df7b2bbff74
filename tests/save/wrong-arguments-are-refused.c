/* SPDX-License-Identifier: MIT */
/* A call with wrong arguments answers an error and changes nothing. */
#include <pthread.h>
#include <sys/stat.h>

#include "crowd.h"
#include "saving.h"

static int begin_at(struct sfshm *h, const char *path)
{
	struct sfshm_save save;

	return sfshm_save_begin(h, "key", 3, path, NULL, &save, NULL);
}

static void by_begin(void **state)
{
	struct sfshm_save_options o = SFSHM_SAVE_OPTIONS_INIT;
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	char path[SFSHM_SAVE_PATH_MAX + 2] = "/";
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	memset(path + 1, 'x', SFSHM_SAVE_PATH_MAX);
	assert_int_equal(begin_at(h, NULL), -EINVAL);
	assert_int_equal(begin_at(h, ""), -EINVAL);
	assert_int_equal(begin_at(h, "/tmp/"), -EINVAL);
	assert_int_equal(begin_at(h, "/tmp/.."), -EINVAL);
	assert_int_equal(begin_at(h, path), -ENAMETOOLONG);
	assert_int_equal(begin_at(h, saving_path("none/file")), -ENOENT);
	assert_int_equal(begin_at(NULL, "/tmp/file"), -EBADF);
	assert_int_equal(sfshm_save_begin(h, "key", 0, "/tmp/x", NULL, &save,
					  NULL),
			 -EINVAL);
	o.flags = 64;
	assert_int_equal(sfshm_save_begin(h, "key", 3, "/tmp/x", &o, &save,
					  NULL),
			 -EINVAL);
	o.flags = 0;
	o.size--;
	assert_int_equal(sfshm_save_begin(h, "key", 3, "/tmp/x", &o, &save,
					  NULL),
			 -EINVAL);
	info.size = 0;
	assert_int_equal(sfshm_save_get(h, "key", 3, &info), -EINVAL);
	assert_int_equal(sfshm_save_get(h, "key", 3, NULL), -EINVAL);
	/* Nobody has the key after all that. */
	assert_int_equal(saving_save(h, "key", "text", NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* What stands at the path is not for a file to replace. */
static void by_publish(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	assert_int_equal(mkdir(saving_path("file"), 0700), 0);
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_publish(&save), -EISDIR);
	assert_int_equal(sfshm_save_abort(&save), 0);
	assert_int_equal(saving_entries(), 1);
	/* It may be tried again. */
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_publish(&save), -EISDIR);
	assert_int_equal(rmdir(saving_path("file")), 0);
	saving_write(&save, "text");
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_string_equal(saving_text(), "text");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(sfshm_close(h), 0);
}

static void *end_it(void *save)
{
	demand(sfshm_save_publish(save) == -EPERM);
	demand(sfshm_save_abort(save) == -EPERM);
	demand(sfshm_save_fail(save, -1, NULL) == -EPERM);
	return NULL;
}

static void in_another_thread(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;
	pthread_t thread;

	(void)state;
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	assert_int_equal(pthread_create(&thread, NULL, end_it, &save), 0);
	pthread_join(thread, NULL);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void end_as_child(int unused, void *save)
{
	(void)unused;
	demand(sfshm_save_publish(save) == -ECHILD);
	demand(sfshm_save_abort(save) == -ECHILD);
}

static void in_a_forked_child(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	saving_begin(h, "key", NULL, SFSHM_LEADER, &save, NULL);
	assert_int_equal(child_gone(child_start(end_as_child, 0, &save)), 0);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void where_nobody_leads(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save = SFSHM_SAVE_INIT;

	(void)state;
	assert_int_equal(sfshm_save_publish(&save), -ESTALE);
	assert_int_equal(sfshm_save_abort(&save), -ESTALE);
	assert_int_equal(sfshm_save_fd(&save), -EBADF);
	assert_int_equal(sfshm_save_publish(NULL), -EINVAL);
	sfshm_save_cleanup(&save);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(by_begin),           in_folder(by_publish),
		in_folder(in_another_thread),  in_folder(in_a_forked_child),
		in_folder(where_nobody_leads),
	};

	return test_main(tests);
}
