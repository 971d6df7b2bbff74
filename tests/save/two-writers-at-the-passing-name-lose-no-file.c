/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C11: a writer stops while it replaces an older file, and loses the
 * reservation; the next writer replaces that file, too, under the same passing
 * name. Wherever the first one goes on, the next one's file is in place.
 */
#include <signal.h>
#include <sys/wait.h>

#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

#define LEASE_MS 600000

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};
static const struct sfshm_save_options leased_again = {
	.size = sizeof(leased_again),
	.flags = SFSHM_SAVE_AGAIN,
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = LEASE_MS,
};

static void replace(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	clock_advance(2 * LEASE_MS);
	killpoint_arm(KILL_AT_save_passing, 1, SIGSTOP);
	demand(saving_save(h, "key", "newer", &leased_again) == 0);
	demand(sfshm_close(h) == 0);
}

static int next_writer(void)
{
	int pid = child_start(replace, 0, NULL), status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static void first_stops_at(int point)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;
	int first, next;

	assert_int_equal(saving_save(h, "key", "old", &keep), 0);
	first = saving_halted(point, SIGSTOP, &leased_again);
	next = next_writer();
	assert_int_equal(saving_resume(first), -ESTALE);
	assert_int_equal(saving_resume(next), 0);
	assert_string_equal(saving_text(), "newer");
	assert_int_equal(saving_entries(), 1);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, NULL);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void before_it_has_the_name(void **state)
{
	(void)state;
	first_stops_at(KILL_AT_save_linking);
}

static void when_it_has_the_name(void **state)
{
	(void)state;
	first_stops_at(KILL_AT_save_passing);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(before_it_has_the_name),
		in_folder(when_it_has_the_name),
	};

	return test_main(tests);
}
