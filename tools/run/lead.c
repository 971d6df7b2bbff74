/* SPDX-License-Identifier: MIT */
#include "lead.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "runlock.h"
#include "signals.h"
#include "spool.h"

static void release(const struct call *call, struct sfshm_flight *flight,
		    struct outcome *o)
{
	int r = call->save ? sfshm_save_abort(call->save) :
			     sfshm_release(flight);

	if (r && r != -ESTALE && r != -ESHUTDOWN && !o->error[0])
		outcome_fail(o, RUN_EXIT_FAILURE, "cannot end the flight: %s",
			     sfshm_strerror(r));
}

static void drop_lock(const struct call *call)
{
	runlock_drop(call->session.lock_fd, call->options.key,
		     call->options.key_len);
}

/*
 * All who wait, and for the negative lifetime all who come, are told why they
 * get nothing. This call's own output is complete.
 */
static void share_failure(struct call *call, struct sfshm_flight *flight,
			  int code, struct outcome *o)
{
	char message[SFSHM_MESSAGE_MAX];
	unsigned max = call->session.max_value;
	const char *key = call->key_text;

	if (code == -EMSGSIZE)
		snprintf(
			message, sizeof(message),
			"output of %.40s is larger than the segment's largest "
			"value (%u bytes); resize it with a larger --max-value",
			key, max);
	else if (code == -ENOSPC && !call->save)
		snprintf(
			message, sizeof(message),
			"output of %.40s does not fit into the segment; resize "
			"it with more --bytes",
			key);
	else
		snprintf(message, sizeof(message),
			 "output of %.40s cannot be shared: %s", key,
			 call->save ? strerror(-code) : sfshm_strerror(code));
	o->shared = false;
	outcome_note(o, "%s", message);
	if (call->save ? sfshm_save_fail(call->save, code, message) :
			 sfshm_fail(flight, code, message))
		release(call, flight, o);
}

static void share(struct call *call, struct sfshm_flight *flight,
		  struct record_header *header, const struct run *run,
		  struct outcome *o)
{
	struct iovec pieces[] = {
		{ header, sizeof(*header) },
		{ run->out.data, run->out.len },
		{ run->err.data, run->err.len },
	};
	uint32_t neg_ttl_ms = call->options.neg_ttl_ms;
	int r = run->dropped;

	if (o->exit)
		sfshm_flight_ttl(flight, neg_ttl_ms, neg_ttl_ms);
	o->shared = sfshm_flight_waiters(flight) > 0;
	if (!r)
		r = call->save ? spool_publish(call, run, header) :
				 sfshm_publishv(flight, pieces, 3);
	if (r == -ESTALE) {
		o->shared = false;
		outcome_note(o,
			     "another caller took the flight, and shares its "
			     "own run");
	} else if (r == -ESHUTDOWN) {
		outcome_note(o, "the segment's file was removed: another call "
				"may have run the command, too");
	} else if (r == SFSHM_UNCACHED) {
		outcome_note(o, "no room to keep the result: only the present "
				"followers get it");
	} else if (r) {
		share_failure(call, flight, r, o);
	}
}

static void complete(struct call *call, struct sfshm_flight *flight,
		     struct run *run, struct outcome *o)
{
	struct record_header header = record_header(
		run->keeper.status, run->out.len + run->out.spooled,
		run->err.len + run->err.spooled);

	o->has_source = true;
	o->source = SFSHM_COMPUTED;
	outcome_status(o, header.kind, (int)header.code);
	/* First, so that the next leader never finds it taken. */
	drop_lock(call);
	share(call, flight, &header, run, o);
}

static void cut_short(struct call *call, struct sfshm_flight *flight,
		      struct run *run, struct outcome *o)
{
	int status = run->keeper.status;

	if (run->end == RUN_FAILED)
		outcome_fail(o, RUN_EXIT_FAILURE, "key %s: %s%s%s; try again",
			     call->key_text, run->what, run->error ? ": " : "",
			     run->error ? strerror(-run->error) : "");
	else if (run->end == RUN_TIMED_OUT)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "key %s: --timeout ended the command after "
			     "%llu ms",
			     call->key_text,
			     (unsigned long long)call->options.timeout_ms);
	else if (run->keeper.ended && WIFEXITED(status))
		outcome_status(o, RECORD_EXITED, WEXITSTATUS(status));
	else
		outcome_die(o, run->signal);
	/* A keeper that is not gone yet has processes that it cannot end. */
	if (run->keeper.gone)
		drop_lock(call);
	release(call, flight, o);
}

static void lead_run(struct call *call, struct sfshm_flight *flight,
		     struct outcome *o)
{
	size_t max = call->session.max_value;
	size_t head = sizeof(struct record_header);
	struct run run = {
		.limit = max > head ? max - head : 0,
		.deadline_ns = call->deadline_ns,
	};
	struct keeper_job job = {
		.argv = call->argv,
		.command = call->options.command,
		.lock = call->session.lock_fd,
	};

	if (call->save && spool_prepare(call, &run, o)) {
		drop_lock(call);
		release(call, flight, o);
		return;
	}
	run_command(&run, &job);
	if (run.end == RUN_COMPLETE)
		complete(call, flight, &run, o);
	else
		cut_short(call, flight, &run, o);
	if (call_may_write(o))
		run_flush(&run);
	call_write_failed(o, "standard output", run.out.error);
	call_write_failed(o, "standard error", run.err.error);
	run_clear(&run);
	spool_clear(&run);
}

void call_lead(struct call *call, struct sfshm_flight *flight,
	       const struct sfshm_result *result, struct outcome *o)
{
	int r = runlock_take(call->session.lock_fd, call->options.key,
			     call->options.key_len, call->deadline_ns,
			     signals_fd());

	o->leader = true;
	o->owner_died = result->owner_died;
	o->generation = sfshm_flight_generation(flight);
	if (!r) {
		lead_run(call, flight, o);
		return;
	}
	if (r == -ECANCELED)
		outcome_die(o, signals_next());
	else if (r == -ETIMEDOUT)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "key %s: processes of a killed run were not gone "
			     "within %llu ms",
			     call->key_text,
			     (unsigned long long)call->options.timeout_ms);
	else
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: cannot take the run lock: %s",
			     call->key_text, strerror(-r));
	release(call, flight, o);
}

void call_follow(struct call *call, const struct sfshm_result *result,
		 struct outcome *o)
{
	const struct sfshm_buf *value = &result->value;
	struct record record;

	if (!call_may_write(o))
		return;
	if (record_parse(&record, value->data, value->len)) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: its value is not from sfshm-run; "
			     "choose another key or segment",
			     call->key_text);
		return;
	}
	outcome_status(o, record.kind, record.code);
	call_write_failed(o, "standard output",
			  stream_send(STDOUT_FILENO, record.out,
				      record.out_len));
	call_write_failed(o, "standard error",
			  stream_send(STDERR_FILENO, record.err,
				      record.err_len));
}
