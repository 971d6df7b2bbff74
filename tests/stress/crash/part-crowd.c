/* SPDX-License-Identifier: MIT */
/*
 * A leader dies or releases its flight, and some of its followers are killed
 * at the same time. The kernel or the leader wakes one follower; if that one
 * dies, another follower must be woken in its place. No follower here looks
 * again by itself, so a survivor sleeps for ever if no wake comes.
 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "os/atomics.h"
#include "peer/wait.h"
#include "parts.h"
#include "stage.h"

#define CROWD 9 /* a leader and those who follow */
#define ROUNDS_SHORT 200
#define ROUNDS_FULL 10000
#define STUCK_MS 60000

struct crowd_sums {
	uint64_t rounds, killed, survivors, stuck;
	uint64_t worst_ns, total_ns;
	char why[256];
};

struct crowd_run {
	struct stage *st;
	struct crowd_sums *sums;
	uint64_t rounds, deadline_ns, seed;
	bool releases; /* else the leader dies */
};

static struct helper crowd[CROWD];
static struct image seen;
static uint64_t state;

static uint32_t dice(uint32_t sides)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 33) %
	       sides;
}

static void pause_us(uint32_t us)
{
	uint64_t end = clock_ns() + us * UINT64_C(1000);

	while (clock_ns() < end)
		;
}

static uint32_t waiting(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image_participants(&seen); i++) {
		struct shm_participant *rec = image_participant(&seen, i);

		n += load_relaxed(&rec->tid) &&
		     wait_slot(load_relaxed(&rec->wait));
	}
	return n;
}

/* When this returns, the followers mostly sleep, and sometimes are about to. */
static void let_them_wait(void)
{
	uint64_t end = clock_ns() + STUCK_MS * UINT64_C(1000000);

	for (int i = 1; i < CROWD; i++)
		helper_cue_only(&crowd[i], 'w');
	if (dice(4) == 0) {
		pause_us(dice(400));
		return;
	}
	while (waiting() < CROWD - 1 && clock_ns() < end)
		usleep(50);
	pause_us(dice(200));
}

static void end_one(uint32_t who, bool *dead, bool releases)
{
	if (!who && releases) {
		helper_cue_only(&crowd[0], 'r');
		return;
	}
	kill(crowd[who].pid, SIGKILL);
	dead[who] = true;
}

/* Ends the leader and `extra` others, in any order. Returns when that began. */
static uint64_t end_some(uint32_t extra, bool *dead, bool releases)
{
	uint32_t order[CROWD], n = 0;
	uint64_t from;

	memset(dead, 0, CROWD * sizeof(*dead));
	order[n++] = 0;
	while (n <= extra) {
		uint32_t at, who = 1 + dice(CROWD - 1);

		for (at = 0; at < n && order[at] != who; at++)
			;
		if (at == n)
			order[n++] = who;
	}
	/* The leader is not always the first to go. */
	if (dice(2)) {
		uint32_t other = dice(n);
		uint32_t who = order[other];

		order[other] = order[0];
		order[0] = who;
	}
	from = clock_ns();
	for (uint32_t i = 0; i < n; i++) {
		end_one(order[i], dead, releases);
		if (dice(3) == 0)
			pause_us(dice(100));
	}
	return from;
}

static bool await_survivors(const bool *dead)
{
	for (int i = 0; i < CROWD; i++)
		if (!dead[i] && !helper_answered(&crowd[i], STUCK_MS))
			return false;
	return true;
}

static void play_round(struct crowd_run *run)
{
	struct crowd_sums *s = run->sums;
	uint32_t extra = dice(CROWD - 1), n = 0;
	bool dead[CROWD];
	uint64_t from, took;

	helper_cue(run->st, &crowd[0], 'l');
	let_them_wait();
	from = end_some(extra, dead, run->releases);
	if (!await_survivors(dead)) {
		s->stuck++;
		if (!s->why[0])
			snprintf(s->why, sizeof(s->why),
				 "round %" PRIu64 ": %u of %d who waited died, "
				 "and somebody is stuck",
				 s->rounds, extra, CROWD - 1);
	}
	took = clock_ns() - from;
	s->rounds++;
	s->total_ns += took;
	if (s->worst_ns < took)
		s->worst_ns = took;
	for (int i = 0; i < CROWD; i++) {
		if (!dead[i])
			continue;
		n++;
		helper_kill(&crowd[i]);
		crowd[i] = helper_start(run->st, "the key");
	}
	s->killed += n;
	s->survivors += CROWD - n;
}

static void play_rounds(void *arg)
{
	struct crowd_run *run = arg;

	state = run->seed | 1;
	stage_create(run->st);
	if (!image_open(&seen, run->st->path)) {
		run->sums->stuck++;
		return;
	}
	for (int i = 0; i < CROWD; i++)
		crowd[i] = helper_start(run->st, "the key");
	while (run->sums->rounds < run->rounds && !run->sums->stuck &&
	       !run->st->wrong[0]) {
		if (run->deadline_ns && clock_ns() > run->deadline_ns)
			break;
		play_round(run);
		beat();
		if (run->sums->rounds % 16 == 0)
			progress("crowd: round %" PRIu64 " of %" PRIu64,
				 run->sums->rounds, run->rounds);
	}
	if (run->st->wrong[0]) {
		run->sums->stuck++;
		snprintf(run->sums->why, sizeof(run->sums->why), "%s",
			 run->st->wrong);
	}
	for (int i = 0; i < CROWD; i++)
		helper_kill(&crowd[i]);
}

static void print_head(void)
{
	printf("death of some of %d who wait, at the same time as\n",
	       CROWD - 1);
	printf("%-22s %6s %7s %9s %8s %9s %6s\n", "their leader", "rounds",
	       "killed", "survived", "mean ms", "worst ms", "stuck");
}

static void print_row(const char *name, const struct crowd_sums *s)
{
	uint64_t n = s->rounds ? s->rounds : 1;

	progress_end();
	printf("%-22s %6" PRIu64 " %7" PRIu64 " %9" PRIu64 " %8.2f %9.2f "
	       "%6" PRIu64 "\n",
	       name, s->rounds, s->killed, s->survivors,
	       (double)s->total_ns / 1e6 / (double)n, (double)s->worst_ns / 1e6,
	       s->stuck);
	if (s->why[0])
		printf("    %s\n", s->why);
	fflush(stdout);
}

static int play(const struct options *opt, bool releases)
{
	struct crowd_run run = {
		.st = stage_make(),
		.sums = shared_memory(sizeof(*run.sums)),
		.rounds = opt->full ? ROUNDS_FULL : ROUNDS_SHORT,
		.deadline_ns = opt->deadline_ns,
		.seed = clock_ns(),
		.releases = releases,
	};
	bool ended = run_apart(play_rounds, &run);
	int bad;

	print_row(releases ? "releases its flight" : "dies", run.sums);
	bad = !ended || run.sums->stuck;
	munmap(run.sums, sizeof(*run.sums));
	stage_free(run.st);
	return bad;
}

int part_crowd(const struct options *opt)
{
	int bad;

	print_head();
	bad = play(opt, false);
	return bad + play(opt, true);
}
