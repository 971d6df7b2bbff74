/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "common/complain.h"
#include "signals.h"

/* Time from a command's SIGTERM to its SIGKILL. */
#define GRACE_NS (1000 * NS_PER_MS)
/* Time between two looks at the segment's file. */
#define LOOK_MS 500

enum {
	ON_KEEPER,
	ON_SIGNALS,
	ON_ORDER,
	ON_OUT,
	ON_ERR,
	ON_OUT_TO,
	ON_ERR_TO,
	ON_COUNT
};

/* Packets that are read in order before other events are looked at. */
#define PACKETS_MAX 256

static void run_fail(struct run *run, int error, const char *what)
{
	run->end = RUN_FAILED;
	run->error = error;
	run->what = what;
}

static int run_start(struct run *run, const struct keeper_job *job)
{
	struct keeper_job full = *job;
	int r;

	if (job->direct) {
		run->out.from = run->err.from = -1;
		return keeper_start(&run->keeper, &full);
	}
	full.out = stream_open(&run->out, STDOUT_FILENO);
	full.err = stream_open(&run->err, STDERR_FILENO);
	run->out.transcript = run->err.transcript = run->transcript;
	run->out.kind = TRANSCRIPT_OUT;
	run->err.kind = TRANSCRIPT_ERR;
	if (run->filed) {
		stream_spool_to(&run->out, run->out_file);
		stream_spool_to(&run->err, run->err_file);
	}
	r = full.out < 0 ? full.out : full.err < 0 ? full.err : 0;
	if (!r && order_wanted()) {
		order_start(&run->order, &run->out, &run->err,
			    (int[2]){ full.out, full.err });
		full.mask = &run->order.before;
	}
	if (!r)
		r = keeper_start(&run->keeper, &full);
	if (full.out >= 0)
		close(full.out);
	if (full.err >= 0)
		close(full.err);
	return r;
}

/* Cuts the run short: it will not be shared, and has GRACE_NS to end. */
static void run_cut(struct run *run, enum run_end end)
{
	if (run->end == RUN_COMPLETE)
		run->end = end;
	if (!run->kill_at_ns)
		run->kill_at_ns = clock_now_ns() + GRACE_NS;
}

/* Lets the caller go, and goes on for the others. */
static void run_leave(struct run *run)
{
	run->leave(run->leave_arg);
	run->deadline_ns = 0;
	order_end(&run->order);
	stream_leave(&run->out);
	stream_leave(&run->err);
}

/*
 * At the deadline leaves the caller if others wait, or sends SIGTERM and cuts
 * the run.
 */
static void run_check_deadline(struct run *run)
{
	if (run->kill_at_ns || !run->deadline_ns ||
	    clock_now_ns() < run->deadline_ns)
		return;
	if (run->leave && sfshm_flight_waiters(run->flight)) {
		run_leave(run);
		return;
	}
	run_cut(run, RUN_TIMED_OUT);
	keeper_signal(&run->keeper, SIGTERM);
}

/* Ends a command whose flight another caller has taken, to run its own. */
static void run_check_lease(struct run *run)
{
	if (run->kill_at_ns || !run->lease_end_ns ||
	    clock_now_ns() < run->lease_end_ns ||
	    sfshm_abandoned(run->flight) != -ESTALE)
		return;
	run_cut(run, RUN_TAKEN);
	keeper_signal(&run->keeper, SIGTERM);
}

/*
 * Passes signals on. The command may take any time to answer a signal; the run
 * is cut only when the command has ended.
 */
static void run_pass_signals(struct run *run)
{
	bool to_group;
	int signal;

	while ((signal = signals_next_of(&to_group))) {
		/* The terminal has sent it to the command as well. */
		if (!to_group || !run->keeper.on_terminal)
			keeper_signal(&run->keeper, signal);
		if (run->end != RUN_COMPLETE)
			continue;
		run->signal = signal;
		/* Many commands take these two as messages, and go on. */
		if (signal != SIGUSR1 && signal != SIGUSR2)
			run->end = RUN_INTERRUPTED;
	}
}

/* A run is interrupted, too, if SIGUSR1 or SIGUSR2 has killed the command. */
static void run_check_message(struct run *run)
{
	int status = run->keeper.status;

	if (run->end == RUN_COMPLETE && run->signal && WIFSIGNALED(status) &&
	    WTERMSIG(status) == run->signal)
		run->end = RUN_INTERRUPTED;
}

static void run_hear_keeper(struct run *run)
{
	struct keeper *keeper = &run->keeper;

	keeper_hear(keeper);
	if (keeper->error)
		run_fail(run, -keeper->error, "the command cannot be started");
	if (!keeper->gone || run->killed || keeper->error)
		return;
	/* The keeper's death has killed the command, but not its children. */
	keeper_lost(keeper);
	run_fail(run, 0, "the command's keeper was killed");
	run_cut(run, RUN_FAILED);
}

static void run_drop(struct run *run, int why)
{
	run->dropped = why;
	run->held = false;
	stream_forget(&run->out);
	stream_forget(&run->err);
}

static void run_read(struct run *run, struct stream *stream)
{
	int r = stream_read(stream);

	if (r)
		run_drop(run, r);
	else if (!run->dropped && !run->filed &&
		 run->out.len + run->err.len > run->limit)
		run_drop(run, -EMSGSIZE);
	order_add(&run->order, stream, stream->got);
}

/* Reads what the stream has, as far as there is room. */
static void run_read_all(struct run *run, struct stream *stream)
{
	do
		run_read(run, stream);
	while (stream->got && stream_wants(stream));
}

/* Finds the next reported write, unless there is one already. */
static void run_next_reported(struct run *run)
{
	bool lost;

	while (!run->reported) {
		run->reported =
			order_next(&run->order, &run->out, &run->err, &lost);
		if (lost) {
			run->out.early = run->err.early = 0;
			run_read_all(run, &run->out);
			run_read_all(run, &run->err);
		}
		if (!run->reported || !run->reported->early)
			return;
		run->reported->early--;
		run->reported = NULL;
	}
}

/*
 * Reads some of the writes that the kernel has reported, in their order.
 * Returns whether no report is left.
 */
static bool run_read_reported(struct run *run)
{
	for (int i = 0; i < PACKETS_MAX; i++) {
		run_next_reported(run);
		if (!run->reported)
			return true;
		if (!stream_wants(run->reported))
			return false;
		run_read(run, run->reported);
		/* After a full packet, the same write may have more. */
		if (run->reported->got != PIPE_BUF)
			run->reported = NULL;
	}
	return false;
}

static bool run_over(const struct run *run)
{
	const struct keeper *keeper = &run->keeper;
	bool closed = run->out.from < 0 && run->err.from < 0;

	if (keeper->error)
		return true;
	if (keeper->gone)
		return closed;
	return keeper->ended && closed && !run->killed;
}

/* Kills a cut run at its time. False: SIGKILL has not ended it in time. */
static bool run_kill_if_due(struct run *run)
{
	if (run->end == RUN_INTERRUPTED && run->keeper.ended)
		run_cut(run, RUN_INTERRUPTED);
	if (!run->kill_at_ns || clock_now_ns() < run->kill_at_ns)
		return true;
	if (run->killed)
		return false;
	keeper_signal(&run->keeper, SIGKILL);
	run->killed = true;
	run->kill_at_ns = clock_now_ns() + GRACE_NS;
	return true;
}

static uint64_t run_next_ns(const struct run *run)
{
	return run->kill_at_ns ? run->kill_at_ns : run->deadline_ns;
}

static int run_poll_ms(const struct run *run)
{
	int ms = clock_poll_ms(run_next_ns(run));
	bool looks = run->if_removed || run->lease_end_ns || run->order.on;

	if (run->order.on && run->reported && stream_wants(run->reported))
		return 0;
	return looks && (ms < 0 || ms > LOOK_MS) ? LOOK_MS : ms;
}

static void run_check_removed(struct run *run, int file)
{
	struct stat st;

	if (!run->if_removed || fstat(file, &st) || st.st_nlink)
		return;
	complain("%s", run->if_removed);
	run->if_removed = NULL;
}

static bool run_writes(const struct run *run, const struct stream *stream)
{
	const struct order_run *first = order_first(&run->order);

	return !run->held && stream_pending(stream) &&
	       (!first || first->stream == stream);
}

static void run_write(struct run *run, struct stream *stream)
{
	const struct order_run *first = order_first(&run->order);
	size_t n = stream_write(stream, first ? first->len : SIZE_MAX);

	if (stream->error)
		order_end(&run->order);
	else if (first)
		order_written(&run->order, n);
}

/* Reads a write before its report; the kernel may still report the write. */
static void run_read_early(struct run *run, struct stream *stream)
{
	run_read(run, stream);
	stream->early += stream->got != 0;
}

/*
 * Reads the pipes' ends of file, which come after the last reported write.
 * Reads after a time-out, too, in case the kernel has not reported a write; no
 * such case is known.
 */
static void run_read_rest(struct run *run, bool timed_out,
			  const struct pollfd *out, const struct pollfd *err)
{
	if (!run_read_reported(run))
		return;
	if (out->revents & (POLLHUP | POLLERR) || (timed_out && out->fd >= 0))
		run_read_early(run, &run->out);
	if (err->revents & (POLLHUP | POLLERR) || (timed_out && err->fd >= 0))
		run_read_early(run, &run->err);
}

static void run_poll(struct run *run)
{
	struct stream *out = &run->out, *err = &run->err;
	bool ordered = run->order.on;
	short readable = ordered ? 0 : POLLIN;
	struct pollfd polled[ON_COUNT] = {
		[ON_KEEPER] = { run->keeper.gone ? -1 : run->keeper.socket,
				POLLIN, 0 },
		[ON_SIGNALS] = { signals_fd(), POLLIN, 0 },
		[ON_ORDER] = { ordered && !run->reported ? run->order.signals :
							   -1,
			       POLLIN, 0 },
		[ON_OUT] = { stream_wants(out) ? out->from : -1, readable, 0 },
		[ON_ERR] = { stream_wants(err) ? err->from : -1, readable, 0 },
		[ON_OUT_TO] = { run_writes(run, out) ? out->to : -1, POLLOUT,
				0 },
		[ON_ERR_TO] = { run_writes(run, err) ? err->to : -1, POLLOUT,
				0 },
	};

	int n = poll(polled, ON_COUNT, run_poll_ms(run));

	if (n >= 0 && ordered)
		run_read_rest(run, !n, &polled[ON_OUT], &polled[ON_ERR]);
	if (n <= 0)
		return;
	/*
	 * On a terminal a signal may have ended the command before poll()
	 * returned to this process's own handler.
	 */
	if (polled[ON_SIGNALS].revents || polled[ON_KEEPER].revents)
		run_pass_signals(run);
	if (polled[ON_OUT].revents && !ordered)
		run_read(run, out);
	if (polled[ON_ERR].revents && !ordered)
		run_read(run, err);
	/*
	 * Write one stream at a time: both may lead to the same pipe, and the
	 * first write may fill that pipe.
	 */
	if (polled[ON_ERR_TO].revents)
		run_write(run, err);
	else if (polled[ON_OUT_TO].revents)
		run_write(run, out);
	if (polled[ON_KEEPER].revents)
		run_hear_keeper(run);
}

/* Ends the keeper, and kills what a cut run has left: another run follows. */
static void run_clean_up(struct run *run)
{
	struct keeper *keeper = &run->keeper;

	if (run->end == RUN_COMPLETE) {
		keeper_dismiss(keeper);
		return;
	}
	if (!keeper->gone) {
		keeper_signal(keeper, SIGKILL);
		run->killed = true;
		run->kill_at_ns = clock_now_ns() + GRACE_NS;
	}
	while (!keeper->gone && run_kill_if_due(run))
		run_poll(run);
	if (keeper->gone)
		keeper_reap(keeper);
}

void run_command(struct run *run, const struct keeper_job *job)
{
	int r = run_start(run, job);

	if (r) {
		run_fail(run, r, "the command cannot be started");
		return;
	}
	while (!run_over(run) && run_kill_if_due(run)) {
		run_poll(run);
		run_check_deadline(run);
		run_check_lease(run);
		run_check_removed(run, job->lock);
	}
	run_check_message(run);
	run_clean_up(run);
}

static void run_flush_stream(const struct run *run, struct stream *stream,
			     size_t max)
{
	struct pollfd to = { .fd = stream->to, .events = POLLOUT };
	size_t n = 1;

	if (run->end == RUN_COMPLETE) {
		stream_flush(stream, max);
		return;
	}
	for (; n && max && stream_pending(stream) && poll(&to, 1, 0) > 0;
	     max -= n)
		n = stream_write(stream, max);
}

void run_flush(struct run *run)
{
	const struct order_run *first;

	while ((first = order_first(&run->order))) {
		run_flush_stream(run, first->stream, first->len);
		order_written(&run->order, first->len);
	}
	run_flush_stream(run, &run->out, SIZE_MAX);
	run_flush_stream(run, &run->err, SIZE_MAX);
}

void run_forget(struct run *run)
{
	order_end(&run->order);
	run->out.sent = run->out.len;
	run->err.sent = run->err.len;
}

void run_clear(struct run *run)
{
	order_end(&run->order);
	free(run->out.data);
	free(run->err.data);
}
