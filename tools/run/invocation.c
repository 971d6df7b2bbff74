/* SPDX-License-Identifier: MIT */
#include "invocation.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"
#include "stream.h"

bool invocation_tells(const struct invocation *inv)
{
	return !inv->options.quiet &&
	       (inv->options.verbose || isatty(STDERR_FILENO));
}

void invocation_give_up(const struct invocation *inv, struct outcome *o,
			const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(o->error, sizeof(o->error), format, args);
	va_end(args);
	o->exit = inv->options.busy_status;
	o->loud = !inv->options.quiet;
}

void invocation_circle(const struct invocation *inv, struct outcome *o)
{
	outcome_fail(o, RUN_EXIT_FAILURE,
		     "%s: its holder waits for a call that this command runs "
		     "under, so the wait would not end; take locks and keys in "
		     "one order everywhere",
		     inv->what);
}

void invocation_turn_away(const struct invocation *inv, struct outcome *o,
			  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(o->error, sizeof(o->error), format, args);
	va_end(args);
	o->exit = inv->options.busy_status;
	o->loud = invocation_tells(inv);
}

const char *invocation_meaning(int error)
{
	switch (error) {
	case -EUSERS:
		return "all participants of the segment are taken; try later, "
		       "or make room with sfshm-ctl resize --participants N";
	case -ENOSPC:
		return "all slots of the segment are in use; try later, or "
		       "make room with sfshm-ctl resize --slots N";
	case -EHOSTDOWN:
		return "its leaders keep dying, and --breaker is open; find "
		       "out why, or try later";
	default: return sfshm_strerror(error);
	}
}

void invocation_not_begun(const struct invocation *inv, int error,
			  struct outcome *o)
{
	const char *key = inv->key_text;
	int signal = signals_next();

	if (error == -ECANCELED && signal)
		outcome_die(o, signal);
	else if (error == -ECANCELED && signals_circle())
		invocation_circle(inv, o);
	else if (error == -ETIMEDOUT)
		invocation_give_up(inv, o,
				   "key %s: no result within %llu ms; the "
				   "leader goes on",
				   key,
				   (unsigned long long)inv->options.timeout_ms);
	else if (error == -EBUSY)
		invocation_turn_away(inv, o,
				     "key %s: another call runs the command; "
				     "leave out -n to wait",
				     key);
	else if (error == -EAGAIN)
		invocation_turn_away(inv, o,
				     "key %s: %u callers wait already; try "
				     "later, or with a larger --max-waiters",
				     key, inv->options.max_waiters);
	else
		outcome_fail(o, RUN_EXIT_FAILURE, "key %s: %s", key,
			     invocation_meaning(error));
}

/*
 * `message` comes from the call that led, or from another program that uses the
 * key.
 */
void invocation_failed(const struct invocation *inv, int code,
		       const char *message, struct outcome *o)
{
	if (message[0])
		outcome_fail(o, RUN_EXIT_FAILURE, "%s", message);
	else
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: another program's work failed with %d",
			     inv->key_text, code);
}

void invocation_write_failed(struct outcome *o, const char *what, int error)
{
	if (error && error != EPIPE && !o->die)
		outcome_fail(o, RUN_EXIT_FAILURE, "%s cannot be written: %s",
			     what, strerror(error));
}

uint64_t invocation_skip(uint64_t shown, uint64_t len)
{
	return shown < len ? shown : len;
}

void invocation_write(const struct invocation *inv, struct outcome *o,
		      const struct record *record)
{
	size_t out = invocation_skip(inv->shown_out, record->out_len);
	size_t err = invocation_skip(inv->shown_err, record->err_len);

	invocation_write_failed(o, "standard output",
				stream_send(STDOUT_FILENO, record->out + out,
					    record->out_len - out));
	invocation_write_failed(o, "standard error",
				stream_send(STDERR_FILENO, record->err + err,
					    record->err_len - err));
}

bool invocation_may_write(struct outcome *o)
{
	int signal;

	signals_release();
	signal = signals_next();
	if (signal && !o->die)
		outcome_die(o, signal);
	return !signal;
}
