/* SPDX-License-Identifier: MIT */
/*
 * A server whose workers have one thread and one event loop each, and share one
 * segment.
 *
 * A client sends a key and a newline, and gets an answer: how the value was
 * had, its generation, and the value; or "error", 0, and why. A client that
 * closes its side before that counts as gone. The value of a key is what a
 * command prints. The first worker that is asked for a key runs the command;
 * all other clients that ask meanwhile, in whichever worker, wait for the same
 * run. No wait stops a loop: the loop polls the queue's descriptor beside its
 * sockets. If the worker that runs the command is killed, another one runs it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm.h>

#define WORKERS_MAX 64
#define KEY_MAX 200
#define VALUE_MAX 4096
#define WAIT_MS 30000 /* for another worker's run */

/* What a descriptor of the loop belongs to. */
struct source {
	enum { LISTENER, QUEUE, CLIENT, JOB } kind;
	int fd;
	struct source *next_dead;
};

struct client {
	struct source source;   /* the first member */
	struct sfshm_wait wait; /* number 0: it does not wait */
	struct job *job;        /* the run that was begun for it, or NULL */
	uint64_t task;
	char key[KEY_MAX];
	size_t len;
};

/* A run of the command: a flight that this worker leads. */
struct job {
	struct source source; /* the first member; the command's output */
	struct sfshm_flight flight;
	struct client *client; /* NULL: it has gone */
	pid_t pid;
	char value[VALUE_MAX];
	size_t len;
};

struct worker {
	struct sfshm *segment;
	struct sfshm_queue *queue;
	struct sfshm_result result;
	struct job *spare; /* for the next flight that this worker leads */
	struct source *dead;
	uint64_t tasks;
	int epoll;
	uint32_t ttl_ms;
	char **command; /* its last argument is the key */
	int command_argc;
};

static void fatal(const char *what)
{
	fprintf(stderr, "event-server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *allocate(size_t size)
{
	void *it = calloc(1, size);

	if (!it)
		fatal("memory");
	return it;
}

static void watch(struct worker *w, struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, source->fd, &event) < 0)
		fatal("epoll_ctl");
}

/* The struct is freed when no event in hand can point to it any more. */
static void end(struct worker *w, struct source *source)
{
	close(source->fd);
	source->fd = -1;
	source->next_dead = w->dead;
	w->dead = source;
}

static void bury(struct worker *w)
{
	while (w->dead) {
		struct source *source = w->dead;

		w->dead = source->next_dead;
		free(source);
	}
}

/* ---- answers ----------------------------------------------------------- */

/* Sends the client its line, and ends it. A line fits the socket's buffer. */
static void answer(struct worker *w, struct client *c, const char *source,
		   uint64_t generation, const char *text, size_t len)
{
	char line[VALUE_MAX + 64];
	int n = snprintf(line, sizeof(line), "%s %" PRIu64 " %.*s\n", source,
			 generation, (int)len, text);

	(void)!send(c->source.fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	end(w, &c->source);
}

static void answer_error(struct worker *w, struct client *c, const char *text)
{
	answer(w, c, "error", 0, text, strlen(text));
}

static void answer_result(struct worker *w, struct client *c, int r)
{
	const struct sfshm_result *result = &w->result;

	if (r >= 0)
		answer(w, c, r == SFSHM_CACHED ? "cached" : "awaited",
		       result->generation, result->value.data,
		       result->value.len);
	else if (r == -EREMOTEIO || r == -ENOENT)
		answer_error(w, c, result->message);
	else
		answer_error(w, c, sfshm_strerror(r));
}

/* ---- runs of the command ----------------------------------------------- */

static void run_command(const struct worker *w, const struct client *c, int out)
{
	char *argv[64];
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (; n < w->command_argc; n++)
		argv[n] = w->command[n];
	argv[n] = strdup(c->key);
	argv[n + 1] = NULL;
	dup2(out, STDOUT_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

/* The worker leads: starts the command, and reads what it prints. */
static void job_start(struct worker *w, struct client *c)
{
	struct job *job = w->spare;
	int ends[2];

	w->spare = NULL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		fatal("pipe");
	job->pid = fork();
	if (job->pid < 0)
		fatal("fork");
	if (!job->pid)
		run_command(w, c, ends[1]);
	close(ends[1]);
	job->source.kind = JOB;
	job->source.fd = ends[0];
	job->client = c;
	c->job = job;
	watch(w, &job->source);
}

/* Ends the flight, and answers the client for which the command ran. */
static void job_end(struct worker *w, struct job *job)
{
	struct client *c = job->client;
	int status, r;

	waitpid(job->pid, &status, 0);
	if (job->len && job->value[job->len - 1] == '\n')
		job->len--;
	if (status)
		r = sfshm_fail(&job->flight, -EIO, "the command failed");
	else
		r = sfshm_publish(&job->flight, job->value, job->len);
	if (c && status)
		answer_error(w, c, "the command failed");
	else if (c && r < 0)
		answer_error(w, c, sfshm_strerror(r));
	else if (c)
		answer(w, c, "computed", sfshm_flight_generation(&job->flight),
		       job->value, job->len);
	end(w, &job->source);
}

static void job_read(struct worker *w, struct job *job)
{
	size_t room = sizeof(job->value) - job->len;
	ssize_t n = read(job->source.fd, job->value + job->len, room);

	if (n > 0)
		job->len += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		job_end(w, job);
}

/* ---- clients ----------------------------------------------------------- */

static struct sfshm_flight *spare_flight(struct worker *w)
{
	if (!w->spare)
		w->spare = allocate(sizeof(*w->spare));
	return &w->spare->flight;
}

/* What a call for this client has returned. */
static void go_on(struct worker *w, struct client *c, int r)
{
	if (r == -EINPROGRESS)
		return;
	c->wait.number = 0;
	if (r == SFSHM_LEADER)
		job_start(w, c);
	else
		answer_result(w, c, r);
}

static void ask(struct worker *w, struct client *c)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = SFSHM_DETACHED;
	policy.task = c->task;
	policy.ttl_ms = w->ttl_ms;
	policy.wait_timeout_ms = WAIT_MS;
	c->wait.data = c;
	go_on(w, c,
	      sfshm_begin_async(w->queue, w->segment, c->key, strlen(c->key),
				&policy, spare_flight(w), &w->result,
				&c->wait));
}

/* The queue's descriptor is readable. */
static void finish_waits(struct worker *w)
{
	struct sfshm_wait wait;

	while (sfshm_queue_next(w->queue, &wait) == 1)
		go_on(w, wait.data,
		      sfshm_wait_finish(w->queue, &wait, spare_flight(w),
					&w->result));
}

/* The client has gone. A run that was begun for it goes on, for the others. */
static void forget(struct worker *w, struct client *c)
{
	if (c->wait.number)
		(void)sfshm_wait_cancel(w->queue, &c->wait);
	if (c->job)
		c->job->client = NULL;
	end(w, &c->source);
}

/* The key is complete, or never will be. */
static void client_asks(struct worker *w, struct client *c)
{
	char *newline = memchr(c->key, '\n', c->len);

	if (!newline && c->len < sizeof(c->key) - 1)
		return;
	if (!newline || newline == c->key) {
		answer_error(w, c, "not a key");
		return;
	}
	*newline = '\0';
	c->task = ++w->tasks;
	ask(w, c);
}

static void client_read(struct worker *w, struct client *c)
{
	char rest[64]; /* of what comes after the key */
	bool asked = c->task != 0;
	ssize_t n = asked ? read(c->source.fd, rest, sizeof(rest)) :
			    read(c->source.fd, c->key + c->len,
				 sizeof(c->key) - 1 - c->len);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		forget(w, c);
	} else if (!asked) {
		c->len += (size_t)n;
		client_asks(w, c);
	}
}

static void client_accept(struct worker *w, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0)
		return;
	c = allocate(sizeof(*c));
	c->source.kind = CLIENT;
	c->source.fd = fd;
	watch(w, &c->source);
}

/* ---- the loop ---------------------------------------------------------- */

static void handle(struct worker *w, struct source *source)
{
	if (source->fd < 0)
		return; /* it has ended in this round */
	switch (source->kind) {
	case LISTENER: client_accept(w, source->fd); break;
	case QUEUE: finish_waits(w); break;
	case CLIENT: client_read(w, (struct client *)source); break;
	case JOB: job_read(w, (struct job *)source); break;
	}
}

static void loop(struct worker *w)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(w->epoll, events, 64, -1);

		for (int i = 0; i < n; i++)
			handle(w, events[i].data.ptr);
		bury(w);
	}
}

/* Each worker has a socket of its own: PATH.0, PATH.1, ... */
static int listen_at(const char *path, int number)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s.%d", path, number) >=
	    (int)sizeof(to.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0 && (unlink(to.sun_path) == 0 || errno == ENOENT) &&
		 bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		 listen(fd, 1024) == 0)
		return fd;
	fatal(path);
	return -1;
}

static void work(struct worker *w, const char *name, int listener)
{
	struct source sources[] = {
		{ .kind = LISTENER, .fd = listener },
		{ .kind = QUEUE },
	};
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	r = sfshm_open(&w->segment, name, &options);
	if (r == 0)
		r = sfshm_queue_open(&w->queue);
	if (r < 0) {
		fprintf(stderr, "event-server: %s: %s\n", name,
			sfshm_strerror(r));
		exit(1);
	}
	sources[1].fd = sfshm_queue_fd(w->queue);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		fatal("epoll_create1");
	watch(w, &sources[0]);
	watch(w, &sources[1]);
	loop(w);
}

/* Starts a worker again whenever a signal has killed it. */
static void keep(struct worker *w, const char *name, int *listeners, int count)
{
	pid_t pid[WORKERS_MAX] = { 0 };

	for (;;) {
		int status;
		pid_t gone;

		for (int i = 0; i < count; i++) {
			if (pid[i])
				continue;
			pid[i] = fork();
			if (pid[i] < 0)
				fatal("fork");
			if (!pid[i])
				work(w, name, listeners[i]);
		}
		gone = wait(&status);
		if (gone < 0 || WIFEXITED(status))
			exit(1);
		for (int i = 0; i < count; i++)
			if (pid[i] == gone)
				pid[i] = 0;
	}
}

static void usage(void)
{
	fputs("usage: event-server -s SEGMENT -l SOCKET [-w WORKERS] "
	      "[-t TTL_MS] COMMAND [ARG...]\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct worker w = { .result = SFSHM_RESULT_INIT };
	const char *segment = NULL, *path = NULL;
	int listeners[WORKERS_MAX], workers = 4, option;

	while ((option = getopt(argc, argv, "+s:l:w:t:")) >= 0) {
		switch (option) {
		case 's': segment = optarg; break;
		case 'l': path = optarg; break;
		case 'w': workers = atoi(optarg); break;
		case 't': w.ttl_ms = (uint32_t)atoi(optarg); break;
		default: usage();
		}
	}
	w.command = argv + optind;
	w.command_argc = argc - optind;
	if (!segment || !path || workers < 1 || workers > WORKERS_MAX ||
	    w.command_argc < 1 || w.command_argc > 60)
		usage();
	for (int i = 0; i < workers; i++)
		listeners[i] = listen_at(path, i);
	puts("listening");
	fflush(stdout);
	keep(&w, segment, listeners, workers);
}
