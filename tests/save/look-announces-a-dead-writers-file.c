/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C11: sfshm_save_get() announces the file that a dead writer had put
 * in place, once it has compared the bytes. It waits for nobody, and its own
 * death leaves the file to the next caller.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};
static const struct sfshm_save_options brief = {
	.size = sizeof(brief),
	.ttl_ms = 60000,
};

static int look(struct sfshm *h, struct sfshm_save_info *info)
{
	*info = (struct sfshm_save_info)SFSHM_SAVE_INFO_INIT;
	sleeps_note();
	return sfshm_save_get(h, "key", 3, info);
}

static void announced_after(int point)
{
	struct sfshm_save_info info;
	struct sfshm_save save;
	struct sfshm *h;

	saving_halted(point, SIGKILL, &keep);
	h = segment_open(NULL);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	assert_int_equal(sleeps.count, 0);
	assert_true(info.adopted);
	assert_true(info.owner_died);
	assert_int_equal(info.stage, SFSHM_SAVE_ANNOUNCED);
	assert_string_equal(info.path, saving_path("file"));
	assert_int_equal(watch_counter("saves_adopted"), 1);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	assert_false(info.adopted);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, &info);
	assert_int_equal(watch_counter("saves"), 0);
	assert_int_equal(watch_counter("saves_adopted"), 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void linked(void **state)
{
	(void)state;
	announced_after(KILL_AT_save_linked);
}

static void and_noted(void **state)
{
	(void)state;
	announced_after(KILL_AT_save_told);
}

static void over_an_older_record(void **state)
{
	const struct sfshm_save_options again = {
		.size = sizeof(again),
		.flags = SFSHM_SAVE_AGAIN,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info;

	(void)state;
	assert_int_equal(saving_save(h, "key", "older", &keep), 0);
	saving_halted(KILL_AT_save_told, SIGKILL, &again);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	assert_true(info.adopted);
	assert_int_equal(info.bytes, strlen("some text"));
	assert_int_equal(sfshm_close(h), 0);
}

static void nothing_found(struct sfshm *h)
{
	struct sfshm_save_info info;

	assert_int_equal(look(h, &info), -ENODATA);
	assert_int_equal(info.stage, SFSHM_SAVE_NONE);
	assert_int_equal(watch_counter("saves_adopted"), 0);
	/* The next writer still learns of the death. */
	assert_int_equal(saving_save(h, "key", "new text", &keep), 0);
	assert_string_equal(saving_text(), "new text");
	assert_int_equal(watch_counter("saves_died"), 1);
	assert_int_equal(sfshm_close(h), 0);
}

static void not_before_the_link(void **state)
{
	(void)state;
	saving_halted(KILL_AT_save_linking, SIGKILL, &keep);
	nothing_found(segment_open(NULL));
}

static void not_if_it_was_changed(void **state)
{
	int fd;

	(void)state;
	saving_halted(KILL_AT_save_told, SIGKILL, &keep);
	fd = open(saving_path("file"), O_WRONLY);
	assert_int_equal(pwrite(fd, "SOME", 4, 0), 4);
	close(fd);
	nothing_found(segment_open(NULL));
}

static void only_within_its_lifetime(void **state)
{
	struct sfshm_save_info info;
	struct sfshm *h;

	(void)state;
	saving_halted(KILL_AT_save_told, SIGKILL, &brief);
	h = segment_open(NULL);
	clock_advance(40000);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	/* The lifetime counts from the link. */
	clock_advance(40000);
	assert_int_equal(look(h, &info), -ENODATA);
	assert_int_equal(sfshm_close(h), 0);
}

static void look_and_halt(int signal, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save_info info;

	(void)arg;
	killpoint_arm(KILL_AT_publish_written, 1, signal);
	demand(look(h, &info) == SFSHM_CACHED);
	demand(sfshm_close(h) == 0);
}

static int second_halted(int signal)
{
	int pid, status;

	saving_halted(KILL_AT_save_told, SIGKILL, &keep);
	pid = child_start(look_and_halt, signal, NULL);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	return pid;
}

/* Three parties: who announces the dead writer's file dies as well. */
static void second_death(void **state)
{
	struct sfshm_save_info info;
	struct sfshm *h;

	(void)state;
	second_halted(SIGKILL);
	h = segment_open(NULL);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	assert_true(info.adopted);
	assert_int_equal(watch_counter("saves_adopted"), 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Three parties: who announces it stops, and holds nobody up for long. */
static void second_stop(void **state)
{
	struct sfshm_save_info info;
	struct sfshm_save save;
	struct sfshm *h;
	int pid;

	(void)state;
	pid = second_halted(SIGSTOP);
	h = segment_open(NULL);
	assert_int_equal(look(h, &info), -ENODATA);
	assert_int_equal(info.stage, SFSHM_SAVE_ANNOUNCED);
	clock_advance(2000);
	assert_int_equal(look(h, &info), SFSHM_CACHED);
	saving_begin(h, "key", &keep, SFSHM_AWAITED, &save, &info);
	assert_int_equal(saving_resume(pid), 0);
	assert_int_equal(watch_counter("saves"), 0);
	assert_int_equal(watch_counter("saves_adopted"), 1);
	assert_int_equal(watch_counter("steals"), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(linked),
		in_folder(and_noted),
		in_folder(over_an_older_record),
		in_folder(not_before_the_link),
		in_folder(not_if_it_was_changed),
		in_folder(only_within_its_lifetime),
		in_folder(second_death),
		in_folder(second_stop),
	};

	return test_main(tests);
}
