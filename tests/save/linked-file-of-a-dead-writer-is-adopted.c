/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S6, PROMISE-C13: a writer that dies between the link and the
 * announcement has its file checked, by length and checksum, and announced, not
 * written anew.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static void save_and_die(int point, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)arg;
	killpoint_arm((enum kill_point)point, 1, SIGKILL);
	(void)!saving_save(h, "key", "some text", &keep);
}

static struct sfshm *after_death_at(int point)
{
	assert_int_equal(child_gone(child_start(save_and_die, point, NULL)),
			 SIGKILL);
	return segment_open(NULL);
}

static ino_t inode(void)
{
	struct stat st;

	assert_int_equal(stat(saving_path("file"), &st), 0);
	return st.st_ino;
}

static void adopted_after(int point)
{
	struct sfshm *h = after_death_at(point);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm_save save;
	ino_t before = inode();

	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, &info);
	assert_true(info.adopted);
	assert_true(info.owner_died);
	assert_int_equal(info.bytes, strlen("some text"));
	assert_string_equal(info.path, saving_path("file"));
	assert_string_equal(saving_text(), "some text");
	assert_int_equal(inode(), before);
	assert_int_equal(watch_counter("saves_adopted"), 1);
	assert_int_equal(watch_counter("saves"), 0);
	/* From now on it is like any other. */
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, &info);
	assert_false(info.adopted);
	assert_int_equal(saving_entries(), 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void linked(void **state)
{
	(void)state;
	adopted_after(KILL_AT_save_linked);
}

static void and_noted(void **state)
{
	(void)state;
	adopted_after(KILL_AT_save_told);
}

/* Some bytes are others than the dead one wrote. */
static void not_if_it_was_changed(void **state)
{
	struct sfshm *h = after_death_at(KILL_AT_save_linked);
	int fd = open(saving_path("file"), O_WRONLY);

	(void)state;
	assert_int_equal(pwrite(fd, "SOME", 4, 0), 4);
	close(fd);
	assert_int_equal(saving_save(h, "key", "new text", &keep), 0);
	assert_string_equal(saving_text(), "new text");
	assert_int_equal(watch_counter("saves_adopted"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void not_if_it_was_cut(void **state)
{
	struct sfshm *h = after_death_at(KILL_AT_save_linked);

	(void)state;
	assert_int_equal(truncate(saving_path("file"), 4), 0);
	assert_int_equal(saving_save(h, "key", "new text", &keep), 0);
	assert_string_equal(saving_text(), "new text");
	assert_int_equal(watch_counter("saves_adopted"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* A file that is older than what the caller would take. */
static void not_if_it_is_too_old(void **state)
{
	struct sfshm *h = after_death_at(KILL_AT_save_linked);
	struct sfshm_save_options brief = keep;

	(void)state;
	brief.ttl_ms = 1000;
	clock_advance(2000);
	assert_int_equal(saving_save(h, "key", "new text", &brief), 0);
	assert_string_equal(saving_text(), "new text");
	assert_int_equal(sfshm_close(h), 0);
}

/* But any file is young enough for a caller that would take it for ever. */
static void however_old_it_is(void **state)
{
	struct sfshm *h = after_death_at(KILL_AT_save_linked);
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm_save_options forever = keep;
	struct sfshm_save save;

	(void)state;
	forever.ttl_ms = SFSHM_FOREVER;
	clock_advance(UINT64_C(60) * 24 * 3600 * 1000);
	saving_begin(h, "key", &forever, SFSHM_CACHED, &save, &info);
	assert_string_equal(saving_text(), "some text");
	assert_int_equal(sfshm_close(h), 0);
}

static void not_before_the_link(void **state)
{
	struct sfshm *h = after_death_at(KILL_AT_save_linking);

	(void)state;
	assert_string_equal(saving_text(), "");
	assert_int_equal(saving_save(h, "key", "new text", &keep), 0);
	assert_string_equal(saving_text(), "new text");
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(linked),
		in_folder(and_noted),
		in_folder(not_if_it_was_changed),
		in_folder(not_if_it_was_cut),
		in_folder(not_if_it_is_too_old),
		in_folder(however_old_it_is),
		in_folder(not_before_the_link),
	};

	return test_main(tests);
}
