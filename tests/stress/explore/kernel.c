/* SPDX-License-Identifier: MIT */
#include "kernel.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <string.h>

#include "memory.h"
#include "oracle.h"
#include "schedule.h"
#include "segment/fingerprint.h"
#include "twin.h"

#undef syscall
#undef fcntl
#undef fstat
#undef getpid
#undef sched_yield

struct task *kernel_self(void)
{
	return &world.task[fiber_current];
}

/* A word outside the segment is one of the running fiber's process. */
static bool sleeps_on(const struct task *t, const uint32_t *word)
{
	unsigned int fiber = (unsigned int)(t - world.task);

	if (t->status != TASK_ASLEEP ||
	    (!world_has(word) &&
	     fiber_process(fiber) !=
		     fiber_process((unsigned int)fiber_current)))
		return false;
	for (int i = 0; i < t->words; i++)
		if (t->word[i] == word)
			return true;
	return false;
}

static bool has_a_time(const struct task *t)
{
	return t->until &&
	       (t->status == TASK_ASLEEP || t->status == TASK_STOPPED);
}

static void rouse(struct task *t, bool woken)
{
	for (int f = 0; f < FIBERS; f++)
		if (t->order && world.task[f].order > t->order)
			world.task[f].order--;
	t->status = TASK_READY;
	t->woken = woken;
	t->order = 0;
	t->words = 0;
	t->until = 0;
	memset(t->word, 0, sizeof(t->word));
}

static struct task *first_on(const uint32_t *word)
{
	struct task *first = NULL;

	for (int f = 0; f < FIBERS; f++) {
		struct task *t = &world.task[f];

		if (sleeps_on(t, word) && (!first || t->order < first->order))
			first = t;
	}
	return first;
}

int kernel_wake(const uint32_t *word, int most)
{
	struct task *t;
	int n = 0;

	access_fence(__ATOMIC_SEQ_CST);
	while (n < most && (t = first_on(word))) {
		rouse(t, true);
		n++;
	}
	return n;
}

int kernel_sleep(uint32_t *const *words, const uint32_t *seen,
		 unsigned int count, uint64_t until)
{
	struct task *t = kernel_self();

	access_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < count; i++)
		absence_note(words[i], false);
	for (unsigned int i = 0; i < count; i++)
		if (*words[i] != seen[i])
			return -EAGAIN;
	if (until && world.now >= until)
		return -ETIMEDOUT;
	t->order = 1;
	for (int f = 0; f < FIBERS; f++)
		if (world.task[f].status == TASK_ASLEEP)
			t->order++;
	for (unsigned int i = 0; i < count; i++)
		t->word[i] = words[i];
	t->words = (uint8_t)count;
	t->until = until;
	t->status = TASK_ASLEEP;
	schedule_block();
	return t->woken ? 0 : -ETIMEDOUT;
}

void kernel_time(uint64_t now)
{
	world.now = now;
	for (int f = 0; f < FIBERS; f++) {
		struct task *t = &world.task[f];

		if (has_a_time(t) && t->until <= now)
			rouse(t, false);
	}
}

uint64_t kernel_next_time(void)
{
	uint64_t first = 0;

	for (int f = 0; f < FIBERS; f++) {
		const struct task *t = &world.task[f];

		if (has_a_time(t) && (!first || t->until < first))
			first = t->until;
	}
	return first;
}

static void drop_lock(int i)
{
	world.lock_holder[i] = 0;
	world.lock_at[i] = 0;
}

/* As handle_futex_death() in the kernel. */
static void mark_word(struct task *dead, uint32_t *word, bool pending)
{
	uint32_t w, tid;

	if (!world_has(word))
		return;
	w = *word;
	tid = w & FUTEX_TID_MASK;
	if (pending && !tid) {
		kernel_wake(word, 1);
		return;
	}
	if (tid != (uint32_t)dead->tid)
		return;
	access_kernel_mark((unsigned int)(dead - world.task), word,
			   (w & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
	if (w & FUTEX_WAITERS)
		kernel_wake(word, 1);
}

static bool process_lives(unsigned int process)
{
	for (unsigned int f = 0; f < FIBERS; f++)
		if (fiber_process(f) == process && task_lives(&world.task[f]))
			return true;
	return false;
}

void kernel_death(unsigned int fiber)
{
	unsigned int process = fiber_process(fiber);
	struct task *t = &world.task[fiber];
	const struct robust_head *head = fiber_view(fiber, &twin_robust);
	uint32_t *pending = NULL;

	rouse(t, false);
	t->status = TASK_DEAD;
	oracle_saw_death(fiber);
	if (head->list_op_pending)
		pending =
			(uint32_t *)(void *)((uint8_t *)head->list_op_pending +
					     head->futex_offset);
	for (int i = t->held_count; i-- > 0;)
		if (t->held[i] != pending)
			mark_word(t, t->held[i], false);
	if (pending)
		mark_word(t, pending, true);
	for (int i = 0; i < WORLD_LOCKS; i++)
		if (world.lock_holder[i] == process + 1 &&
		    !process_lives(process))
			drop_lock(i);
	for (int i = 0; i < WORLD_RECORDS; i++)
		if (world.holder[i] == fiber + 1)
			world.holder[i] = 0;
	memset(t->held, 0, sizeof(t->held));
	t->held_count = 0;
}

void kernel_fork(unsigned int child)
{
	unsigned int parent = (unsigned int)fiber_current;
	struct task *t = &world.task[child];

	schedule_point("kernel: fork()");
	fiber_copy(child, parent);
	twin_forked(t->cookie, t->ns);
	fiber_load(parent);
	memory_fork(child, parent);
	t->status = TASK_READY;
}

bool kernel_thread_gone(pid_t pid, pid_t tid)
{
	const struct task *me = kernel_self();

	schedule_point("kernel: tgkill()");
	for (int f = 0; f < FIBERS; f++) {
		const struct task *t = &world.task[f];

		if (task_lives(t) && t->ns == me->ns && t->tid == tid &&
		    t->pid == pid)
			return false;
	}
	return true;
}

/* The lock on that byte, or -1. */
static int find_lock(int64_t at)
{
	for (int i = 0; i < WORLD_LOCKS; i++)
		if (world.lock_holder[i] && world.lock_at[i] == at)
			return i;
	return -1;
}

static uint8_t self_process(void)
{
	return (uint8_t)fiber_process((unsigned int)fiber_current);
}

static int take_lock(int64_t at)
{
	for (int i = 0; i < WORLD_LOCKS; i++) {
		if (world.lock_holder[i])
			continue;
		world.lock_at[i] = at;
		world.lock_holder[i] = self_process() + 1;
		return 0;
	}
	oracle_fail("more byte locks than WORLD_LOCKS");
	return 0;
}

int kernel_fcntl(int fd, int command, struct flock *lock)
{
	int i;

	(void)fd;
	schedule_point("kernel: fcntl()");
	i = find_lock(lock->l_start);
	if (command == F_GETLK) {
		if (i < 0 || world.lock_holder[i] == self_process() + 1)
			lock->l_type = F_UNLCK;
		return 0;
	}
	if (i < 0)
		return lock->l_type == F_UNLCK ? 0 : take_lock(lock->l_start);
	if (world.lock_holder[i] != self_process() + 1) {
		errno = EAGAIN;
		return -1;
	}
	if (lock->l_type == F_UNLCK)
		drop_lock(i);
	return 0;
}

int kernel_fstat(int fd, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = (ino_t)fd;
	st->st_nlink = 1;
	return 0;
}

int kernel_yield(void)
{
	schedule_yield();
	return 0;
}

int kernel_nap(const struct timespec *nap)
{
	schedule_point("kernel: clock_nanosleep()");
	kernel_sleep(NULL, NULL, 0,
		     world.now + (uint64_t)nap->tv_sec * 1000000000u +
			     (uint64_t)nap->tv_nsec);
	return 0;
}

pid_t kernel_getpid(void)
{
	return fiber_current < 0 ? getpid() : kernel_self()->pid;
}

int kernel_nothing(void)
{
	return 0;
}

/* Nobody is cancelled. */
int kernel_cancel(int next, int *old)
{
	*old = next;
	return 0;
}

ssize_t kernel_random(void *to, size_t n)
{
	memset(to, 0x5a + fiber_current, n);
	return (ssize_t)n;
}

static long wake_private(va_list args)
{
	uint32_t *word = va_arg(args, uint32_t *);

	schedule_point("kernel: futex()");
	return kernel_wake(word, INT_MAX);
}

/* The fiber that is to be the thread which the running one starts; or -1. */
static int absent_thread(void)
{
	for (int f = 0; f < FIBERS && !twin_thread_runs; f++)
		if (f != fiber_current &&
		    fiber_process((unsigned int)f) == self_process() &&
		    (world.task[f].status == TASK_ABSENT ||
		     (world.task[f].status == TASK_ENDED &&
		      !world.task[f].held_count)))
			return f;
	return -1;
}

int kernel_thread(void *(*fn)(void *), void *arg)
{
	int f = absent_thread();

	schedule_point("kernel: clone()");
	if (f < 0)
		return EAGAIN;
	twin_thread(fn, arg);
	fiber_restart((unsigned int)f);
	memory_fork((unsigned int)f, (unsigned int)fiber_current);
	world.task[f].status = TASK_READY;
	return 0;
}

/* Joins the thread that the process has started. */
int kernel_join(void)
{
	uint32_t *word = &twin_thread_runs, runs = 1;

	while (access_load(word, 4, __ATOMIC_ACQUIRE, "thread: join"))
		kernel_sleep(&word, &runs, 1, 0);
	return 0;
}

/* A process has one eventfd: its count is a word. */
int kernel_eventfd(void)
{
	return 4;
}

ssize_t kernel_write(void)
{
	schedule_point("kernel: write()");
	access_rmw(&twin_eventfd, 4, ACCESS_ADD, 1, __ATOMIC_RELEASE,
		   "eventfd: write");
	kernel_wake(&twin_eventfd, INT_MAX);
	return 8;
}

/* Returns -1 if the count is 0. */
ssize_t kernel_read(uint64_t *count)
{
	schedule_point("kernel: read()");
	*count = access_swap(&twin_eventfd, 0);
	return *count ? 8 : -1;
}

/* get_robust_list(2), and what a cancel token's owner calls. */
long kernel_syscall(long number, ...)
{
	va_list args;
	long r = 0;

	va_start(args, number);
	if (number == SYS_get_robust_list && fiber_current < 0) {
		int pid = va_arg(args, int);
		void *head = va_arg(args, void *);

		r = syscall(number, pid, head, va_arg(args, void *));
	} else if (number == SYS_get_robust_list) {
		(void)va_arg(args, int);
		*va_arg(args, struct robust_head **) = &twin_robust;
	} else if (number == SYS_futex) {
		r = wake_private(args);
	} else {
		oracle_fail("a system call that the virtual kernel lacks: %ld; "
			    "add it to tests/stress/explore/kernel.c",
			    number);
	}
	va_end(args);
	return r;
}
