/* SPDX-License-Identifier: MIT */
/*
 * One run of the command, under a keeper: this program streams the output to
 * the caller while it keeps a copy, passes signals on and watches the time-out.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdint.h>

#include "keeper.h"
#include "stream.h"

/* How a run ended. */
enum run_end {
	RUN_COMPLETE,    /* by itself; `keeper.status` says how */
	RUN_TIMED_OUT,   /* the run was ended at the deadline */
	RUN_INTERRUPTED, /* the run was sent `signal`, and has ended */
	RUN_FAILED,      /* sfshm-run failed; `error` and `what` say why */
};

struct run {
	struct keeper keeper;
	struct stream out, err;
	size_t limit; /* bytes that both streams may keep */
	bool filed;   /* the streams are kept in these two files */
	int out_file, err_file;
	int dropped; /* why nothing is kept: -EMSGSIZE, -ENOMEM, ..., 0 */
	/*
	 * Printed once on standard error if the segment's file, which is the
	 * job's `lock`, is removed meanwhile; NULL: do not look.
	 */
	const char *if_removed;
	uint64_t deadline_ns; /* 0: none */
	uint64_t kill_at_ns;  /* when an ended run's processes are killed */
	bool killed;
	enum run_end end;
	int signal;
	int error; /* 0: `what` says all */
	const char *what;
};

/*
 * Runs the command. The caller has zeroed `run` but for its limit or files, and
 * its deadline. At the return the run's processes are gone, unless the system
 * could not kill them; the run lock stays taken until they are gone.
 */
void run_command(struct run *run, const struct keeper_job *job);

/*
 * Writes what the caller has not got yet: all of a complete run, waiting for
 * the reader; else only what the reader takes at once.
 */
void run_flush(struct run *run);

/* Frees the kept copies. */
void run_clear(struct run *run);

#endif
