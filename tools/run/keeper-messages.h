/* SPDX-License-Identifier: MIT */
/*
 * The messages between a leader and its keeper, one packet each. The leader
 * sends an int: a signal to pass on, or KEEPER_LEAVE. The keeper sends a struct
 * keeper_report. If the connection ends, the process at its other end has died.
 */
#ifndef RUN_KEEPER_MESSAGES_H
#define RUN_KEEPER_MESSAGES_H

#include <signal.h>
#include <stdint.h>

#include "keeper.h"

enum keeper_report_kind {
	KEEPER_STARTED, /* value: the command's pid */
	KEEPER_FAILED,  /* value: errno */
	KEEPER_ENDED,   /* value: the command's wait status */
};

struct keeper_report {
	int32_t kind; /* enum keeper_report_kind */
	int32_t value;
};

/* The one order that is no signal. */
#define KEEPER_LEAVE 0

/* Runs the keeper, in the child of a fork() with all signals blocked. */
_Noreturn void keeper_main(int socket, const struct keeper_job *job,
			   const sigset_t *mask);

/* Executes the command, in the child of the keeper. */
_Noreturn void command_exec(const struct keeper_job *job, int null,
			    pid_t keeper, const sigset_t *mask);

#endif
