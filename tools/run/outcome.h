/* SPDX-License-Identifier: MIT */
/* The end of a call: its exit status, and the line for --json-status. */
#ifndef RUN_OUTCOME_H
#define RUN_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include <sfshm/result.h>

#include "record.h"

struct outcome {
	int exit;   /* as the shell shows it */
	int signal; /* the signal that killed the command or this call, or 0 */
	bool die;   /* this process ends by `signal` itself */
	bool has_source; /* there is a result */
	enum sfshm_source source;
	bool leader;     /* this call ran the command */
	bool shared;     /* other calls had the same run's result */
	bool stale;      /* the result is past its lifetime */
	bool owner_died; /* the last leader or holder died */
	bool in_fleet;   /* the call was made for a fleet */
	bool fleet;      /* it led there, or got another host's result */
	uint64_t generation;
	uint64_t age_ms;
	bool loud;       /* `error` is for standard error as well */
	char error[512]; /* empty: none */
};

/* Copies the source and figures of the library's result. */
void outcome_source(struct outcome *o, enum sfshm_source source,
		    const struct sfshm_result *result);

/* Notes the command's own end. */
void outcome_status(struct outcome *o, enum record_kind kind, int code);

/* Notes an end by a signal to this process. */
void outcome_die(struct outcome *o, int signal);

/*
 * Notes that sfshm-run itself failed: the status `exit`, and a message for
 * standard error and --json-status.
 */
void outcome_fail(struct outcome *o, int exit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes a message for --json-status alone. */
void outcome_note(struct outcome *o, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Writes the line of JSON to `fd` (-1: nowhere). Returns 0 or errno; 0 also if
 * the reader is gone.
 */
int outcome_report(const struct outcome *o, int fd);

#endif
