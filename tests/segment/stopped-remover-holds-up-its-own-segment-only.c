/* SPDX-License-Identifier: MIT */
/*
 * A process that is stopped while it removes a segment left over from before
 * the last boot has that file locked. A caller that opens that segment
 * meanwhile gets an error; other threads open other segments, and fork.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "crowd.h"
#include "forge.h"
#include "watch.h"

/* How often the library has asked for the lock. */
static uint32_t asked;
static char why[256];

int flock(int fd, int operation)
{
	fetch_add_relaxed(&asked, 1);
	return (int)syscall(SYS_flock, fd, operation);
}

/* As a segment of an earlier boot looks. */
static void make_stale(void)
{
	struct shm_header header;

	forge_make(NULL);
	forge_read(0, &header, sizeof(header));
	header.boot_id[0] ^= 1;
	forge_write_header(&header);
}

static void lock_and_stop(int unused, void *unused_too)
{
	int fd = open(watch_path(), O_RDWR);

	(void)unused;
	(void)unused_too;
	demand(fd >= 0 && syscall(SYS_flock, fd, LOCK_EX) == 0);
	raise(SIGSTOP);
}

static void *open_stale(void *outcome)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE,
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *h;

	*(int *)outcome = sfshm_open(&h, segment, &o);
	return NULL;
}

static void open_another(void)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	char name[80];
	struct sfshm *h;

	snprintf(name, sizeof(name), "%s-other", segment);
	assert_int_equal(sfshm_open(&h, name, &o), 0);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(name), 0);
}

static void others_go_on(void **state)
{
	int outcome = 0, status, remover;
	pthread_t thread;
	pid_t child;

	(void)state;
	make_stale();
	remover = child_start(lock_and_stop, 0, NULL);
	assert_int_equal(waitpid(remover, &status, WUNTRACED), remover);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(pthread_create(&thread, NULL, open_stale, &outcome),
			 0);
	assert_true(eventually(load_relaxed(&asked)));
	/*
	 * The remover never goes on: were these held up, it would be for good.
	 */
	open_another();
	child = fork();
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(outcome, -EBUSY);
	assert_non_null(strstr(why, "lslocks"));
	assert_int_equal(kill(remover, SIGKILL), 0);
	child_gone(remover);
	assert_int_equal(forge_try(SFSHM_CREATE), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(others_go_on),
	};

	return test_main(tests);
}
