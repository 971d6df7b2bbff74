/* SPDX-License-Identifier: MIT */
/*
 * The two parts a call can play.
 */
#ifndef RUN_LEAD_H
#define RUN_LEAD_H

#include <stdbool.h>
#include <sfshm.h>

#include "common/escape.h"
#include "options.h"
#include "outcome.h"
#include "session.h"

/* A key is cut to this in messages. */
#define KEY_TEXT_COLUMNS 40

/* What a call is about. */
struct call {
	struct options options;
	struct session session;
	uint64_t deadline_ns; /* 0: none */
	struct sfshm_save file;
	struct sfshm_save *save; /* the result goes to this file, or NULL */
	char **argv;
	char key_text[64]; /* the key, for messages */
};

/* Runs the command and ends the flight. */
void call_lead(struct call *call, struct sfshm_flight *flight,
	       const struct sfshm_result *result, struct outcome *o);

/* How a wait without a result ended: `error` of the library's. */
void call_not_begun(const struct call *call, int error, struct outcome *o);

/* ... and one for a run that failed: its leader's words. */
void call_failed(const struct call *call, int code, const char *message,
		 struct outcome *o);

/* Signals end this process by themselves from here on. Whether none has. */
bool call_may_write(struct outcome *o);

/* `what` took no more: `error` is errno, or 0. */
void call_write_failed(struct outcome *o, const char *what, int error);

/* Writes out what another call's run gave. */
void call_follow(struct call *call, const struct sfshm_result *result,
		 struct outcome *o);

#endif
