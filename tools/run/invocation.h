/* SPDX-License-Identifier: MIT */
/*
 * One invocation of sfshm-run with a key: its state, and the messages for the
 * ways it can end. Leading is in lead.h; results in files are in filed.h.
 */
#ifndef RUN_INVOCATION_H
#define RUN_INVOCATION_H

#include <stdbool.h>
#include <sfshm.h>

#include "options.h"
#include "outcome.h"
#include "session.h"

/* Messages cut a key to this many columns. */
#define KEY_TEXT_COLUMNS 40

struct invocation {
	struct options options;
	struct session session;
	uint64_t deadline_ns; /* 0: none */
	struct sfshm_save file;
	struct sfshm_save *save;   /* the result goes to this file, or NULL */
	struct sfshm_fleet *fleet; /* NULL: none */
	/* With -k; zeroed, so that its calls do without a fleet, too. */
	struct sfshm_fleet_flight flight;
	char **argv;
	char key_text[64]; /* the key, for messages */
};

/* Notes why a wait ended without a result: the library returned `error`. */
void invocation_not_begun(const struct invocation *inv, int error,
			  struct outcome *o);

/* Notes that the run failed, with its leader's message. */
void invocation_failed(const struct invocation *inv, int code,
		       const char *message, struct outcome *o);

/*
 * Lets later signals end this process at once. If a signal came before, notes
 * that it ends this process. Returns whether the call may go on to write.
 */
bool invocation_may_write(struct outcome *o);

/* Notes that writing to `what` failed with errno `error`, unless that is 0. */
void invocation_write_failed(struct outcome *o, const char *what, int error);

#endif
