/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm/segment.h>
#include <sfshm/semaphore.h>

#include "storm.h"

/* Without word from the workers for so long, all are stuck. */
#define SILENCE_NS UINT64_C(60000000000)

static uint32_t workers = 24;
static uint64_t seconds = 30;
static uint32_t kill_us = 3000; /* between two deaths, on average */

static struct storm *storm;
static struct oracle oracle;
static pid_t pids[STORM_WORKERS];
static uint64_t births, kills;
static int ears;
static pid_t main_pid;

static const char usage_text[] =
	"usage: storm [--seconds N] [--processes N] [--kill-us N] "
	"[--bound-ms N]\n"
	"             [--seed N]\n"
	"Processes ask for random keys and are killed at random, one every\n"
	"--kill-us microseconds on average (3000), for --seconds (30). Checks\n"
	"all that they tell. Exit status: 0 all fits together, 1 it does not,\n"
	"2 it could not be run.\n";

static void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void clear_up(void)
{
	if (storm && getpid() == main_pid)
		unlink(storm->path);
}

static void interrupted(int signal)
{
	clear_up();
	_exit(128 + signal);
}

static void give_birth(uint32_t worker)
{
	uint64_t their_seed = random_next();
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		close(ears);
		worker_run(storm, worker, their_seed);
	}
	pids[worker] = pid;
	births++;
}

/* True: it was the signal that ended it. */
static bool kill_worker(uint32_t worker)
{
	int status = 0;

	kill(pids[worker], SIGKILL);
	waitpid(pids[worker], &status, 0);
	kills++;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (!oracle.first[0])
		snprintf(oracle.first, sizeof(oracle.first),
			 "worker %u ended by itself, status %#x", worker,
			 status);
	oracle.wrong[WRONG_CODE]++;
	return false;
}

/* Hears what there is. False: nothing was there. */
static bool listen_once(int timeout_ms)
{
	static struct told heard[512];
	struct pollfd p = { .fd = ears, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, timeout_ms) <= 0)
		return false;
	n = read(ears, heard, sizeof(heard));
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(heard[0]); i++)
		oracle_hear(&oracle, &heard[i], storm->bound_ns);
	return n > 0;
}

static void show_progress(uint64_t left_ns)
{
	static uint64_t shown;
	uint64_t now = clock_ns();

	if (!isatty(2) || now - shown < 300000000)
		return;
	shown = now;
	fprintf(stderr,
		"\r\033[K%" PRIu64 " s left, %" PRIu64 " kills, %" PRIu64
		" publishes, %" PRIu64 " values seen, %" PRIu64 " violations",
		left_ns / 1000000000, kills, oracle.published, oracle.seen,
		oracle_violations(&oracle));
}

static pid_t call_bystander(void)
{
	pid_t pid = fork();

	if (!pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		bystander_run(storm);
	}
	return pid;
}

static void blow(void)
{
	uint64_t now = clock_ns(), end = now + seconds * 1000000000;
	uint64_t next = now, word = now;

	while (now < end && now - word < SILENCE_NS) {
		uint64_t wait_us;

		if (now >= next) {
			uint32_t w = random_below(workers);

			kill_worker(w);
			give_birth(w);
			next = now + random_below(2 * kill_us) * UINT64_C(1000);
		}
		wait_us = next > now ? (next - now) / 1000 : 0;
		if (listen_once((int)(wait_us / 1000)))
			word = clock_ns();
		show_progress(end - now);
		now = clock_ns();
	}
	if (isatty(2))
		fputs("\r\033[K", stderr);
	for (uint32_t w = 0; w < workers; w++)
		kill_worker(w);
	while (listen_once(0))
		;
}

/* In a process of its own, for this one never opens the segment. */
static void audit(struct audit *shared)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(600);
		audit_run(storm, kills, shared);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status) {
		shared->stuck_keys++;
		snprintf(shared->first, sizeof(shared->first),
			 "the audit hung or crashed, status %#x", status);
	}
}

static void row(const char *what, uint64_t n)
{
	printf("%-52s %12" PRIu64 "\n", what, n);
}

static void print_violations(const struct audit *a)
{
	const struct oracle *o = &oracle;

	printf("violations\n");
	row("  two leaders of one generation", o->two_leaders);
	row("  two valid publishes of one generation", o->two_publishes);
	row("  a value seen before it was published", o->early);
	row("  another value than the one announced", o->other_value);
	row("  a refused value seen", o->refused_seen);
	row("  a generation that went back", o->backward);
	row("  a call that took longer than the bound", o->over_bound);
	row("  a torn value", o->wrong[WRONG_TORN]);
	row("  another key's or flight's value",
	    o->wrong[WRONG_KEY] + o->wrong[WRONG_GEN]);
	row("  another failure's message", o->wrong[WRONG_WORDS]);
	row("  a lock held twice, or alone and shared", o->wrong[WRONG_LOCK]);
	row("  more permits held than there are", o->wrong[WRONG_PERMIT]);
	row("  a value fresh after its tag was invalidated",
	    o->wrong[WRONG_TAG]);
	row("  a flight of a process that ended twice, or was lost",
	    o->wrong[WRONG_END]);
	row("  something left after all was released", o->wrong[WRONG_LEFT]);
	row("  work run too often, or not often enough", o->wrong[WRONG_RUNS]);
	row("  a code that should not come", o->wrong[WRONG_CODE]);
	row("  afterwards: keys that were stuck", a->stuck_keys);
	row("  afterwards: counters that do not add up", a->uneven);
	printf("%-52s %12d\n", "  afterwards: findings of verify", a->findings);
}

static void print_table(const struct audit *a)
{
	const struct oracle *o = &oracle;

	row("processes", workers);
	row("seconds", seconds);
	row("kills", kills);
	row("things told to the oracle", o->told);
	row("flights led", o->led);
	row("valid publishes", o->published);
	row("refused publishes", o->refused);
	row("values seen", o->seen);
	row("... of these awaited", o->awaited);
	row("... too old to check", o->too_old);
	row("flights taken over from the dead", a->takeovers);
	row("flights stolen", a->steals);
	row("values put", a->own.puts);
	row("values renewed", a->own.renewed);
	row("keys invalidated", a->own.invalidated);
	row("tags invalidated", a->own.tags_invalidated);
	row("fresh values with tags seen", a->own.tagged);
	row("stale values seen", a->own.stale);
	row("work run again, its key invalidated", a->own.again);
	row("calls for a flight made by another thread", a->own.handed);
	row("tasks and threads that left something behind", a->own.left);
	row("locks held", a->own.locked);
	row("... of these taken from the dead", a->own.orphaned);
	row("locks held shared", a->own.shared);
	row("locks tried in vain", a->own.busy);
	row("permits held", a->own.permits);
	row("keys evicted", a->evictions);
	row("stalled readers expelled", a->expelled);
	row("sleeps ended by the bounded re-check", a->rechecks);
	printf("%-52s %12.1f\n", "longest call, ms",
	       (double)o->worst_wait_ns / 1e6);
	row("calls longer than 75 ms", o->slow_waits);
	printf("%-52s %12.1f\n", "longest that a bystander overslept, ms",
	       (double)storm->stall_ns / 1e6);
	printf("%-52s %12.2f\n", "afterwards: longest time to finish a key, ms",
	       (double)a->worst_ns / 1e6);
	print_violations(a);
	if (o->first[0])
		printf("first: %s\n", o->first);
	if (a->first[0])
		printf("first: %s\n", a->first);
}

static uint64_t number(const char *text, const char *option, uint64_t most)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (!errno && !*end && n && n <= most)
		return n;
	fprintf(stderr,
		"storm: %s takes a number from 1 to %" PRIu64 ", not '%s'\n",
		option, most, text);
	exit(2);
}

/* A hang: long enough for the busiest machine. */
static uint64_t bound_ms = 30000;

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "processes", required_argument, NULL, 'p' },
		{ "kill-us", required_argument, NULL, 'k' },
		{ "bound-ms", required_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	random_seed(clock_ns());
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 's': seconds = number(optarg, "--seconds", 1000000); break;
		case 'p':
			workers = (uint32_t)number(optarg, "--processes",
						   STORM_WORKERS);
			break;
		case 'k':
			kill_us =
				(uint32_t)number(optarg, "--kill-us", 60000000);
			break;
		case 'b': bound_ms = number(optarg, "--bound-ms", 60000); break;
		case 'e':
			random_seed(number(optarg, "--seed", UINT64_MAX - 1));
			break;
		case 'h': fputs(usage_text, stdout); exit(0);
		default: fputs(usage_text, stderr); exit(2);
		}
	}
	if (optind == argc)
		return;
	fprintf(stderr, "storm: unknown argument '%s'; see --help\n",
		argv[optind]);
	exit(2);
}

/* The segment, and the semaphore in it, which is a flight like others. */
static int found(void)
{
	struct sfshm_semaphore_options permits = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		.slots = STORM_SLOTS,
		.participants = 2 * workers + 8,
		.bytes = STORM_BYTES,
		.max_value = STORM_MAX_VALUE,
	};
	struct own *own = &storm->own[0];
	struct sfshm_permit permit;
	struct sfshm *h;

	permits.max = STORM_PERMITS;
	own->started = own->led = own->published = 1;
	return sfshm_open(&h, storm->path, &o) ||
	       sfshm_acquire(h, STORM_SEMAPHORE, strlen(STORM_SEMAPHORE),
			     &permits, &permit) ||
	       sfshm_permit_release(&permit);
}

/* Made by a child, so that this process has nothing of it mapped. */
static void make_segment(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(found());
	waitpid(pid, &status, 0);
	if (status) {
		fprintf(stderr, "storm: cannot make the segment %s\n",
			storm->path);
		exit(2);
	}
}

static void prepare(void)
{
	const struct rlimit no_core = { 0, 0 };
	int ends[2];

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	main_pid = getpid();
	storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (storm == MAP_FAILED || pipe2(ends, O_CLOEXEC))
		die("cannot prepare");
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	ears = ends[0];
	storm->pipe = ends[1];
	storm->bound_ns = bound_ms * 1000000;
	snprintf(storm->path, sizeof(storm->path), "/dev/shm/storm-%d",
		 (int)main_pid);
	atexit(clear_up);
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	make_segment();
}

int main(int argc, char **argv)
{
	struct audit *a;
	pid_t bystander;

	parse(argc, argv);
	prepare();
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		die("mmap");
	for (uint32_t w = 0; w < workers; w++)
		give_birth(w);
	bystander = call_bystander();
	blow();
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
	audit(a);
	print_table(a);
	return oracle_violations(&oracle) || a->stuck_keys || a->uneven ||
	       a->findings;
}
