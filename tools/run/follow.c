/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "circle.h"
#include "common/complain.h"
#include "processes.h"
#include "signals.h"
#include "stream.h"
#include "transcript.h"

#define FOLLOW_NAME "sfshm-output"

/*
 * The time between two looks for a new leader, which grows to the second figure
 * while there is none.
 */
#define LOOK_MS 100
#define LOOK_MAX_MS 1000

/*
 * What the child has written, in memory that it shares with its parent. Only
 * the child writes here; the parent reads when the child has ended.
 */
struct shown {
	uint64_t generation; /* of the flight; 0: none yet */
	uint64_t out, err;   /* bytes of that flight's run */
	/*
	 * The last of these bytes are being written. If the child was killed
	 * then, nobody knows how many of them the reader has.
	 */
	bool writing;
	int out_error, err_error;
	bool ended; /* the run is complete, and `end` tells how */
	struct record_header end;
};

/* The child. */
struct follower {
	const struct invocation *inv;
	struct shown *shown;
	int told;     /* the parent writes a flight's generation here */
	int events;   /* tells of new bytes in the transcript; -1: does not */
	int fd;       /* the transcript; -1: none */
	uint64_t at;  /* how far the transcript is written out */
	int64_t slot; /* of the key, at the last look; -1: none */
	int look_ms;
	struct transcript_frame frame;
};

bool follow_wanted(const struct invocation *inv)
{
	return inv->options.follow_output && !inv->options.no_wait;
}

/* Says that another run's output follows what was shown, if any was. */
static void separate(const struct invocation *inv, const struct shown *shown)
{
	if (shown->out + shown->err && !inv->options.quiet)
		complain("%s: the run shown so far was given up; the output of "
			 "another run follows",
			 inv->what);
}

static void write_frame(struct follower *f)
{
	const struct transcript_frame *frame = &f->frame;
	struct shown *shown = f->shown;
	bool out = frame->kind == TRANSCRIPT_OUT;
	int *error = out ? &shown->out_error : &shown->err_error;

	if (frame->kind == TRANSCRIPT_END) {
		shown->ended = frame->len == sizeof(shown->end);
		memcpy(&shown->end, frame->bytes,
		       shown->ended ? sizeof(shown->end) : 0);
		return;
	}
	shown->writing = true;
	*(out ? &shown->out : &shown->err) += frame->len;
	if (!*error)
		*error = stream_send(out ? STDOUT_FILENO : STDERR_FILENO,
				     frame->bytes, frame->len);
	shown->writing = false;
}

static bool is_told(const struct follower *f)
{
	struct pollfd told = { .fd = f->told, .events = POLLIN };

	return poll(&told, 1, 0) > 0;
}

/*
 * Writes out what the transcript has. Returns early if the parent has news:
 * this run's output may be in vain. `all`: goes on nevertheless.
 */
static void write_out(struct follower *f, bool all)
{
	while (f->fd >= 0 && !f->shown->ended && (all || !is_told(f))) {
		int r = transcript_next(f->fd, &f->at, &f->frame);

		if (r > 0) {
			write_frame(f);
			continue;
		}
		if (r < 0) {
			close(f->fd);
			f->fd = -1;
		}
		return;
	}
}

/* Reads the slot of the key if it is led. */
static bool read_slot(struct follower *f, struct sfshm_view *view,
		      struct sfshm_slot_info *slot)
{
	const struct options *options = &f->inv->options;

	if (f->slot < 0 || sfshm_view_slot(view, (uint32_t)f->slot, slot) ||
	    !circle_wants(options, slot))
		f->slot = circle_find_slot(view, options);
	return f->slot >= 0 &&
	       !sfshm_view_slot(view, (uint32_t)f->slot, slot) && slot->owner;
}

/*
 * Finds the process that leads the key, and its flight; 0: nobody. Between the
 * two reads that flight may end, and its leader's record may go to the leader
 * of another key: the transcript's head tells which flight it is of.
 */
static pid_t find_leader(struct follower *f, uint64_t *generation)
{
	struct sfshm_participant_info p = { .size = sizeof(p) };
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	uint64_t pid_ns = process_pid_ns();
	struct sfshm_view *view;
	pid_t leader = 0;

	if (sfshm_view_open(&view, f->inv->options.segment, NULL, 0))
		return 0;
	if (read_slot(f, view, &slot) &&
	    !sfshm_view_participant(view, slot.owner - 1, &p) &&
	    (!p.pid_ns || p.pid_ns == pid_ns))
		leader = p.pid;
	*generation = slot.generation;
	sfshm_view_close(view);
	return leader;
}

/* Without events the child looks at the transcript from time to time. */
static void watch_transcript(struct follower *f)
{
	char path[48];

	if (f->events >= 0)
		close(f->events);
	f->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	if (f->events >= 0 &&
	    inotify_add_watch(f->events, path, IN_MODIFY) < 0) {
		close(f->events);
		f->events = -1;
	}
}

/* Goes to the present leader's transcript. */
static void look(struct follower *f)
{
	struct transcript_flight flight = {
		.key = identity_of(f->inv, f->inv->options.mode),
	};
	pid_t leader = find_leader(f, &flight.generation);
	int fd;

	if (!leader ||
	    (f->fd >= 0 && flight.generation == f->shown->generation))
		return;
	fd = transcript_find(leader, &flight);
	if (fd < 0)
		return;
	if (f->fd >= 0)
		close(f->fd);
	separate(f->inv, f->shown);
	*f->shown = (struct shown){
		.generation = flight.generation,
		.out_error = f->shown->out_error,
		.err_error = f->shown->err_error,
	};
	f->fd = fd;
	f->at = 0;
	f->look_ms = LOOK_MS;
	watch_transcript(f);
}

/* Waits for the parent's word, for output, or for the next look. */
static void follow(struct follower *f)
{
	char events[sizeof(struct inotify_event)];
	struct pollfd polled[] = {
		{ .fd = f->told, .events = POLLIN },
		{ .fd = f->events, .events = POLLIN },
	};
	bool blind = f->fd >= 0 && f->events < 0;
	int n = poll(polled, 2, blind ? LOOK_MS : f->look_ms);

	while (f->events >= 0 && read(f->events, events, sizeof(events)) > 0)
		;
	if (n)
		return;
	if (f->look_ms < LOOK_MAX_MS)
		f->look_ms += LOOK_MS;
	look(f);
}

static _Noreturn void child_main(struct follower *f, pid_t parent)
{
	uint64_t generation;

	prctl(PR_SET_NAME, FOLLOW_NAME);
	signals_restore_in_helper();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(0);
	look(f);
	for (;;) {
		write_out(f, false);
		if (is_told(f))
			break;
		follow(f);
	}
	if (read(f->told, &generation, sizeof(generation)) ==
		    sizeof(generation) &&
	    generation == f->shown->generation)
		write_out(f, true);
	_exit(0);
}

void follow_start(struct invocation *inv)
{
	pid_t parent = getpid();
	struct follower *f;
	struct shown *shown;
	int ends[2];

	if (!follow_wanted(inv))
		return;
	shown = mmap(NULL, sizeof(*shown), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shown == MAP_FAILED)
		return;
	f = malloc(sizeof(*f));
	if (!f || pipe2(ends, O_CLOEXEC)) {
		free(f);
		munmap(shown, sizeof(*shown));
		return;
	}
	*f = (struct follower){
		.inv = inv,
		.shown = shown,
		.told = ends[0],
		.events = -1,
		.fd = -1,
		.slot = -1,
		.look_ms = LOOK_MS,
	};
	inv->follower = fork();
	if (!inv->follower)
		child_main(f, parent);
	free(f);
	close(ends[0]);
	inv->shown = shown;
	inv->tell = ends[1];
	if (inv->follower < 0)
		follow_drop(inv, false);
}

/* Waits for the child's end, and frees all but what it has shown. */
static struct shown end_child(struct invocation *inv)
{
	struct shown shown;

	while (inv->follower > 0 && waitpid(inv->follower, NULL, 0) < 0 &&
	       errno == EINTR)
		;
	shown = *inv->shown;
	munmap(inv->shown, sizeof(*inv->shown));
	close(inv->tell);
	inv->shown = NULL;
	inv->follower = 0;
	return shown;
}

void follow_drop(struct invocation *inv, bool leads)
{
	int saved = errno;
	struct shown shown;

	if (!inv->shown)
		return;
	if (inv->follower > 0)
		kill(inv->follower, SIGKILL);
	shown = end_child(inv);
	if (leads)
		separate(inv, &shown);
	errno = saved;
}

bool follow_finish(struct invocation *inv, uint64_t generation,
		   struct outcome *o)
{
	struct record record;
	struct shown shown;
	bool whole;
	ssize_t n;

	if (!inv->shown)
		return false;
	if (!invocation_may_write(o)) {
		follow_drop(inv, false);
		return true;
	}
	n = write(inv->tell, &generation, sizeof(generation));
	if (n != sizeof(generation))
		kill(inv->follower, SIGKILL);
	shown = end_child(inv);
	if (shown.generation != generation) {
		separate(inv, &shown);
		return false;
	}
	if (shown.writing) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "%s: the child process that writes the output was "
			     "killed, so the output is not whole; try again",
			     inv->what);
		return true;
	}
	inv->shown_out = shown.out;
	inv->shown_err = shown.err;
	whole = shown.ended &&
		!record_parse_trailer(&record, &shown.end,
				      sizeof(shown.end) + shown.out +
					      shown.err);
	if (whole)
		outcome_status(o, record.kind, record.code);
	invocation_write_failed(o, "standard output", shown.out_error);
	invocation_write_failed(o, "standard error", shown.err_error);
	return whole;
}
