/* SPDX-License-Identifier: MIT */
#include "twin.h"

#include <errno.h>
#include <string.h>

#include "kernel.h"
#include "os/process.h"
#include "os/sys.h"
#include "schedule.h"
#include "store/evict.h"
#include "store/limbo.h"
#include "sync/flight.h"
#include "top/fork.h"
#include "top/handle.h"
#include "top/succession.h"

__thread struct robust_head twin_robust;
struct mapping twin_map;
uint32_t twin_thread_runs, twin_eventfd;

static uint64_t cookie;
static void *(*thread_fn)(void *);
static void *thread_arg;
const uint64_t *process_cookie_word = &cookie;

uint64_t process_cookie(void)
{
	return cookie;
}

uint64_t process_pid_ns(void)
{
	return twin_map.pid_ns;
}

uint64_t process_time_ns(void)
{
	return 1;
}

int process_boot_id(uint8_t id[16])
{
	memset(id, 1, 16);
	return 0;
}

pid_t process_tid(void)
{
	return kernel_self()->tid;
}

void process_close(int fd)
{
	(void)fd;
}

int process_thread_gone(pid_t pid, pid_t tid)
{
	return kernel_thread_gone(pid, tid);
}

static uint64_t to_ns(const struct timespec *t)
{
	return t ? (uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec : 0;
}

static long twin_waitv(struct futex_waitv *v, unsigned int count,
		       const struct timespec *until)
{
	uint32_t *words[TASK_WORDS], seen[TASK_WORDS];
	int r = -EINVAL;

	if (count && count <= TASK_WORDS) {
		for (unsigned int i = 0; i < count; i++) {
			words[i] = (uint32_t *)(uintptr_t)v[i].uaddr;
			seen[i] = (uint32_t)v[i].val;
		}
		schedule_point("kernel: futex_waitv()");
		r = kernel_sleep(words, seen, count, to_ns(until));
	}
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

static int twin_wait(uint32_t *word, uint32_t value,
		     const struct timespec *until)
{
	schedule_point("kernel: futex(), wait");
	return kernel_sleep(&word, &value, 1, to_ns(until));
}

static int twin_wake(uint32_t *word, int count)
{
	schedule_point("kernel: futex(), wake");
	return kernel_wake(word, count);
}

static uint64_t twin_now(void)
{
	return world.now;
}

struct sys_ops sys = {
	.waitv = twin_waitv,
	.wait = twin_wait,
	.wake = twin_wake,
	.now = twin_now,
	.coarse = twin_now,
	.boot = twin_now,
};

bool sys_has_waitv(void)
{
	return true;
}

void sys_force_waitv(int mode)
{
	(void)mode;
}

/* A thread attaches at its first call. */
int handle_enter_slow(struct sfshm *h, struct peer **out)
{
	return h && h->map ? peer_attach(h->map, out) : -EBADF;
}

int handle_follow(struct sfshm *h, struct peer **out)
{
	(void)h;
	(void)out;
	return -ESHUTDOWN;
}

/* The segment's file stays, and has no newer one beside it. */
void handle_look(struct mapping *map)
{
	(void)map;
}

void handle_warn_newcomers(struct mapping *removed)
{
	(void)removed;
}

int fork_prepare(void)
{
	return 0;
}

const char *sfshm_strerror(int error)
{
	(void)error;
	return "";
}

void twin_thread(void *(*fn)(void *), void *arg)
{
	thread_fn = fn;
	thread_arg = arg;
	twin_thread_runs = 1;
}

void twin_thread_main(void)
{
	thread_fn(thread_arg);
	store_release(&twin_thread_runs, 0);
	kernel_wake(&twin_thread_runs, INT32_MAX);
}

void twin_prepare(void)
{
	struct shm_fingerprint f;

	fingerprint_read(&f);
	peer_sweep = flight_sweep;
	arena_reclaim = evict_for_memory;
	arena_harvest = limbo_harvest;
}

void twin_start(uint64_t new_cookie, uint64_t ns)
{
	cookie = new_cookie;
	mapping_lay_out(&twin_map, world_bytes, &world_geometry);
	twin_map.tag_words = world_map.tag_words;
	twin_map.ghosts = world_map.ghosts;
	twin_map.ring = world_map.ring;
	twin_map.pid_ns = ns;
	twin_map.cookie = new_cookie;
	twin_map.serial = 1;
	twin_map.refs = 1000;
	twin_map.handles = 1;
	twin_map.fd = 1;
	twin_map.ino = 1;
	twin_map.seed = 7;
	/* Its file stays. */
	twin_map.nameless = true;
	twin_map.look_at = UINT64_MAX;
}

void twin_start_thread(void)
{
	twin_robust.futex_offset = -32;
}

void twin_forked(uint64_t new_cookie, uint64_t ns)
{
	cookie = new_cookie;
	twin_map.pid_ns = ns;
	twin_robust.list_op_pending = NULL;
}
