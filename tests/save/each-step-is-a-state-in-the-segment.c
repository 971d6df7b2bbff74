/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S4: a save is reserved, written, linked, announced; others see how
 * far it has come, and the file only when it is whole.
 */
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/semaphore.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "saving.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

/* Saves, and stops where it is told. */
static void save_and_stop(int point, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)arg;
	killpoint_arm((enum kill_point)point, 1, SIGSTOP);
	demand(saving_save(h, "key", "some text", &keep) == 0);
	demand(sfshm_close(h) == 0);
}

static int start_and_stop(int point)
{
	int pid = child_start(save_and_stop, point, NULL), status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void go_on(int pid)
{
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(child_gone(pid), 0);
}

static void expect(int point, enum sfshm_save_stage stage, const char *text)
{
	int pid = start_and_stop(point);
	struct sfshm *h = segment_open(NULL);

	assert_int_equal(saving_info(h, "key").stage, stage);
	assert_string_equal(saving_text(), text);
	go_on(pid);
	assert_int_equal(saving_info(h, "key").stage, SFSHM_SAVE_ANNOUNCED);
	assert_int_equal(saving_info(h, "key").bytes, strlen("some text"));
	assert_int_equal(sfshm_close(h), 0);
}

static void reserved(void **state)
{
	(void)state;
	expect(KILL_AT_save_noted, SFSHM_SAVE_RESERVED, "");
}

static void writing(void **state)
{
	(void)state;
	expect(KILL_AT_save_opened, SFSHM_SAVE_WRITING, "");
}

static void linking(void **state)
{
	(void)state;
	expect(KILL_AT_save_linking, SFSHM_SAVE_LINKING, "");
}

static void linked(void **state)
{
	(void)state;
	expect(KILL_AT_save_told, SFSHM_SAVE_LINKED, "some text");
}

static void with_a_permit(void **state)
{
	const struct sfshm_save_options o = {
		.size = sizeof(o),
		.semaphore = "writers",
		.semaphore_len = 7,
	};
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	saving_begin(h, "key", &o, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_semaphore_info(h, "writers", 7, &info), 0);
	assert_int_equal(info.in_use, 1);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(sfshm_semaphore_info(h, "writers", 7, &info), 0);
	assert_int_equal(info.in_use, 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void nobody(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(saving_info(h, "key").stage, SFSHM_SAVE_NONE);
	assert_int_equal(saving_save(h, "key", "x", NULL), 0);
	assert_int_equal(saving_info(h, "key").stage, SFSHM_SAVE_NONE);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(nobody),  in_folder(reserved),
		in_folder(writing), in_folder(linking),
		in_folder(linked),  in_folder(with_a_permit),
	};

	return test_main(tests);
}
