/* SPDX-License-Identifier: MIT */
/*
 * A server whose workers have one event loop each, and share one segment.
 *
 * A client sends a key and a newline, and gets an answer: where the value came
 * from, its generation, and the value; or "error", 0, and why. A client that
 * closes its socket before that counts as gone; it may shut down its writing
 * side. The value of a key is what a command prints. The first worker that is
 * asked for a key runs the command; all other clients that ask meanwhile, in
 * whichever worker, wait for the same run. If the worker that runs the command
 * is killed, another one runs it.
 *
 * No wait stops a loop: beside its sockets the loop polls the queue's
 * descriptor, and for each command first its output, then its end.
 * event-command.c starts a command and reads what it prints.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
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

#include "event-command.h"

#define WORKERS_MAX 64
#define KEY_MAX 200   /* with the newline */
#define WAIT_MS 30000 /* for another worker's run */

/* A descriptor that the loop polls; `kind` tells what it belongs to. */
struct source {
	enum { LISTENER, QUEUE, CLIENT, OUTPUT, COMMAND } kind;
	int fd;
	struct source *next_dead;
};

/* The loop polls a client for input until its key is complete, then only for
   its end, and for output once it has an answer. */
struct client {
	struct source source;   /* the first member */
	struct sfshm_wait wait; /* number 0: it does not wait */
	struct job *job;        /* the run that was begun for it, or NULL */
	char key[KEY_MAX];
	size_t key_len;
	char *answer; /* or NULL */
	size_t answer_len, sent;
};

/* A run of the command: a flight that this worker leads. */
struct job {
	struct source source; /* the first member */
	struct sfshm_flight flight;
	struct client *client; /* NULL: it has gone */
	struct command command;
};

struct worker {
	const char *name;
	struct sfshm *segment;
	struct sfshm_queue *queue;
	struct sfshm_result result;
	struct job *spare; /* for the next flight that this worker leads */
	struct source *dead;
	uint64_t tasks;
	int epoll;
	uint32_t ttl_ms;
	char **command; /* the key becomes its last argument */
};

_Noreturn static void fatal(const char *what, const char *why)
{
	fprintf(stderr, "event-server: %s: %s\n", what, why);
	exit(1);
}

static void *allocate(size_t size)
{
	void *it = calloc(1, size);

	if (!it)
		fatal("memory", strerror(errno));
	return it;
}

/* `how` is EPOLL_CTL_ADD or EPOLL_CTL_MOD. The loop is told of a client's end
   even if `events` is 0. */
static void watch(struct worker *w, int how, struct source *source,
		  uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(w->epoll, how, source->fd, &event) < 0)
		fatal("epoll_ctl", strerror(errno));
}

/* Until a new child's exec, the child has the descriptor, too, so that close()
   alone would leave it in the epoll set. */
static void unwatch(struct worker *w, struct source *source)
{
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
}

/* bury() frees the struct after this round, whose events may point to it. */
static void end(struct worker *w, struct source *source)
{
	unwatch(w, source);
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

/* Ends the client. A run that was begun for it goes on, for the others. */
static void client_end(struct worker *w, struct client *c)
{
	if (c->wait.number)
		(void)sfshm_wait_cancel(w->queue, &c->wait);
	if (c->job)
		c->job->client = NULL;
	free(c->answer);
	end(w, &c->source);
}

/* The client's socket has room. A long answer takes several rounds. */
static void client_send(struct worker *w, struct client *c)
{
	ssize_t n = send(c->source.fd, c->answer + c->sent,
			 c->answer_len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent == c->answer_len || (n < 0 && errno != EAGAIN))
		client_end(w, c);
}

/* The loop sends the client its answer, and ends it. */
static void answer(struct worker *w, struct client *c, const char *source,
		   uint64_t generation, const char *text, size_t len)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "%s %" PRIu64 " ", source,
			 generation);

	c->answer_len = (size_t)n + len + 1;
	c->answer = allocate(c->answer_len);
	memcpy(c->answer, head, (size_t)n);
	if (len)
		memcpy(c->answer + n, text, len);
	c->answer[c->answer_len - 1] = '\n';
	watch(w, EPOLL_CTL_MOD, &c->source, EPOLLOUT);
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

/* The command has ended, or `failure` says why it never began. Ends the flight,
   and answers the client for which the command ran. */
static void job_end(struct worker *w, struct job *job, const char *failure)
{
	struct command *command = &job->command;
	struct client *c = job->client;
	int r = 0;

	if (!failure)
		failure = command_end(command);
	if (!failure)
		r = sfshm_publish(&job->flight, command->output, command->len);
	if (r < 0)
		failure = sfshm_strerror(r);
	/* A publish that fails may leave the flight to its leader. */
	if (failure && sfshm_fail(&job->flight, -EIO, failure) < 0)
		(void)sfshm_release(&job->flight);
	if (c)
		c->job = NULL;
	if (c && failure)
		answer_error(w, c, failure);
	else if (c)
		answer(w, c, "computed", sfshm_flight_generation(&job->flight),
		       command->output, command->len);
	free(command->output);
	end(w, &job->source);
}

/* Bytes of the largest value that the segment takes: a resize changes it. */
static int largest_value(const char *name, size_t *max)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view = NULL;
	int r = sfshm_view_open(&view, name, NULL, 0);

	if (r == 0)
		r = sfshm_view_segment(view, &info);
	sfshm_view_close(view);
	*max = info.max_value;
	return r;
}

/* The worker leads: starts the command. */
static void job_start(struct worker *w, struct client *c)
{
	struct job *job = w->spare;
	char why[SFSHM_MESSAGE_MAX];
	size_t max;
	int r;

	w->spare = NULL;
	job->client = c;
	c->job = job;
	r = largest_value(w->name, &max);
	if (r == 0) /* a newline at the end does not count */
		r = command_start(&job->command, w->command, c->key, max + 2);
	job->source = (struct source){ .kind = OUTPUT, .fd = r };
	if (r >= 0) {
		watch(w, EPOLL_CTL_ADD, &job->source, EPOLLIN);
	} else {
		snprintf(why, sizeof(why), "the command cannot be started: %s",
			 sfshm_strerror(r));
		job_end(w, job, why);
	}
}

/* The command has printed something, or never will again. It may live on. */
static void job_read(struct worker *w, struct job *job)
{
	if (command_read(&job->command, job->source.fd))
		return;
	unwatch(w, &job->source);
	job->source.kind = COMMAND;
	job->source.fd = command_watch_end(&job->command);
	if (job->source.fd < 0)
		fatal("pidfd_open", strerror(errno));
	watch(w, EPOLL_CTL_ADD, &job->source, EPOLLIN);
}

/* ---- clients ----------------------------------------------------------- */

static struct sfshm_flight *spare_flight(struct worker *w)
{
	if (!w->spare)
		w->spare = allocate(sizeof(*w->spare));
	return &w->spare->flight;
}

/* Acts on `r`, which a begin or a finish for this client has returned. */
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

static void ask(struct worker *w, struct client *c, size_t key_len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = SFSHM_DETACHED;
	policy.task = ++w->tasks;
	policy.ttl_ms = w->ttl_ms;
	policy.wait_timeout_ms = WAIT_MS;
	c->wait.data = c;
	watch(w, EPOLL_CTL_MOD, &c->source, 0);
	go_on(w, c,
	      sfshm_begin_async(w->queue, w->segment, c->key, key_len, &policy,
				spare_flight(w), &w->result, &c->wait));
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

static void client_read(struct worker *w, struct client *c)
{
	size_t room = sizeof(c->key) - c->key_len;
	ssize_t n = read(c->source.fd, c->key + c->key_len, room);
	char *newline;

	if (n < 0)
		return;
	c->key_len += (size_t)n;
	newline = memchr(c->key, '\n', c->key_len);
	if (newline && newline != c->key) {
		*newline = '\0';
		ask(w, c, (size_t)(newline - c->key));
	} else if (newline || n == 0 || c->key_len == sizeof(c->key)) {
		answer_error(w, c,
			     "the key is empty, too long or incomplete; "
			     "send a short key and a newline");
	}
}

static void client_ready(struct worker *w, struct client *c, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR))
		client_end(w, c);
	else if (events & EPOLLOUT)
		client_send(w, c);
	else
		client_read(w, c);
}

static void client_accept(struct worker *w, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0)
		return;
	c = allocate(sizeof(*c));
	c->source = (struct source){ .kind = CLIENT, .fd = fd };
	watch(w, EPOLL_CTL_ADD, &c->source, EPOLLIN);
} /* NOLINT(clang-analyzer-unix.Malloc): the epoll set points to it */

/* ---- the loop ---------------------------------------------------------- */

static void handle(struct worker *w, struct source *source, uint32_t events)
{
	if (source->fd < 0)
		return; /* it has ended in this round */
	switch (source->kind) {
	case LISTENER: client_accept(w, source->fd); break;
	case QUEUE: finish_waits(w); break;
	case CLIENT: client_ready(w, (struct client *)source, events); break;
	case OUTPUT: job_read(w, (struct job *)source); break;
	case COMMAND: job_end(w, (struct job *)source, NULL); break;
	}
}

static void loop(struct worker *w)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(w->epoll, events, 64, -1);

		for (int i = 0; i < n; i++)
			handle(w, events[i].data.ptr, events[i].events);
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
	fatal(path, strerror(errno));
}

static void work(struct worker *w, int listener)
{
	struct source sources[] = {
		{ .kind = LISTENER, .fd = listener },
		{ .kind = QUEUE },
	};
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	r = sfshm_open(&w->segment, w->name, &options);
	if (r == 0)
		r = sfshm_queue_open(&w->queue);
	if (r < 0)
		fatal(w->name, sfshm_strerror(r));
	sources[1].fd = sfshm_queue_fd(w->queue);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		fatal("epoll_create1", strerror(errno));
	watch(w, EPOLL_CTL_ADD, &sources[0], EPOLLIN);
	watch(w, EPOLL_CTL_ADD, &sources[1], EPOLLIN);
	loop(w);
}

/* Starts a worker again whenever a signal has killed it. */
static void keep(struct worker *w, const int *listeners, int count)
{
	pid_t pid[WORKERS_MAX] = { 0 }, gone;
	int status;

	for (;;) {
		for (int i = 0; i < count; i++) {
			if (pid[i])
				continue;
			pid[i] = fork();
			if (pid[i] < 0)
				fatal("fork", strerror(errno));
			if (!pid[i])
				work(w, listeners[i]);
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
	fprintf(stderr, "usage: event-server -s SEGMENT -l SOCKET "
			"[-w WORKERS] [-t TTL_MS] COMMAND [ARG...]\n");
	exit(2);
}

static int64_t parse_number(const char *text, int64_t max)
{
	char *end;
	int64_t number = strtoll(text, &end, 10);

	return *text < '0' || *text > '9' || *end || number > max ? -1 : number;
}

int main(int argc, char **argv)
{
	struct worker w = { .result = SFSHM_RESULT_INIT };
	const char *path = NULL;
	int listeners[WORKERS_MAX], option;
	int64_t workers = 4, ttl_ms = 0;

	while ((option = getopt(argc, argv, "+s:l:w:t:")) >= 0) {
		switch (option) {
		case 's': w.name = optarg; break;
		case 'l': path = optarg; break;
		case 'w': workers = parse_number(optarg, WORKERS_MAX); break;
		case 't': ttl_ms = parse_number(optarg, UINT32_MAX); break;
		default: usage();
		}
	}
	w.command = argv + optind;
	w.ttl_ms = (uint32_t)ttl_ms;
	if (!w.name || !path || workers < 1 || ttl_ms < 0 ||
	    argc - optind < 1 || argc - optind > COMMAND_WORDS_MAX)
		usage();
	signal(SIGCHLD, SIG_DFL); /* a child stays until it is waited for */
	for (int i = 0; i < workers; i++)
		listeners[i] = listen_at(path, i);
	puts("listening");
	fflush(stdout);
	keep(&w, listeners, (int)workers);
}
