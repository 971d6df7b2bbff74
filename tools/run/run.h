/* SPDX-License-Identifier: MIT */
/*
 * One run of the command, under a keeper. This program passes the output to the
 * caller, keeps a copy of it, passes signals on, and ends the run at its
 * deadline.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdint.h>
#include <sfshm/flight.h>

#include "keeper.h"
#include "order.h"
#include "stream.h"

/* How a run ended. */
enum run_end {
	RUN_COMPLETE,    /* by itself; `keeper.status` says how */
	RUN_TIMED_OUT,   /* the run was ended at the deadline */
	RUN_TAKEN,       /* another caller took the flight, past its lease */
	RUN_INTERRUPTED, /* the run was sent `signal`, and has ended */
	RUN_FAILED,      /* sfshm-run failed; `error` and `what` say why */
};

struct run {
	struct keeper keeper;
	struct stream out, err;
	struct order order;
	struct stream *reported; /* a write to it is to be read next, or NULL */
	struct transcript *transcript; /* of both streams, or NULL */
	size_t limit;                  /* bytes that both streams may keep */
	bool filed;                    /* the copies are in these two files */
	int out_file, err_file;
	int dropped; /* why no copy is kept: -EMSGSIZE, -ENOMEM, ...; or 0 */
	/*
	 * A line to print once on standard error if the segment's file is
	 * removed meanwhile (the job's `lock` is a descriptor of that file);
	 * NULL: do not check.
	 */
	const char *if_removed;
	/*
	 * The flight whose command this is, and the end of its lease; 0: none.
	 */
	const struct sfshm_flight *flight;
	uint64_t lease_end_ns;
	/*
	 * Called at the deadline if others wait for the flight; the run then
	 * goes on without this call's caller. NULL: the run is ended.
	 */
	void (*leave)(void *arg);
	void *leave_arg;
	bool held;            /* write no output before the command's end */
	uint64_t deadline_ns; /* 0: none */
	uint64_t kill_at_ns;  /* when a cut run is killed; 0: it is not cut */
	bool killed;
	enum run_end end;
	int signal;
	int error; /* 0: `what` says all */
	const char *what;
};

/*
 * Runs the command. The caller sets the limit or the files, and the deadline,
 * and zeroes the rest of *run. When the call returns, the command is gone. If
 * the run was cut, so are all its other processes, unless nobody could kill
 * them; then their keeper holds the run lock until they are gone.
 */
void run_command(struct run *run, const struct keeper_job *job);

/*
 * Writes the output that the caller has not had yet. After a complete run it
 * writes all, and waits for the reader; else only what the reader takes at
 * once.
 */
void run_flush(struct run *run);

/* Drops the output that the caller has not had yet. */
void run_forget(struct run *run);

/* Frees the copies. */
void run_clear(struct run *run);

#endif
