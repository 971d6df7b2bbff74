/* SPDX-License-Identifier: MIT */
/*
 * A relay word is always 0. A stray byte in one costs a sleeper only a moment,
 * and is gone then. A process that keeps writing there makes nobody spin.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <sfshm/semaphore.h>

#include "agent.h"
#include "asker.h"
#include "os/sys.h"
#include "segment/layout.h"
#include "watch.h"

/* The segment, as a stray pointer would have it. */
static struct shm_header *map_all(void)
{
	int fd = open(watch_path(), O_RDWR | O_CLOEXEC);
	struct stat st = { 0 };
	void *all;

	assert_true(fd >= 0 && !fstat(fd, &st));
	all = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	assert_true(all != MAP_FAILED);
	close(fd);
	return all;
}

static struct shm_participant *record_of(struct shm_header *header, pid_t pid)
{
	struct shm_participant *rec =
		(void *)((uint8_t *)header + header->geometry.participants_at);

	for (uint32_t i = 0; i < header->participants_used; i++, rec++)
		if (rec->pid == pid && rec->tid)
			return rec;
	fail_msg("no record of process %d", pid);
	return NULL;
}

static void for_a_follower(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct shm_header *header = map_all();
	struct asker a = { 0 };
	uint32_t *relay;

	(void)state;
	sleep_until_woken();
	agent_expect(leader, "leader", "begin key");
	relay = &record_of(header, leader->pid)->relay;
	store_relaxed(relay, 1);
	asker_start(&a, h, "key");
	assert_true(eventually(!load_relaxed(relay)));
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish value");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	assert_int_equal(watch_counter("corrupt"), 1);
	assert_in_range(watch_counter("waits"), 1, 2);
	assert_sound(h);
	sfshm_result_clear(&a.result);
	assert_int_equal(sfshm_close(h), 0);
}

static void *acquire(void *h)
{
	struct sfshm_permit permit;

	demand(sfshm_acquire(h, "s", 1, NULL, &permit) == 0);
	demand(sfshm_permit_release(&permit) == 0);
	return NULL;
}

static void for_who_wants_a_permit(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct shm_header *header = map_all();
	pthread_t thread;

	(void)state;
	sleep_until_woken();
	agent_expect(holder, "ok", "acquire s max=1");
	store_relaxed(&header->relay, 0x100);
	assert_int_equal(pthread_create(&thread, NULL, acquire, h), 0);
	assert_true(eventually(!load_relaxed(&header->relay)));
	await_waiters("s", 1);
	agent_expect(holder, "ok", "give-back");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(watch_counter("corrupt"), 1);
	assert_in_range(watch_counter("waits"), 1, 2);
	assert_int_equal(sfshm_close(h), 0);
}

#define STRAYS 20

static long (*real_waitv)(struct futex_waitv *words, unsigned int count,
			  const struct timespec *until);
static uint32_t *target;
static uint32_t strays, naps;

/* It is written just before the kernel looks, again and again. */
static long write_and_wait(struct futex_waitv *words, unsigned int count,
			   const struct timespec *until)
{
	if (load_relaxed(&strays)) {
		fetch_add_relaxed(&strays, -1u);
		store_relaxed(target, 1);
	}
	return real_waitv(words, count, until);
}

/* In front of the C library's own, which polls in this test do not use. */
__attribute__((visibility("default"))) int
clock_nanosleep(clockid_t clock_id, int flags, const struct timespec *req,
		struct timespec *rem)
{
	__typeof__(&clock_nanosleep) real =
		(__typeof__(real))dlsym(RTLD_NEXT, "clock_nanosleep");

	fetch_add_relaxed(&naps, 1);
	return real(clock_id, flags, req, rem);
}

static void again_and_again(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct shm_header *header = map_all();
	struct asker a = { 0 };

	(void)state;
	sys_has_waitv();
	real_waitv = sys.waitv;
	agent_expect(leader, "leader", "begin key");
	target = &record_of(header, leader->pid)->relay;
	strays = STRAYS;
	naps = 0;
	sys.waitv = write_and_wait;
	asker_start(&a, h, "key");
	assert_true(eventually(!load_relaxed(&strays)));
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish value");
	asker_join(&a);
	sys.waitv = real_waitv;
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	/* Each sleep that could not be was a nap. */
	assert_in_range(load_relaxed(&naps), STRAYS, STRAYS + 1);
	sfshm_result_clear(&a.result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(for_a_follower),
		in_segment(for_who_wants_a_permit),
		in_segment(again_and_again),
	};

	sys_force_waitv(-1);
	if (!sys_has_waitv())
		return skip_all("there is no futex_waitv() here");
	return test_main(tests);
}
