/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define QUIT UINT32_MAX
#define PATIENCE_NS 20000000000 /* the longest wait for a process */

void futex_wait(uint32_t *word, uint32_t value)
{
	struct timespec patience = { .tv_sec = 1 };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &patience, NULL, 0);
}

void futex_wait_three(uint32_t *word, uint32_t value)
{
	static uint32_t *zeroes;
	struct futex_waitv v[3] = { { 0 } };
	struct timespec until;

	if (!zeroes)
		zeroes = bench_share(4096);
	for (int i = 0; i < 3; i++) {
		uint32_t *at = i ? &zeroes[(size_t)i * 16] : word;

		v[i].uaddr = (uintptr_t)at;
		v[i].val = i ? 0 : value;
		v[i].flags = FUTEX_32;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	if (syscall(SYS_futex_waitv, v, 3, 0, &until, CLOCK_MONOTONIC) < 0 &&
	    errno == ENOSYS)
		bench_die("futex_waitv", -ENOSYS);
}

void futex_wake_all(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t word_read(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

uint32_t word_add(uint32_t *word, uint32_t n)
{
	return __atomic_add_fetch(word, n, __ATOMIC_SEQ_CST);
}

void word_write(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static _Noreturn void live(struct crowd *c, unsigned int me, crowd_fn fn,
			   pid_t parent)
{
	struct crowd_page *page = c->page;
	eventfd_t commands;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (getppid() != parent)
		_exit(1);
	while (!eventfd_read(c->go[me], &commands) && page->command != QUIT) {
		fn(page, me, page->command);
		if (word_add(&page->done, 1) == c->count)
			eventfd_write(c->over, 1);
	}
	_exit(0);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		bench_die("eventfd", -errno);
	return fd;
}

void crowd_start(struct crowd *c, unsigned int count, crowd_fn fn)
{
	pid_t parent = getpid();

	c->count = count;
	c->page = bench_share(sizeof(*c->page));
	c->over = make_eventfd();
	fflush(NULL);
	for (unsigned int i = 0; i < count; i++) {
		c->go[i] = make_eventfd();
		c->pid[i] = fork();
		if (c->pid[i] == 0)
			live(c, i, fn, parent);
		if (c->pid[i] < 0)
			bench_die("fork", -errno);
	}
}

void crowd_command(struct crowd *c, uint32_t command, uint64_t arg)
{
	word_write(&c->page->done, 0);
	word_write(&c->page->ready, 0);
	c->page->command = command;
	c->page->arg = arg;
	for (unsigned int i = 0; i < c->count; i++)
		if (eventfd_write(c->go[i], 1))
			bench_die("eventfd", -errno);
}

/* Whether a process of the crowd has ended. */
static bool lost_one(const struct crowd *c)
{
	for (unsigned int i = 0; i < c->count; i++)
		if (waitpid(c->pid[i], NULL, WNOHANG))
			return true;
	return false;
}

void crowd_wait(struct crowd *c)
{
	struct pollfd over = { .fd = c->over, .events = POLLIN };
	uint64_t end = bench_now() + PATIENCE_NS * 3;
	eventfd_t times;

	while (poll(&over, 1, 1000) != 1)
		if (bench_now() > end || lost_one(c))
			bench_die("a process of the crowd is gone", -ESRCH);
	if (eventfd_read(c->over, &times))
		bench_die("eventfd", -errno);
}

void crowd_ready(struct crowd_page *page)
{
	word_add(&page->ready, 1);
}

static bool thread_asleep(int folder, const char *name)
{
	char path[300], text[256], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", name);
	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT; /* the thread has ended */
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	state = strrchr(text, ')');
	return state && state[1] && state[2] == 'S';
}

/* Looks at all threads: the library's must not be late, either. */
static bool asleep(pid_t pid)
{
	bool sleeps = true;
	struct dirent *d;
	char path[32];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	if (!folder)
		bench_die(path, -errno);
	while (sleeps && (d = readdir(folder)))
		if (d->d_name[0] != '.')
			sleeps = thread_asleep(dirfd(folder), d->d_name);
	closedir(folder);
	return sleeps;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 30000 }, NULL);
}

void process_wait_asleep(pid_t pid)
{
	uint64_t end = bench_now() + PATIENCE_NS;

	while (!asleep(pid)) {
		nap();
		if (bench_now() > end)
			bench_die("a process does not sleep", -ETIMEDOUT);
	}
}

void crowd_wait_asleep(struct crowd *c)
{
	uint64_t end = bench_now() + PATIENCE_NS;

	while (word_read(&c->page->ready) < c->count) {
		nap();
		if (bench_now() > end)
			bench_die("the crowd is not ready", -ETIMEDOUT);
	}
	for (unsigned int i = 0; i < c->count; i++)
		process_wait_asleep(c->pid[i]);
}

uint64_t crowd_last(const struct crowd *c)
{
	uint64_t last = 0;

	for (unsigned int i = 0; i < c->count; i++)
		if (last < c->page->member[i].at)
			last = c->page->member[i].at;
	return last;
}

void crowd_end(struct crowd *c)
{
	crowd_command(c, QUIT, 0);
	for (unsigned int i = 0; i < c->count; i++) {
		waitpid(c->pid[i], NULL, 0);
		close(c->go[i]);
	}
	close(c->over);
	munmap(c->page, sizeof(*c->page));
}
