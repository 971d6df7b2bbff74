/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S7, PROMISE-C11: counters tell how many saves began for each reason,
 * were dropped as duplicates, were adopted, expired, aborted or failed, or
 * ended by their writers' deaths.
 */
#include <signal.h>
#include <sys/wait.h>

#include "os/killpoint.h"
#include "saving.h"
#include "watch.h"

#define REASONS 9

/* In the order of this list. */
static const char *const reasons[REASONS] = {
	"saves",         "saves_again",   "saves_missing",
	"saves_present", "saves_adopted", "saves_expired",
	"saves_aborted", "saves_failed",  "saves_died",
};

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static const struct sfshm_save_options leased = {
	.size = sizeof(leased),
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = 20,
};

static const struct sfshm_save_options again = {
	.size = sizeof(again),
	.flags = SFSHM_SAVE_AGAIN,
	.ttl_ms = SFSHM_FOREVER,
};

/* The n-th digit of `want` is the count of the n-th reason. */
static void expect(const char *want)
{
	for (int i = 0; i < REASONS; i++)
		if ((int)watch_counter(reasons[i]) != want[i] - '0')
			fail_msg("%s: %d instead of %c", reasons[i],
				 (int)watch_counter(reasons[i]), want[i]);
}

static void each_by_its_reason(void **state)
{
	struct sfshm_save_options o = keep;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	assert_int_equal(saving_save(h, "key", "a", &o), 0);
	expect("100000000");
	saving_begin(h, "key", &o, SFSHM_CACHED, &save, NULL);
	expect("100100000");
	assert_int_equal(unlink(saving_path("file")), 0);
	assert_int_equal(saving_save(h, "key", "a", &o), 0);
	expect("101100000");
	o.flags = SFSHM_SAVE_AGAIN;
	assert_int_equal(saving_save(h, "key", "b", &o), 0);
	expect("111100000");
	saving_begin(h, "key", &o, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_abort(&save), 0);
	expect("111100100");
	saving_begin(h, "key", &o, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_fail(&save, -5, "no"), 0);
	expect("111100110");
	assert_int_equal(sfshm_close(h), 0);
}

static void dead_writers(void **state)
{
	struct sfshm_save save;
	struct sfshm *h;

	(void)state;
	saving_halted(KILL_AT_save_opened, SIGKILL, &keep);
	h = segment_open(NULL);
	assert_int_equal(saving_save(h, "key", "a", &keep), 0);
	expect("100000001");
	saving_halted(KILL_AT_save_told, SIGKILL, &again);
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, NULL);
	expect("100110001");
	assert_int_equal(sfshm_close(h), 0);
}

static void adopt_and_stop(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)unused;
	(void)arg;
	killpoint_arm(KILL_AT_save_cleared, 1, SIGSTOP);
	saving_begin(h, "key", &leased, SFSHM_AWAITED, &save, NULL);
	demand(sfshm_close(h) == 0);
}

/*
 * A caller is about to announce a dead writer's file, stops, and loses the
 * reservation. It learns of that once.
 */
static void a_loss_is_counted_once(void **state)
{
	struct sfshm_save save;
	struct sfshm *h;
	int pid, status;

	(void)state;
	saving_halted(KILL_AT_save_told, SIGKILL, &keep);
	pid = child_start(adopt_and_stop, 0, NULL);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	h = segment_open(NULL);
	clock_advance(1000);
	saving_begin(h, "key", &again, SFSHM_LEADER, &save, NULL);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_true(eventually(watch_counter("saves_expired")));
	await_waiters("key", 1);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(watch_counter("fenced"), 1);
	expect("100101000");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(each_by_its_reason),
		in_folder(dead_writers),
		in_folder(a_loss_is_counted_once),
	};

	return test_main(tests);
}
