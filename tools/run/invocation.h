/* SPDX-License-Identifier: MIT */
/*
 * One invocation of sfshm-run with a key: its state, and the words for how it
 * can end. Leading is in lead.h; results in files are in filed.h.
 */
#ifndef RUN_INVOCATION_H
#define RUN_INVOCATION_H

#include <stdbool.h>
#include <sfshm.h>

#include "options.h"
#include "outcome.h"
#include "session.h"

/* In messages a key is cut to this. */
#define KEY_TEXT_COLUMNS 40

struct invocation {
	struct options options;
	struct session session;
	uint64_t deadline_ns; /* 0: none */
	struct sfshm_save file;
	struct sfshm_save *save; /* the result goes to this file, or NULL */
	char **argv;
	char key_text[64]; /* the key, for messages */
};

/* Says why a wait ended without a result: `error` is the library's. */
void invocation_not_begun(const struct invocation *inv, int error,
			  struct outcome *o);

/* Says that the run failed, in its leader's words. */
void invocation_failed(const struct invocation *inv, int code,
		       const char *message, struct outcome *o);

/*
 * Lets signals end this process by themselves from here on; one that came
 * before ends it now. Returns whether the call may go on to write.
 */
bool invocation_may_write(struct outcome *o);

/* Says that `what` took no more: `error` is errno, or 0. */
void invocation_write_failed(struct outcome *o, const char *what, int error);

#endif
