/* SPDX-License-Identifier: MIT */
/*
 * The two parts a call can play.
 */
#ifndef RUN_LEAD_H
#define RUN_LEAD_H

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
	char **argv;
	char key_text[64]; /* the key, for messages */
};

/* Runs the command and ends the flight. */
void call_lead(struct call *call, struct sfshm_flight *flight,
	       const struct sfshm_result *result, struct outcome *o);

/* Writes out what another call's run gave. */
void call_follow(struct call *call, const struct sfshm_result *result,
		 struct outcome *o);

#endif
