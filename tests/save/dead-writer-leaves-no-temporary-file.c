/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S6: a writer that dies before the link leaves nothing: either its
 * temporary file never had a name, or the next writer removes it. The same
 * holds for a writer whose flight was stolen and that then died.
 */
#include <signal.h>
#include <sys/wait.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "saving.h"
#include "sync/savefile.h"
#include "watch.h"

static const struct sfshm_save_options brief = {
	.size = sizeof(brief),
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = 20,
};
static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static const struct sfshm_save_options brief_again = {
	.size = sizeof(brief_again),
	.flags = SFSHM_SAVE_AGAIN,
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = 20,
};

static void die_in_the_middle(int named, void *options)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	savefile_named_only = named;
	saving_begin(h, "key", options, SFSHM_LEADER, &save, NULL);
	saving_write(&save, "half of the te");
	kill(getpid(), SIGKILL);
}

static void die_and_save(int named)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	struct sfshm_save_options o = keep;
	struct sfshm_save save;
	struct sfshm *h;

	assert_int_equal(child_gone(child_start(die_in_the_middle, named, &o)),
			 SIGKILL);
	assert_int_equal(saving_entries(), named);
	h = segment_open(NULL);
	/* Its own is without a name: what has one is the dead one's. */
	saving_begin(h, "key", &keep, SFSHM_LEADER, &save, &info);
	assert_true(info.owner_died);
	assert_int_equal(saving_entries(), 0);
	saving_write(&save, "the whole text");
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_string_equal(saving_text(), "the whole text");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(watch_counter("saves_died"), 1);
	assert_int_equal(sfshm_close(h), 0);
}

static void unnamed(void **state)
{
	(void)state;
	die_and_save(0);
}

static void named(void **state)
{
	(void)state;
	die_and_save(1);
}

/* The slot that tells of it is not the key's any more. */
static void die_after_the_theft(int unused, void *told)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)unused;
	savefile_named_only = true;
	saving_begin(h, "key", &brief, SFSHM_LEADER, &save, NULL);
	store_release((uint32_t *)told, 1);
	for (;;)
		pause();
}

static void stolen_from(void **state)
{
	uint32_t *told = shared_memory(sizeof(*told));
	int pid = child_start(die_after_the_theft, 0, told);
	struct sfshm_save save;
	struct sfshm *h;

	(void)state;
	assert_true(eventually(load_acquire(told) == 1));
	h = segment_open(NULL);
	savefile_named_only = true;
	saving_begin(h, "key", &brief, SFSHM_LEADER, &save, NULL);
	savefile_named_only = false;
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_gone(pid);
	assert_int_equal(saving_entries(), 1);
	saving_write(&save, "text");
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(sfshm_close(h), 0);
}

/* Between its link and its rename a file has a name of its own. */
static void die_passing(int unused, void *arg)
{
	const struct sfshm_save_options again = {
		.size = sizeof(again),
		.flags = SFSHM_SAVE_AGAIN,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	demand(saving_save(h, "key", "old", &keep) == 0);
	killpoint_arm(KILL_AT_save_passing, 1, SIGKILL);
	(void)!saving_save(h, "key", "new", &again);
}

static void with_a_passing_name(void **state)
{
	const struct sfshm_save_options again = {
		.size = sizeof(again),
		.flags = SFSHM_SAVE_AGAIN,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h;

	(void)state;
	assert_int_equal(child_gone(child_start(die_passing, 0, NULL)),
			 SIGKILL);
	assert_int_equal(saving_entries(), 2);
	h = segment_open(NULL);
	assert_string_equal(saving_text(), "old");
	assert_int_equal(saving_save(h, "key", "newer", &again), 0);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(sfshm_close(h), 0);
}

static void stop_passing(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	demand(saving_save(h, "key", "old", &brief) == 0);
	killpoint_arm(KILL_AT_save_passing, 1, SIGSTOP);
	(void)!saving_save(h, "key", "new", &brief_again);
}

/* Nothing tells the thief of that name. */
static void with_a_passing_name_and_stolen_from(void **state)
{
	int pid = child_start(stop_passing, 0, NULL), status;
	struct sfshm_save save;
	struct sfshm *h;

	(void)state;
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	h = segment_open(NULL);
	saving_begin(h, "key", &brief_again, SFSHM_LEADER, &save, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_gone(pid);
	assert_int_equal(saving_entries(), 2);
	saving_write(&save, "newer");
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(unnamed),
		in_folder(named),
		in_folder(stolen_from),
		in_folder(with_a_passing_name),
		in_folder(with_a_passing_name_and_stolen_from),
	};

	return test_main(tests);
}
