/* SPDX-License-Identifier: MIT */
/*
 * A process saves, saves again, saves in place of a dead writer, and gives up,
 * and dies at each kill point of saves. After each death a fresh process saves
 * without having to sleep, the file is whole, and nothing else is left in the
 * folder or the segment.
 */
#include <signal.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "saving.h"
#include "sync/savefile.h"

#define PASSAGES 6

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};
static const struct sfshm_save_options again = {
	.size = sizeof(again),
	.flags = SFSHM_SAVE_AGAIN,
	.ttl_ms = SFSHM_FOREVER,
};

static int named, count;

static void write_and_die(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)unused;
	(void)arg;
	savefile_named_only = named;
	saving_begin(h, "key", &keep, SFSHM_LEADER, &save, NULL);
	kill(getpid(), SIGKILL);
}

/* Everything that passes a kill point of a save. */
static void go_through_everything(int point, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)arg;
	savefile_named_only = named;
	killpoint_arm((enum kill_point)point, count, SIGKILL);
	demand(saving_save(h, "key", "a dead one's", &keep) == 0);
	demand(saving_save(h, "key", "text", &again) == 0);
	saving_begin(h, "key", &again, SFSHM_LEADER, &save, NULL);
	demand(sfshm_save_abort(&save) == 0);
	saving_begin(h, "key", &again, SFSHM_LEADER, &save, NULL);
	demand(sfshm_save_fail(&save, -5, "no") == 0);
	demand(sfshm_close(h) == 0);
}

static void finish(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	savefile_named_only = named;
	sleeps_note();
	demand(saving_save(h, "key", "the last one's", &again) == 0);
	demand(!sleeps.count);
	demand(!strcmp(saving_text(), "the last one's"));
	demand(saving_entries() == 1);
	demand(sfshm_verify(h, NULL, NULL) == 0);
	demand(sfshm_close(h) == 0);
}

/* One death; false if the process was not killed. */
static bool die_once(int point)
{
	struct sfshm *h = segment_open(NULL);
	int status;

	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(child_gone(child_start(write_and_die, 0, NULL)),
			 SIGKILL);
	status = child_gone(child_start(go_through_everything, point, NULL));
	assert_true(status == 0 || status == SIGKILL);
	if (child_gone(child_start(finish, 0, NULL)))
		fail_msg("after a death at %s, passage %d",
			 killpoint_name((enum kill_point)point), count);
	assert_int_equal(sfshm_unlink(segment), 0);
	assert_int_equal(unlink(saving_path("file")), 0);
	return status == SIGKILL;
}

static int die_at(int point)
{
	for (count = 1; count <= PASSAGES; count++)
		if (!die_once(point))
			break;
	return count - 1;
}

static void after_each_death(void **state)
{
	int missed = 0;

	(void)state;
	for (int point = KILL_NOWHERE + 1; point < KILL_POINTS; point++) {
		const char *name = killpoint_name((enum kill_point)point);
		int deaths = 0;

		if (strncmp(name, "save_", 5) != 0)
			continue;
		for (named = 0; named < 2; named++)
			deaths += die_at(point);
		if (!deaths) {
			printf("# nothing passes %s\n", name);
			missed++;
		}
	}
	assert_int_equal(missed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(after_each_death),
	};

	return test_main(tests);
}
