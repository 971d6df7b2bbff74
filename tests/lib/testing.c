/* SPDX-License-Identifier: MIT */
#include "testing.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "agent.h"
#include "os/sys.h"
#include "watch.h"

char segment[64];

void testing_begin(int argc, char **argv)
{
	static char pattern[128];
	struct rlimit core;

	/* Only the soft limit: a test may want a core. */
	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &core);
	setvbuf(stdout, NULL, _IOLBF, 0);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (argc < 2)
		return;
	snprintf(pattern, sizeof(pattern), "*%s*", argv[1]);
	cmocka_set_test_filter(pattern);
}

int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

int segment_setup(void **state)
{
	static int count;

	(void)state;
	snprintf(segment, sizeof(segment), "test-%d-%d", (int)getpid(),
		 count++);
	/*
	 * A killed test whose process had this number may have left its
	 * segment.
	 */
	(void)!sfshm_unlink(segment);
	return 0;
}

int segment_teardown(void **state)
{
	(void)state;
	agent_end_all();
	watch_end();
	if (sfshm_unlink(segment) == -EPERM)
		return -1;
	return 0;
}

void demand_failed(const char *file, int line, const char *what, int error)
{
	fprintf(stderr, "# %s:%d: not so: %s (pid %d, errno %s)\n", file, line,
		what, (int)getpid(), strerrorname_np(error));
	signal(SIGABRT, SIG_DFL);
	abort();
}

struct sfshm *segment_open(const struct sfshm_options *o)
{
	struct sfshm_options options = { .size = sizeof(options) };
	struct sfshm *handle = NULL;
	char why[256] = "";
	int r;

	if (o)
		options = *o;
	options.size = sizeof(options);
	options.flags |= SFSHM_CREATE;
	options.why = why;
	options.why_size = sizeof(why);
	r = sfshm_open(&handle, segment, &options);
	if (r)
		fprintf(stderr, "# cannot open: %s (%s)\n", sfshm_strerror(r),
			why);
	demand(r == 0);
	return handle;
}

static void print_finding(const char *finding, void *unused)
{
	(void)unused;
	fprintf(stderr, "# %s\n", finding);
}

void assert_sound(struct sfshm *handle)
{
	assert_int_equal(sfshm_verify(handle, print_finding, NULL), 0);
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void *shared_memory(size_t size)
{
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	demand(page != MAP_FAILED);
	return page;
}

static struct sys_ops real;
static uint64_t ahead_ns, suspended_ns;

static void keep_real(void)
{
	if (!real.now)
		real = sys;
}

static long waitv_for_long(struct futex_waitv *words, unsigned int count,
			   const struct timespec *until)
{
	(void)until;
	return real.waitv(words, count, NULL);
}

static int wait_for_long(uint32_t *word, uint32_t value,
			 const struct timespec *until)
{
	(void)until;
	return real.wait(word, value, NULL);
}

void sleep_until_woken(void)
{
	keep_real();
	/* Without futex_waitv(2) the library polls: no wake ends its sleeps. */
	if (!sys_has_waitv())
		return;
	sys.waitv = waitv_for_long;
	sys.wait = wait_for_long;
}

struct sleeps sleeps;

static void raise_to(uint64_t *word, uint64_t to)
{
	uint64_t is = load_relaxed(word);

	while (is < to && !cas_acq_rel(word, is, to))
		is = load_relaxed(word);
}

static void note_sleep(const struct timespec *until)
{
	uint64_t now = real.now(), end = UINT64_MAX;

	if (until)
		end = (uint64_t)until->tv_sec * NS_PER_S +
		      (uint64_t)until->tv_nsec;
	if (fetch_add_acq_rel(&sleeps.count, 1) == 0)
		store_relaxed(&sleeps.first_ns, now);
	raise_to(&sleeps.longest_ns, end > now ? end - now : 0);
	raise_to(&sleeps.until_ns, end);
}

/*
 * The kernel's clock is behind the library's: returns `until` by the kernel's.
 */
static const struct timespec *kernels(const struct timespec *until,
				      struct timespec *there)
{
	uint64_t ahead = load_relaxed(&ahead_ns), end;

	if (!until || !ahead)
		return until;
	end = (uint64_t)until->tv_sec * NS_PER_S + (uint64_t)until->tv_nsec;
	end = end > ahead ? end - ahead : 1;
	there->tv_sec = (time_t)(end / NS_PER_S);
	there->tv_nsec = (long)(end % NS_PER_S);
	return there;
}

static long waitv_ahead(struct futex_waitv *words, unsigned int count,
			const struct timespec *until)
{
	struct timespec there;

	return real.waitv(words, count, kernels(until, &there));
}

static int wait_ahead(uint32_t *word, uint32_t value,
		      const struct timespec *until)
{
	struct timespec there;

	return real.wait(word, value, kernels(until, &there));
}

static long waitv_noted(struct futex_waitv *words, unsigned int count,
			const struct timespec *until)
{
	/* A call with no words is the probe. */
	if (count)
		note_sleep(until);
	return waitv_ahead(words, count, until);
}

static int wait_noted(uint32_t *word, uint32_t value,
		      const struct timespec *until)
{
	note_sleep(until);
	return wait_ahead(word, value, until);
}

void sleeps_note(void)
{
	keep_real();
	sleeps = (struct sleeps){ 0 };
	sys.waitv = waitv_noted;
	sys.wait = wait_noted;
}

void cancellable_nap(void)
{
	const struct timespec tick = { .tv_nsec = NS_PER_MS };

	syscall(SYS_nanosleep, &tick, NULL);
	pthread_testcancel();
}

static uint64_t now_ahead(void)
{
	return real.now() + load_relaxed(&ahead_ns);
}

static uint64_t coarse_ahead(void)
{
	return real.coarse() + load_relaxed(&ahead_ns);
}

static uint64_t boot_ahead(void)
{
	return real.boot() + load_relaxed(&ahead_ns) +
	       load_relaxed(&suspended_ns);
}

void clock_advance(uint64_t ms)
{
	keep_real();
	fetch_add_relaxed(&ahead_ns, ms * NS_PER_MS);
	/* Other threads may be using the table by now. */
	if (sys.now == now_ahead)
		return;
	sys.now = now_ahead;
	sys.coarse = coarse_ahead;
	sys.boot = boot_ahead;
	if (sys.waitv == real.waitv)
		sys.waitv = waitv_ahead;
	if (sys.wait == real.wait)
		sys.wait = wait_ahead;
}

void clock_suspend(uint64_t ms)
{
	uint64_t tick;

	clock_advance(0);
	tick = sys.coarse();
	fetch_add_relaxed(&suspended_ns, ms * NS_PER_MS);
	demand(eventually(sys.coarse() != tick));
}
