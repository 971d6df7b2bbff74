/* SPDX-License-Identifier: MIT */
/*
 * The preforked example server under a herd, against the same server with
 * another cache: files and flock(2), memcached, Redis. Both servers of a case
 * run at once and are asked in turns.
 *
 * "server" is the processor time that the workers take for a request of one
 * cached key; it shows how many requests a core can answer. The clients share
 * the cores, but their time does not count. "server-p99" is the 99th percentile
 * of the time that clients wait when crowds ask for keys that are not cached.
 * Each round starts the servers anew, because the kernel's choice of cores for
 * the workers makes a difference that lasts.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "http.h"

#define WORKERS "16"
#define CLIENTS 16     /* clients that ask for a cached key */
#define HERD 32        /* clients of a cold key: twice the workers */
#define KEYS_AT_ONCE 4 /* cold keys whose crowds make one measurement */
#define REGIONS 2000
#define SALES 20000 /* a report takes some milliseconds */
#define WARM 400
#define SECOND 1000000000

static char folder[64], sales[80], socket_path[80];
static pid_t pid[2], store; /* the servers; memcached or Redis, if needed */
static uint16_t port[2];
static unsigned int cold[2];

static void make_sales(void)
{
	FILE *file;

	bench_folder(folder, sizeof(folder));
	snprintf(sales, sizeof(sales), "%s/sales.csv", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	file = fopen(sales, "w");
	if (!file)
		bench_die(sales, -errno);
	for (int i = 0; i < SALES; i++)
		fprintf(file, "2026-01-01,r%04d,p%d,c%d,%d\n", i % REGIONS,
			i % 17, i % 101, 100 + i);
	if (fclose(file))
		bench_die(sales, -errno);
}

static pid_t spawn(char *const *argv, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t child;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	else
		posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
						 STDOUT_FILENO);
	r = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r ? 0 : child;
}

/* Starts a server and reads from its first line where it listens. */
static void serve(int side, char *program)
{
	char *argv[] = { program, "-w", WORKERS, "-t", "3600000", sales, NULL };
	char line[128] = "", *colon;
	FILE *said;
	int out[2];

	if (pipe2(out, O_CLOEXEC))
		bench_die("pipe", -errno);
	setenv("SFSHM_BENCH_AT", store ? socket_path : folder, 1);
	pid[side] = spawn(argv, out[1]);
	close(out[1]);
	said = fdopen(out[0], "r");
	/* "listening on http://127.0.0.1:PORT" */
	colon = said && fgets(line, sizeof(line), said) ? strrchr(line, ':') :
							  NULL;
	if (!pid[side] || !colon)
		bench_die(program, -ENOEXEC);
	fclose(said);
	port[side] = (uint16_t)strtoul(colon + 1, NULL, 10);
}

static bool listens(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return !r;
}

/* Starts the peer's memcached or Redis; false: it is not installed. */
static bool start_store(const char *peer)
{
	char *memcached[] = { "memcached", "-s", socket_path, "-u", "root",
			      "-U",        "0",  "-t",        "2",  NULL };
	char *redis[] = { "redis-server", "--port", "0", "--unixsocket",
			  socket_path,    "--save", "",  "--appendonly",
			  "no",           NULL };
	uint64_t end = bench_now() + 10ULL * SECOND;

	if (!strcmp(peer, "flock"))
		return true;
	/* memcached needs its -u only if root runs it, and ignores it else. */
	store = spawn(strcmp(peer, "redis") ? memcached : redis, -1);
	if (!store)
		return false;
	while (!listens(socket_path)) {
		usleep(2000);
		if (bench_now() > end || waitpid(store, NULL, WNOHANG))
			bench_die(peer, -ECONNREFUSED);
	}
	return true;
}

static void stop(pid_t *which, int how)
{
	if (*which) {
		kill(*which, how);
		waitpid(*which, NULL, 0);
	}
	*which = 0;
}

static const char *backend_of(const struct bench *b)
{
	return b->size == 0 ? "flock" : b->size == 1 ? "memcached" : "redis";
}

static void clean_up(const struct bench *b)
{
	(void)b;
	stop(&pid[0], SIGTERM);
	stop(&pid[1], SIGTERM);
	stop(&store, SIGTERM);
	bench_folder_remove(folder);
}

/* Runs at exit: stops the servers if the benchmark was interrupted. */
static void stop_all(void)
{
	static pid_t parent;

	if (!parent)
		parent = getpid();
	if (getpid() != parent)
		return;
	stop(&pid[0], SIGTERM);
	stop(&pid[1], SIGTERM);
	stop(&store, SIGTERM);
}

/* Reads a file of /proc; false if there is none. */
static bool read_proc(char *text, size_t size, const char *format, int process)
{
	char path[64];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), format, process, process);
	file = fopen(path, "re");
	if (!file)
		return false;
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
	return true;
}

/* How long a server's workers have been on a processor, ns. */
static uint64_t workers_busy(int side)
{
	char workers[1024], times[128], *at = workers, *end;
	uint64_t sum = 0;

	if (!read_proc(workers, sizeof(workers), "/proc/%d/task/%d/children",
		       (int)pid[side]))
		return 0;
	for (long worker; (worker = strtol(at, &end, 10)) > 0; at = end)
		if (read_proc(times, sizeof(times), "/proc/%d/schedstat",
			      (int)worker))
			sum += strtoull(times, NULL, 10);
	return sum;
}

static uint64_t hits(int side, uint64_t n)
{
	uint64_t start = workers_busy(side);

	http_ask(port[side], "r0000", CLIENTS, (unsigned int)n, NULL);
	return workers_busy(side) - start;
}

static const char *prepare(const struct bench *b)
{
	char mine[PATH_MAX], theirs[PATH_MAX], name[64];
	static bool armed, first;

	snprintf(name, sizeof(name), "bench-server-%s", backend_of(b));
	if (!bench_beside(mine, sizeof(mine), "bench-server-sfshm") ||
	    !bench_beside(theirs, sizeof(theirs), name))
		return "the peer's server is not built (package "
		       "libhiredis-dev)";
	make_sales();
	if (!armed)
		atexit(stop_all);
	armed = true;
	if (!start_store(backend_of(b))) {
		bench_folder_remove(folder);
		return "the peer is not installed (packages memcached, "
		       "redis-server)";
	}
	cold[0] = cold[1] = 1;
	first = !first;
	serve(first ? 0 : 1, first ? mine : theirs);
	serve(first ? 1 : 0, first ? theirs : mine);
	/* Each worker has answered before the measurement. */
	hits(0, WARM);
	hits(1, WARM);
	if (workers_busy(0) && workers_busy(1))
		return NULL;
	clean_up(b);
	return "the kernel does not tell how long processes run";
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t crowds(int side)
{
	uint64_t took[HERD * KEYS_AT_ONCE];
	const size_t count = sizeof(took) / sizeof(took[0]);
	char region[16];

	for (int i = 0; i < KEYS_AT_ONCE; i++) {
		if (++cold[side] == REGIONS)
			bench_die("no region is cold", -ERANGE);
		snprintf(region, sizeof(region), "r%04u", cold[side]);
		http_ask(port[side], region, HERD, HERD,
			 took + (size_t)i * HERD);
	}
	qsort(took, count, sizeof(took[0]), by_size);
	return took[count * 99 / 100];
}

static uint64_t our_hits(const struct bench *b, uint64_t n)
{
	(void)b;
	return hits(0, n);
}

static uint64_t their_hits(const struct bench *b, uint64_t n)
{
	(void)b;
	return hits(1, n);
}

static uint64_t our_crowds(const struct bench *b, uint64_t n)
{
	(void)b;
	(void)n;
	return crowds(0);
}

static uint64_t their_crowds(const struct bench *b, uint64_t n)
{
	(void)b;
	(void)n;
	return crowds(1);
}

#define HITS(other, which)                                                     \
	{                                                                      \
		.name = "server", .peer = (other),                             \
		.what = "processor time of a request for a key that is there", \
		.target = 1, .size = (which), .batch = 2000, .turns = 12,      \
		.turn_ms = 10, .anew = true, .prepare = prepare,               \
		.ours = our_hits, .theirs = their_hits, .clean_up = clean_up,  \
	}

#define CROWDS(other, which)                                            \
	{                                                               \
		.name = "server-p99", .peer = (other),                  \
		.what = "p99 of requests by crowds for cold keys",      \
		.target = 1, .size = (which), .batch = 1, .anew = true, \
		.prepare = prepare, .ours = our_crowds,                 \
		.theirs = their_crowds, .clean_up = clean_up,           \
	}

const struct bench server_benches[] = {
	HITS("the same, flock(2) and files", 0),
	HITS("the same, memcached", 1),
	HITS("the same, Redis", 2),
	CROWDS("the same, flock(2) and files", 0),
	CROWDS("the same, memcached, polled", 1),
	CROWDS("the same, Redis, polled", 2),
	{ 0 },
};
