/* SPDX-License-Identifier: MIT */
/*
 * One run of the command, under a keeper: its output streams to the caller
 * while a copy is kept, signals and the time-out are seen to.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdint.h>

#include "keeper.h"
#include "stream.h"

/* How a run ended. */
enum run_end {
	RUN_COMPLETE,    /* by itself; `keeper.status` says how */
	RUN_TIMED_OUT,   /* it was ended at the deadline */
	RUN_INTERRUPTED, /* it was sent `signal`, and has ended */
	RUN_FAILED,      /* sfshm-run's doing; `error` and `what` say why */
};

struct run {
	struct keeper keeper;
	struct stream out, err;
	size_t limit; /* bytes that both may keep */
	bool filed;   /* they are kept in these two instead */
	int out_file, err_file;
	int dropped; /* why nothing is kept: -EMSGSIZE, -ENOMEM, ..., 0 */
	/* Said once on standard error if the segment's file, which is the
	   job's `lock`, is removed meanwhile; NULL: not looked after. */
	const char *if_removed;
	uint64_t deadline_ns; /* 0: none */
	uint64_t kill_at_ns;  /* when patience with an ended run is over */
	bool killed;
	enum run_end end;
	int signal;
	int error; /* 0: `what` says all */
	const char *what;
};

/*
 * Runs the command. `run` comes zeroed but for its limit or files, and its
 * deadline. When
 * it returns, the run's processes are gone, unless the system could not kill
 * them; the run lock stays taken until they are.
 */
void run_command(struct run *run, const struct keeper_job *job);

/*
 * Writes what the caller has not got yet: of a complete run all, waiting for
 * the caller; else as much as is taken at once.
 */
void run_flush(struct run *run);

/* Frees what was kept. */
void run_clear(struct run *run);

#endif
