/* SPDX-License-Identifier: MIT */
/*
 * One invocation of sfshm-run with a key: its state, and the messages for the
 * ways it can end. Leading is in lead.h; results in files are in filed.h.
 */
#ifndef RUN_INVOCATION_H
#define RUN_INVOCATION_H

#include <limits.h>
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
	uint64_t deadline_ns;  /* 0: none */
	uint64_t lease_end_ns; /* of a leader, at the earliest; 0: none */
	struct sfshm_save file;
	struct sfshm_save *save;   /* the result goes to this file, or NULL */
	struct sfshm_fleet *fleet; /* NULL: none */
	/*
	 * Of a call with -k; zeroed, so that calls on it work without a fleet,
	 * too.
	 */
	struct sfshm_fleet_flight flight;
	char **argv;
	pid_t watcher;
	pid_t follower;      /* see follow.h */
	int tell;            /* tells the follower which flight has a result */
	struct shown *shown; /* what the follower writes; NULL: none runs */
	uint64_t shown_out, shown_err; /* of the result, written already */
	int report;        /* of a holder process: see descriptor.h */
	char key_text[64]; /* the key, for messages */
	char what[80];     /* "key KEY", "lock KEY" or "semaphore KEY" */
	char made_key[SFSHM_KEY_MAX];
	char segment_path[PATH_MAX];
};

/*
 * Whether this call writes to standard error what is no failure: for whom it
 * waits, or that it does not wait because its options forbid that.
 */
bool invocation_tells(const struct invocation *inv);

/*
 * Notes that this call gives up, past its deadline, because others have what it
 * asks for. The message is for standard error, too, unless the call is a quiet
 * one.
 */
void invocation_give_up(const struct invocation *inv, struct outcome *o,
			const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Notes that this call does not wait for others, as its options say. The
 * message is for standard error only if invocation_tells().
 */
void invocation_turn_away(const struct invocation *inv, struct outcome *o,
			  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes that the wait, which -ECANCELED ended, was a part of a circle. */
void invocation_circle(const struct invocation *inv, struct outcome *o);

/* The meaning of the library's `error`, and what to do about it. */
const char *invocation_meaning(int error);

/* Notes why a wait ended without a result: the library returned `error`. */
void invocation_not_begun(const struct invocation *inv, int error,
			  struct outcome *o);

/*
 * Notes that sfshm-run or another program could not do the work, with the
 * leader's message.
 */
void invocation_failed(const struct invocation *inv, int code,
		       const char *message, struct outcome *o);

/*
 * Lets later signals end this process at once. If a signal came before, notes
 * that it ends this process. Returns whether the call may go on to write.
 */
bool invocation_may_write(struct outcome *o);

/* Writes out what the follower has not written of a record's output. */
void invocation_write(const struct invocation *inv, struct outcome *o,
		      const struct record *record);

/* How many of `len` bytes are written, if the first `shown` bytes are. */
uint64_t invocation_skip(uint64_t shown, uint64_t len);

/* Notes that writing to `what` failed with errno `error`, unless that is 0. */
void invocation_write_failed(struct outcome *o, const char *what, int error);

#endif
