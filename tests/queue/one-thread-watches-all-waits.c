/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q4: One thread of the library watches all waits of a process, while
 * there are any; and there is none where the program forbids it.
 */
#include "queue.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "os/sys.h"

#define MANY 10000

static void of_one_key_and_of_many(void **state)
{
	struct agent *leader = agent_start();
	static struct sfshm_wait waits[MANY];
	char key[24];
	int leads = 0;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 100; i++)
		agent_expect(leader, "leader", "begin key%d detached", i);
	assert_int_equal(threads(), 1);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key%d", i % 100);
		assert_int_equal(begin(i % 2 ? key : "key", NULL, &waits[i]),
				 -EINPROGRESS);
	}
	assert_int_equal(threads(), 2);
	assert_int_equal(watch_waiters("key"), MANY / 2);
	assert_int_equal(watch_waiters("key1"), MANY / 50 / 2);
	agent_kill(leader);
	for (int i = 0; i < MANY; i++) {
		int r = finished();

		leads += r == SFSHM_LEADER;
		if (r == SFSHM_LEADER)
			assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
		else
			assert_int_equal(r, SFSHM_AWAITED);
	}
	/* "key" and, of the others, those with an odd number. */
	assert_int_equal(leads, 51);
	assert_true(threads() <= 2);
	assert_sound(h);
}

static void until_it_has_been_idle(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
		assert_int_equal(threads(), 2);
		assert_int_equal(sfshm_wait_cancel(queue, &wait), 0);
		assert_true(eventually(threads() == 1));
	}
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(finished(), SFSHM_AWAITED);
}

static void with_no_signal(void **state)
{
	struct agent *leader = agent_start();
	char path[300], line[128];
	struct sfshm_wait wait;
	unsigned long long blocked = 0;
	struct dirent *d;
	DIR *folder;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	folder = opendir("/proc/self/task");
	while ((d = readdir(folder))) {
		FILE *f;

		if (atoi(d->d_name) == getpid() || d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status",
			 d->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			sscanf(line, "SigBlk: %llx", &blocked);
		if (f)
			fclose(f);
	}
	closedir(folder);
	/* All but those that nobody can block, or libc keeps for itself. */
	assert_int_equal(blocked >> (SIGTERM - 1) & 1, 1);
	assert_int_equal(blocked >> (SIGCHLD - 1) & 1, 1);
	assert_int_equal(blocked >> (SIGRTMAX - 1) & 1, 1);
}

static void only_where_threads_are_welcome(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	setenv("SFSHM_NO_THREADS", "1", 1);
	assert_int_equal(begin("key", NULL, &wait), -EOPNOTSUPP);
	assert_int_equal(wait.number, 0);
	assert_int_equal(threads(), 1);
	assert_int_equal(watch_waiters("key"), 0);
	/* All else works, and what needs no wait. */
	assert_int_equal(begin("free", NULL, &wait), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	setenv("SFSHM_NO_THREADS", "", 1);
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(finished(), SFSHM_AWAITED);
}

static long (*real_waitv)(struct futex_waitv *, unsigned int,
			  const struct timespec *);
static uint32_t stopped, goes_on, naps;

static long count_sleep(struct futex_waitv *words, unsigned int count,
			const struct timespec *until)
{
	fetch_add_relaxed(&naps, 1);
	return real_waitv(words, count, until);
}

/*
 * The library's thread sleeps once for each wait that ends: to begin a wait
 * does not wake it, but for the first wait in each slice of 100 ms.
 */
static void it_is_woken_for_changes(void **state)
{
	struct agent *leader = agent_start();
	const uint32_t waits = 200;
	uint64_t start, slices;
	struct sfshm_wait wait;

	(void)state;
	if (!sys_has_waitv())
		skip();
	real_waitv = sys.waitv;
	sys.waitv = count_sleep;
	start = sys.now();
	for (uint32_t i = 0; i < waits; i++) {
		agent_expect(leader, "leader", "begin key");
		assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
		agent_expect(leader, "ok", "publish value");
		assert_int_equal(finished(), SFSHM_AWAITED);
	}
	slices = (sys.now() - start) / (100 * NS_PER_MS) + 1;
	sys.waitv = real_waitv;
	assert_in_range(load_relaxed(&naps), 1, waits + 2 * slices + 2);
}

/* Stops whoever sleeps in this process: that is the library's thread. */
static long stop(struct futex_waitv *words, unsigned int count,
		 const struct timespec *until)
{
	store_release(&stopped, 1);
	while (!load_acquire(&goes_on))
		sys.wait(&goes_on, 0, NULL);
	return real_waitv(words, count, until);
}

/* Others go on meanwhile, and so does a loop that looks by itself. */
static void stopped_it_holds_nobody_up(void **state)
{
	struct agent *leader = agent_start(), *other = agent_start_patient();
	struct sfshm_wait wait;

	(void)state;
	if (!sys_has_waitv())
		skip();
	real_waitv = sys.waitv;
	sys.waitv = stop;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	assert_true(eventually(load_acquire(&stopped)));
	agent_say(other, "begin key");
	await_waiters("key", 2);
	agent_asleep(other);
	agent_expect(leader, "ok", "publish value");
	agent_answers(other, "awaited value");
	agent_expect(other, "leader", "begin key");
	agent_expect(other, "ok", "publish value");
	assert_false(readable(0));
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
	assert_int_equal(begin("other", NULL, &wait), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	store_release(&goes_on, 1);
	sys.wake(&goes_on, 1);
	sys.waitv = real_waitv;
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(of_one_key_and_of_many),
		in_queue(until_it_has_been_idle),
		in_queue(with_no_signal),
		in_queue(only_where_threads_are_welcome),
		in_queue(it_is_woken_for_changes),
		in_queue(stopped_it_holds_nobody_up),
	};

	return test_main(tests);
}
