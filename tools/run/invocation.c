/* SPDX-License-Identifier: MIT */
#include "invocation.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"
#include "stream.h"

void invocation_not_begun(const struct invocation *inv, int error,
			  struct outcome *o)
{
	int signal = signals_next();

	if (error == -ECANCELED && signal)
		outcome_die(o, signal);
	else if (error == -ETIMEDOUT)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "key %s: no result within %llu ms; the leader "
			     "goes on",
			     inv->key_text,
			     (unsigned long long)inv->options.timeout_ms);
	else
		outcome_fail(o, RUN_EXIT_FAILURE, "key %s: %s", inv->key_text,
			     sfshm_strerror(error));
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

void invocation_write(struct outcome *o, const struct record *record)
{
	invocation_write_failed(o, "standard output",
				stream_send(STDOUT_FILENO, record->out,
					    record->out_len));
	invocation_write_failed(o, "standard error",
				stream_send(STDERR_FILENO, record->err,
					    record->err_len));
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
