/* SPDX-License-Identifier: MIT */
/*
 * A preforked HTTP server whose workers share one segment.
 *
 *   GET /report?key=REGION
 *
 * The answer is a report made from a large file of sales. The first worker that
 * gets the request makes the report; workers that get the same request
 * meanwhile sleep, and then send the same bytes. If the first worker is killed,
 * one of the sleeping workers makes the report, and the master starts a new
 * worker.
 *
 * This file has first the report, then the worker, then the master. The workers
 * speak HTTP through prefork-http.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sfshm.h>

#include "prefork-http.h"

#define WORKERS_MAX 512
#define REPORT_MAX 512
#define KEY_MAX 64
#define CENTS_MAX 100000000000 /* of one sale */

/* Milliseconds. */
#define WAIT_MS 30000  /* for another worker's report */
#define FAILURE_MS 500 /* lifetime of a failure */
#define GRACE_MS 10000 /* for a worker to finish its request at the end */

#define KEY_CHARS                    \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz0123456789._-"

struct server {
	const char *data;    /* the file of sales */
	const char *segment; /* name of the segment; NULL: a memfd */
	uint32_t ttl_ms;
	uint16_t port;
	unsigned int workers;
	int listen_fd;
	int segment_fd; /* the memfd, which the workers inherit; or -1 */
	pid_t pid[WORKERS_MAX]; /* 0: to be started */
};

struct job {
	const struct server *server;
	const char *region;
};

/* Writes a line in one call, so that lines of several processes do not mix. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	struct timespec now;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &now);
	dprintf(STDERR_FILENO, "%lld.%06ld [%d] %s\n", (long long)now.tv_sec,
		now.tv_nsec / 1000, (int)getpid(), text);
}

/* ---- the report -------------------------------------------------------- */

struct sales {
	uint64_t count, total, largest;
};

/* Reads "day,region,product,customer,cents". Returns 0 or -EINVAL. */
static int sale_add(struct sales *sales, char *line, const char *region)
{
	char *where, *end;
	uint64_t cents;

	strsep(&line, ",");
	where = strsep(&line, ",");
	strsep(&line, ",");
	strsep(&line, ",");
	if (!line)
		return -EINVAL;
	cents = strtoull(line, &end, 10);
	if (*line < '0' || *line > '9' || *end != '\n' || cents > CENTS_MAX)
		return -EINVAL;
	if (strcmp(where, region))
		return 0;
	sales->count++;
	sales->total += cents;
	if (sales->largest < cents)
		sales->largest = cents;
	return 0;
}

/* On failure `text` says why. */
static int sales_read(struct sales *sales, const char *path, const char *region,
		      char *text)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!file) {
		snprintf(text, REPORT_MAX, "%s: %s", path, strerror(errno));
		return -EIO;
	}
	while (rc == 0 && getline(&line, &room, file) >= 0) {
		number++;
		rc = sale_add(sales, line, region);
	}
	if (rc < 0)
		snprintf(text, REPORT_MAX, "%s:%u: not a sale", path, number);
	else if (!feof(file)) {
		rc = -EIO;
		snprintf(text, REPORT_MAX, "%s: cannot read it", path);
	}
	free(line);
	fclose(file);
	return rc;
}

/* The work: runs in one worker at a time for each region. */
static int report_make(struct sfshm_flight *flight, void *arg)
{
	const struct job *job = arg;
	struct sales sales = { 0 };
	char text[REPORT_MAX];
	int rc, len;

	say("making the report on %s", job->region);
	rc = sales_read(&sales, job->server->data, job->region, text);
	if (rc < 0)
		return sfshm_fail(flight, rc, text);
	if (sales.count == 0)
		return sfshm_fail(flight, -ENOENT, "no sales in this region");
	len = snprintf(text, sizeof(text),
		       "region   %s\nsales    %" PRIu64 "\n"
		       "revenue  %.2f\nmean     %.2f\nlargest  %.2f\n",
		       job->region, sales.count, (double)sales.total / 100,
		       (double)sales.total / 100 / (double)sales.count,
		       (double)sales.largest / 100);
	return sfshm_publish(flight, text, (size_t)len);
}

/* ---- the worker -------------------------------------------------------- */

static void reply_report(int fd, const struct sfshm_result *result)
{
	static const char *const source[] = {
		[SFSHM_CACHED] = "cached",
		[SFSHM_AWAITED] = "awaited",
		[SFSHM_COMPUTED] = "computed",
	};
	char headers[256];

	snprintf(headers, sizeof(headers),
		 "X-Sfshm: %s\r\nX-Sfshm-Generation: %" PRIu64 "\r\n"
		 "X-Sfshm-Worker: %d\r\n",
		 source[result->source], result->generation, (int)getpid());
	http_reply(fd, "200 OK", headers, result->value.data,
		   result->value.len);
}

static void serve_region(const struct server *server, struct sfshm *segment,
			 struct sfshm_result *result, int fd,
			 const char *region)
{
	struct job job = { .server = server, .region = region };
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	int rc;

	policy.ttl_ms = server->ttl_ms;
	policy.neg_ttl_ms = FAILURE_MS;
	policy.deadline_ns = sfshm_deadline_ms(WAIT_MS);
	rc = sfshm_do(segment, region, strlen(region), &policy, report_make,
		      &job, result);
	if (rc >= 0 && result->value.len > REPORT_MAX) {
		say("region %s: the value is not a report", region);
		http_reply_line(fd, "503 Service Unavailable", "not a report");
	} else if (rc >= 0) {
		reply_report(fd, result);
	} else if (rc == -ENOENT) {
		http_reply_line(fd, "404 Not Found", result->message);
	} else if (rc == -EREMOTEIO) {
		http_reply_line(fd, "502 Bad Gateway", result->message);
	} else if (rc == -ETIMEDOUT) {
		http_reply_line(fd, "504 Gateway Timeout", "not ready yet");
	} else {
		say("region %s: %s", region, sfshm_strerror(rc));
		http_reply_line(fd, "503 Service Unavailable",
				sfshm_strerror(rc));
	}
}

static void serve(const struct server *server, struct sfshm *segment,
		  struct sfshm_result *result, int fd)
{
	char head[HTTP_HEAD_MAX], *path, *region;
	const char *refusal = http_read(fd, head, &path);

	if (refusal) {
		if (*refusal)
			http_reply_line(fd, refusal,
					"send GET /report?key=REGION");
		return;
	}
	region = path;
	path = strsep(&region, "?");
	if (strcmp(path, "/report"))
		http_reply_line(fd, "404 Not Found",
				"there is only /report?key=REGION");
	else if (!region || strncmp(region, "key=", 4) || !region[4] ||
		 region[4 + strspn(region + 4, KEY_CHARS)] ||
		 strlen(region + 4) > KEY_MAX)
		http_reply_line(fd, "400 Bad Request",
				"ask for /report?key=REGION");
	else
		serve_region(server, segment, result, fd, region + 4);
}

/*
 * Runs in each worker: a handle that the master opened before the fork would
 * answer -ECHILD there, unless it had SFSHM_FOLLOW_FORK.
 */
static int segment_open(struct sfshm **out, const struct server *server)
{
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };

	if (!server->segment)
		return sfshm_open_fd(out, server->segment_fd, NULL);
	return sfshm_open(out, server->segment, &options);
}

/* Serves until the master shuts the socket down: accept() gives EINVAL. */
static int worker_run(const struct server *server)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *segment;
	int fd, rc = segment_open(&segment, server);

	if (rc < 0) {
		say("cannot open the segment: %s", sfshm_strerror(rc));
		return EXIT_FAILURE;
	}
	say("started");
	for (;;) {
		fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			serve(server, segment, &result, fd);
			http_close(fd);
		} else if (errno == EINVAL) {
			break;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			say("accept: %s", strerror(errno));
			poll(NULL, 0, 100); /* no descriptors or memory */
		}
	}
	sfshm_result_clear(&result);
	return sfshm_close(segment) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- the master -------------------------------------------------------- */

static _Noreturn void worker_main(const struct server *server, pid_t master)
{
	sigset_t none;

	/* A ^C reaches the whole process group; the master acts on it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != master)
		_exit(EXIT_FAILURE);
	_exit(worker_run(server));
}

/* Starts the missing workers. A later call retries those that fail to start. */
static void workers_fill(struct server *server)
{
	pid_t master = getpid(), pid;

	for (unsigned int i = 0; i < server->workers; i++) {
		if (server->pid[i])
			continue;
		pid = fork();
		if (pid == 0)
			worker_main(server, master);
		if (pid > 0)
			server->pid[i] = pid;
		else
			say("fork: %s", strerror(errno));
	}
}

/*
 * Forgets the workers that died, and returns how many are alive. Sets *gave_up
 * if a worker ended by itself; a worker does so only when it cannot go on.
 */
static unsigned int workers_reap(struct server *server, int *gave_up)
{
	unsigned int alive = 0;
	int status;

	for (unsigned int i = 0; i < server->workers; i++) {
		pid_t pid = server->pid[i];

		if (!pid)
			continue;
		if (waitpid(pid, &status, WNOHANG) == 0) {
			alive++;
			continue;
		}
		server->pid[i] = 0;
		if (WIFSIGNALED(status))
			say("worker %d died of signal %d", (int)pid,
			    WTERMSIG(status));
		else if (WEXITSTATUS(status))
			*gave_up = 1;
	}
	return alive;
}

/* Returns the signal that ends the server, or 0 if a worker gave up. */
static int supervise(struct server *server, const sigset_t *signals)
{
	const struct timespec second = { .tv_sec = 1 };
	int gave_up = 0, signal;

	while (!gave_up) {
		workers_fill(server);
		signal = sigtimedwait(signals, NULL, &second);
		if (signal == SIGTERM || signal == SIGINT)
			return signal;
		workers_reap(server, &gave_up);
	}
	return 0;
}

/* Waits until the workers finish. Returns how many it had to kill. */
static unsigned int workers_stop(struct server *server)
{
	const struct timespec tick = { .tv_nsec = 100000000 };
	uint64_t end_ns = sfshm_deadline_ms(GRACE_MS);
	unsigned int alive;
	sigset_t child;
	int gave_up = 0;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	do {
		alive = workers_reap(server, &gave_up);
		if (alive)
			sigtimedwait(&child, NULL, &tick);
	} while (alive && sfshm_deadline_ms(0) < end_ns);
	for (unsigned int i = 0; i < server->workers; i++)
		if (server->pid[i] && kill(server->pid[i], SIGKILL) == 0)
			waitpid(server->pid[i], NULL, 0);
	return alive;
}

static int server_run(struct server *server)
{
	unsigned int killed;
	sigset_t signals;
	int signal;

	/* Block the signals, so that none is lost before sigtimedwait(). */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	printf("listening on http://127.0.0.1:%d\n", server->port);
	fflush(stdout);
	signal = supervise(server, &signals);
	shutdown(server->listen_fd, SHUT_RDWR); /* ends every accept4() */
	say("shutting down: %s",
	    signal ? strsignal(signal) : "a worker gave up");
	killed = workers_stop(server);
	if (killed)
		say("killed %u workers that did not finish in time", killed);
	return signal && !killed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Listens on the loopback only. Replaces port 0 by the port that it gets. */
static int listen_local(uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int on = 1, rc;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&addr, len) == 0 &&
	    listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, (struct sockaddr *)&addr, &len) == 0) {
		*port = ntohs(addr.sin_port);
		return fd;
	}
	rc = -errno;
	close(fd);
	return rc;
}

static int usage(void)
{
	fprintf(stderr, "usage: prefork-server [-p PORT] [-w WORKERS] "
			"[-t TTL_MS] [-s SEGMENT] SALES.csv\n");
	return 2;
}

/* Returns the number in `text`, or -1 if there is none or it is above `max`. */
static int64_t parse_number(const char *text, int64_t max)
{
	char *end;
	int64_t number = strtoll(text, &end, 10);

	return *text < '0' || *text > '9' || *end || number > max ? -1 : number;
}

int main(int argc, char **argv)
{
	static struct server server = { .segment_fd = -1 };
	int64_t port = 0, workers = 8, ttl_ms = 10000;
	int option;

	while ((option = getopt(argc, argv, "p:w:t:s:")) != -1) {
		if (option == 'p')
			port = parse_number(optarg, UINT16_MAX);
		else if (option == 'w')
			workers = parse_number(optarg, WORKERS_MAX);
		else if (option == 't')
			ttl_ms = parse_number(optarg, UINT32_MAX);
		else if (option == 's')
			server.segment = optarg;
		else
			return usage();
	}
	if (optind != argc - 1 || port < 0 || workers < 1 || ttl_ms < 0)
		return usage();
	server.data = argv[optind];
	server.port = (uint16_t)port;
	server.workers = (unsigned int)workers;
	server.ttl_ms = (uint32_t)ttl_ms;

	server.listen_fd = listen_local(&server.port);
	if (server.listen_fd < 0) {
		fprintf(stderr, "prefork-server: port %d: %s; choose another\n",
			server.port, strerror(-server.listen_fd));
		return EXIT_FAILURE;
	}
	if (!server.segment)
		server.segment_fd = sfshm_memfd("prefork-server", NULL);
	if (!server.segment && server.segment_fd < 0) {
		fprintf(stderr, "prefork-server: cannot make a segment: %s\n",
			sfshm_strerror(server.segment_fd));
		return EXIT_FAILURE;
	}
	return server_run(&server);
}
