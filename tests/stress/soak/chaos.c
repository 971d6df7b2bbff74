/* SPDX-License-Identifier: MIT */
/*
 * Starts workers, kills and stops them, has the segment resized meanwhile.
 * Signals go to children of this process only, which it has not yet waited
 * for: their numbers cannot be anybody else's.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board.h"
#include "os/atomics.h"

/* Means between events, ms. */
#define KILL_MS 40
#define STOP_MS 6
#define RESIZE_MS 600
#define TICK_US 2000
/*
 * A worker that runs and makes no call for so many ticks hangs; the last calls
 * may take as many as END_TICKS. Main counts the ticks, and gets to the
 * processor no more often than a worker: a busy machine delays both.
 */
#define HANG_TICKS 30000
#define END_TICKS 60000

static pid_t resizer;
static int report_pipe[2];
static uint64_t next_kill, next_stop, next_resize, next_line;
static uint64_t ticks;

static uint64_t soon(uint64_t mean_ms)
{
	return now_ms() + 1 + random_below((uint32_t)(2 * mean_ms));
}

static void become_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(report_pipe[0]);
	report_begin(report_pipe[1]);
}

static void worker_start(unsigned int number)
{
	struct place *p = &board->places[number];
	uint64_t seed = random_next();
	pid_t pid = fork();

	if (pid == 0) {
		become_child();
		_exit(worker_main(number, seed));
	}
	p->pid = pid > 0 ? pid : 0;
	p->wakes_ms = 0;
	p->seen_tick = ticks;
}

static void resizer_start(void)
{
	uint64_t seed = random_next();

	next_resize = soon(RESIZE_MS);
	resizer = fork();
	if (resizer == 0) {
		become_child();
		_exit(resizer_main(seed));
	}
}

static void child_ended(pid_t pid, int status)
{
	struct place *p = NULL;

	for (int i = 0; i < WORKERS; i++)
		if (board->places[i].pid == pid)
			p = &board->places[i];
	if (WIFSTOPPED(status)) {
		/* One that this process has stopped has its time already. */
		if (p && !p->wakes_ms)
			p->wakes_ms = soon(20);
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		count(p ? TALLY_kills : TALLY_resizes_killed);
	else if (status)
		violation("a %s ended with status %x", p ? "worker" : "resizer",
			  (unsigned int)status);
	if (!p) {
		resizer = 0;
		return;
	}
	locks_forget((unsigned int)(p - board->places));
	p->pid = 0;
}

static pid_t oracle;

/* All but the oracle, whose end is awaited for itself. */
static void reap(void)
{
	int status;

	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = board->places[i].pid;

		if (pid && waitpid(pid, &status, WNOHANG | WUNTRACED) == pid)
			child_ended(pid, status);
	}
	if (resizer > 0 &&
	    waitpid(resizer, &status, WNOHANG | WUNTRACED) == resizer)
		child_ended(resizer, status);
}

static void stop_one(void)
{
	struct place *p = &board->places[random_below(WORKERS)];

	next_stop = soon(STOP_MS);
	if (!p->pid || p->wakes_ms)
		return;
	/* Most for a moment, some for longer than anybody waits. */
	p->wakes_ms = random_below(50) ? soon(8) : soon(300);
	kill(p->pid, SIGSTOP);
	count(TALLY_stops);
}

static void kill_one(void)
{
	struct place *p = &board->places[random_below(WORKERS)];

	next_kill = soon(KILL_MS);
	if (p->pid)
		kill(p->pid, SIGKILL);
	if (resizer > 0 && !random_below(40))
		kill(resizer, SIGKILL);
}

/* Continues who has been stopped for long enough, finds who hangs. */
static void attend(struct place *p, bool all)
{
	uint64_t now = now_ms();

	if (p->wakes_ms && (all || now >= p->wakes_ms)) {
		p->wakes_ms = 0;
		p->seen_tick = ticks;
		kill(p->pid, SIGCONT);
	}
	if (p->seen != load_acquire(&p->calls)) {
		p->seen = load_acquire(&p->calls);
		p->seen_tick = ticks;
	}
	if (!p->wakes_ms && ticks - p->seen_tick > HANG_TICKS) {
		violation("a worker (pid %d) has made no call in %d ticks",
			  (int)p->pid, HANG_TICKS);
		kill(p->pid, SIGKILL);
		p->seen_tick = ticks;
	}
}

static void show_progress(uint64_t end)
{
	uint64_t now = now_ms();

	if (now < next_line || !isatty(STDERR_FILENO))
		return;
	next_line = now + 250;
	fprintf(stderr,
		"\r\033[K%3d s left: %" PRIu64 " calls, %" PRIu64
		" killed, %" PRIu64 " stopped, %" PRIu64 " resizes, %" PRIu64
		" violations",
		now < end ? (int)((end - now + 999) / 1000) : 0,
		board->tally[TALLY_calls], board->tally[TALLY_kills],
		board->tally[TALLY_stops], board->tally[TALLY_resizes],
		board->violations);
}

static void tick(bool last)
{
	uint64_t now = now_ms();

	ticks++;
	reap();
	for (unsigned int i = 0; i < WORKERS; i++) {
		if (!board->places[i].pid && !last)
			worker_start(i);
		else if (board->places[i].pid)
			attend(&board->places[i], last);
	}
	if (last)
		return;
	if (now >= next_kill)
		kill_one();
	if (now >= next_stop)
		stop_one();
	if (now >= next_resize && resizer <= 0)
		resizer_start();
}

static unsigned int left(void)
{
	unsigned int n = resizer > 0;

	for (int i = 0; i < WORKERS; i++)
		n += board->places[i].pid != 0;
	return n;
}

static void end_by_force(void)
{
	violation("%u processes did not come to an end", left());
	for (int i = 0; i < WORKERS; i++)
		if (board->places[i].pid)
			kill(board->places[i].pid, SIGKILL);
	if (resizer > 0)
		kill(resizer, SIGKILL);
	while (left()) {
		reap();
		usleep(TICK_US);
	}
}

/* Everybody goes on, and is asked to come to an end. */
static void wind_down(void)
{
	uint64_t end = ticks + END_TICKS;

	store_release(&board->stop, 1);
	while (left() && ticks < end) {
		tick(true);
		usleep(TICK_US);
	}
	if (left())
		end_by_force();
}

static void oracle_start(void)
{
	oracle = fork();
	if (oracle == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(report_pipe[1]);
		_exit(oracle_main(report_pipe[0]));
	}
	close(report_pipe[0]);
}

void oracle_end(void)
{
	int status;

	report_flush();
	close(report_pipe[1]);
	if (waitpid(oracle, &status, 0) != oracle || status)
		violation("the oracle ended with status %x",
			  (unsigned int)status);
}

/* Whether there has been some of each: a busy machine needs more time. */
static bool enough(void)
{
	return board->tally[TALLY_read] && board->tally[TALLY_published] &&
	       board->tally[TALLY_pinned] && board->tally[TALLY_put] &&
	       board->tally[TALLY_renewed] && board->tally[TALLY_nests] &&
	       board->tally[TALLY_circles] && board->tally[TALLY_kills] &&
	       board->tally[TALLY_stops] && board->tally[TALLY_resizes] &&
	       board->tally[TALLY_tagged] && board->tally[TALLY_handed] &&
	       board->tally[TALLY_left] && board->tally[TALLY_locks_shared];
}

void chaos_run(unsigned int seconds)
{
	uint64_t end = now_ms() + seconds * UINT64_C(1000);

	if (pipe(report_pipe))
		exit(1);
	oracle_start();
	report_begin(report_pipe[1]);
	next_kill = soon(KILL_MS);
	next_stop = soon(STOP_MS);
	next_resize = soon(RESIZE_MS);
	while ((now_ms() < end || !enough()) && board->violations < 100) {
		tick(false);
		show_progress(end);
		usleep(TICK_US);
	}
	wind_down();
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
