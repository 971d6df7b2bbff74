/* SPDX-License-Identifier: MIT */
#include "lead.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/complain.h"
#include "face.h"
#include "failure.h"
#include "held.h"
#include "run.h"
#include "runlock.h"
#include "signals.h"
#include "spool.h"
#include "transcript.h"

static void release(struct invocation *inv, struct outcome *o)
{
	int r = inv->save ? sfshm_save_abort(inv->save) :
			    sfshm_fleet_release(&inv->flight);

	if (r && r != -ESTALE && r != -ESHUTDOWN && !o->error[0])
		outcome_fail(o, RUN_EXIT_FAILURE, "cannot end the flight: %s",
			     sfshm_strerror(r));
}

static void drop_lock(const struct invocation *inv)
{
	runlock_drop(inv->session.lock_fd, inv->options.key,
		     inv->options.key_len);
}

/*
 * Tells all waiters, and for the negative lifetime all later callers, why they
 * get no result. This call's own output is complete.
 */
static void share_failure(struct invocation *inv, int code, struct outcome *o)
{
	char message[SFSHM_MESSAGE_MAX];
	unsigned max = inv->session.max_value;
	const char *key = inv->key_text;

	if (code == -EMSGSIZE)
		snprintf(message, sizeof(message),
			 "output of %.40s is larger than the segment's largest "
			 "value (%u bytes); resize the segment with a larger "
			 "--max-value",
			 key, max);
	else if (code == -ENOSPC && !inv->save)
		snprintf(
			message, sizeof(message),
			"output of %.40s does not fit into the segment; resize "
			"the segment with more --bytes",
			key);
	else
		snprintf(message, sizeof(message),
			 "output of %.40s cannot be shared: %s", key,
			 inv->save ? strerror(-code) : sfshm_strerror(code));
	outcome_note(o, "%s", message);
	/* Complains only if other callers want the output. */
	o->loud = !inv->options.quiet && (o->shared || inv->options.ttl_ms);
	o->shared = false;
	if (inv->save ? sfshm_save_fail(inv->save, code, message) :
			sfshm_fleet_fail(&inv->flight, code, message))
		release(inv, o);
}

static void share(struct invocation *inv, struct sfshm_flight *flight,
		  struct record_header *header, const struct run *run,
		  struct outcome *o)
{
	struct iovec pieces[] = {
		{ header, sizeof(*header) },
		{ run->out.data, run->out.len },
		{ run->err.data, run->err.len },
	};
	uint32_t neg_ttl_ms = inv->options.neg_ttl_ms;
	int r = run->dropped;

	if (o->exit)
		sfshm_flight_ttl(flight, neg_ttl_ms, neg_ttl_ms);
	o->shared = sfshm_flight_waiters(flight) > 0;
	for (unsigned i = 0; !r && i < inv->options.tag_count; i++)
		r = sfshm_flight_tag(flight, inv->options.tags[i],
				     strlen(inv->options.tags[i]));
	/*
	 * Other hosts would get a failure without the output, so with --fleet
	 * publish the record.
	 */
	if (!r && o->exit && !inv->fleet && failure_fits(inv, header))
		r = failure_share(inv, flight, header, run);
	else if (!r && inv->save)
		r = spool_publish(inv, run, header);
	else if (!r)
		r = sfshm_fleet_publishv(&inv->flight, pieces, 3);
	o->fleet = o->fleet && sfshm_fleet_shared(&inv->flight);
	if (r == -ESTALE) {
		o->shared = false;
		outcome_note(o,
			     "another caller took the flight, and shares its "
			     "own run");
	} else if (r == -ESHUTDOWN) {
		outcome_note(o, "the segment's file was removed: another call "
				"may have run the command, too");
	} else if (r == SFSHM_UNCACHED) {
		outcome_note(o,
			     "key %s: no room to keep the result: only the "
			     "present followers get it; make room with "
			     "sfshm-ctl resize --bytes N",
			     inv->key_text);
		o->loud = !inv->options.quiet && inv->options.ttl_ms;
	} else if (r) {
		share_failure(inv, r, o);
	}
}

static void complete(struct invocation *inv, struct sfshm_flight *flight,
		     struct run *run, struct outcome *o)
{
	struct record_header header = record_header(
		run->keeper.status, run->out.len + run->out.spooled,
		run->err.len + run->err.spooled);

	o->has_source = true;
	o->source = SFSHM_COMPUTED;
	if (run->transcript)
		transcript_end(run->transcript, &header);
	outcome_status(o, header.kind, (int)header.code);
	/* Drop the lock first, so that the next leader never finds it taken. */
	drop_lock(inv);
	share(inv, flight, &header, run, o);
}

static void cut_short(struct invocation *inv, struct run *run,
		      struct outcome *o)
{
	int status = run->keeper.status;

	if (run->end == RUN_FAILED)
		outcome_fail(o, RUN_EXIT_FAILURE, "key %s: %s%s%s; try again",
			     inv->key_text, run->what, run->error ? ": " : "",
			     run->error ? strerror(-run->error) : "");
	else if (run->end == RUN_TIMED_OUT)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "key %s: --timeout ended the command after "
			     "%llu ms",
			     inv->key_text,
			     (unsigned long long)inv->options.timeout_ms);
	else if (run->end == RUN_TAKEN)
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: after --lock-age another caller took the "
			     "flight, and this one's command was ended",
			     inv->key_text);
	else if (run->keeper.ended && WIFEXITED(status))
		outcome_status(o, RECORD_EXITED, WEXITSTATUS(status));
	else
		outcome_die(o, run->signal);
	/*
	 * A keeper that is not gone waits for processes that it cannot kill; it
	 * keeps the lock.
	 */
	if (run->keeper.gone)
		drop_lock(inv);
	release(inv, o);
}

/* Writes the last good result in place of a failed one, if it will do. */
static bool serve_stale(struct invocation *inv, struct outcome *o)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.stale_if_error_ms = inv->options.stale_if_error_ms,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int status = o->exit;
	int r = sfshm_peek(inv->session.handle, inv->options.key,
			   inv->options.key_len, &policy, &result);

	if (r == SFSHM_CACHED) {
		outcome_source(o, r, &result);
		invocation_follow(inv, &result, o);
		outcome_note(o, "the command failed with status %d", status);
		if (inv->options.verbose)
			complain("key %s: %s; its last good result follows",
				 inv->key_text, o->error);
	}
	sfshm_result_clear(&result);
	return r == SFSHM_CACHED;
}

/* Tells the caller that its time is over, and lets it go. */
static void leave(void *arg)
{
	struct invocation *inv = arg;
	struct outcome left = { .leader = true };

	outcome_fail(&left, RUN_EXIT_TIMEOUT,
		     "key %s: --timeout passed after %llu ms; the command goes "
		     "on for other callers",
		     inv->key_text,
		     (unsigned long long)inv->options.timeout_ms);
	outcome_report(&left, inv->options.json_fd);
	if (!inv->options.quiet)
		complain("%s", left.error);
	face_leave(inv, left.exit);
}

/* Without a transcript followers get the output at the end. */
static void begin_transcript(const struct invocation *inv, struct run *run,
			     struct transcript *transcript,
			     const struct sfshm_flight *flight)
{
	const struct transcript_flight own = {
		.key = identity_of(inv, inv->options.mode),
		.generation = sfshm_flight_generation(flight),
	};
	int r = transcript_open(transcript, &own);

	if (!r)
		run->transcript = transcript;
	else if (!inv->options.quiet)
		complain("key %s: cannot make a file for --follow-output: %s",
			 inv->key_text, strerror(-r));
}

static void lead_run(struct invocation *inv, struct sfshm_flight *flight,
		     struct outcome *o)
{
	size_t max = inv->session.max_value;
	size_t head = sizeof(struct record_header);
	struct run run = {
		.limit = max > head ? max - head : 0,
		.deadline_ns = inv->deadline_ns,
		.flight = flight,
		.lease_end_ns = inv->lease_end_ns,
		.leave = inv->options.keep ? leave : NULL,
		.leave_arg = inv,
		.held = inv->options.stale_if_error_ms > 0,
	};
	struct keeper_job job = {
		.argv = inv->argv,
		.command = inv->options.command,
		.lock = inv->session.lock_fd,
	};
	struct transcript transcript = { .fd = -1 };

	if (inv->save && spool_prepare(inv, &run, o)) {
		drop_lock(inv);
		release(inv, o);
		return;
	}
	if (inv->options.follow_output)
		begin_transcript(inv, &run, &transcript, flight);
	held_add(inv);
	run_command(&run, &job);
	if (run.end == RUN_COMPLETE)
		complete(inv, flight, &run, o);
	else
		cut_short(inv, &run, o);
	if (run.held && run.end == RUN_COMPLETE && o->exit &&
	    serve_stale(inv, o))
		run_forget(&run);
	else if (invocation_may_write(o))
		run_flush(&run);
	invocation_write_failed(o, "standard output", run.out.error);
	invocation_write_failed(o, "standard error", run.err.error);
	run_clear(&run);
	spool_clear(&run);
	transcript_close(&transcript);
}

void invocation_lead(struct invocation *inv, struct sfshm_flight *flight,
		     const struct sfshm_result *result, struct outcome *o)
{
	int r;

	if (inv->options.lock_age_ms)
		inv->lease_end_ns = sfshm_deadline_ms(inv->options.lock_age_ms);
	o->leader = true;
	o->owner_died = result->owner_died;
	o->generation = sfshm_flight_generation(flight);
	r = runlock_take(inv->session.lock_fd, inv->options.key,
			 inv->options.key_len, false, inv->deadline_ns,
			 signals_fd());
	if (!r) {
		lead_run(inv, flight, o);
		return;
	}
	if (r == -ECANCELED)
		outcome_die(o, signals_next());
	else if (r == -ETIMEDOUT)
		invocation_give_up(inv, o,
				   "key %s: processes of a killed run were not "
				   "gone within %llu ms",
				   inv->key_text,
				   (unsigned long long)inv->options.timeout_ms);
	else
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: cannot take the run lock: %s",
			     inv->key_text, strerror(-r));
	release(inv, o);
}

void invocation_follow(struct invocation *inv,
		       const struct sfshm_result *result, struct outcome *o)
{
	const struct sfshm_buf *value = &result->value;
	struct record record;

	if (!invocation_may_write(o))
		return;
	if (record_parse(&record, value->data, value->len, 0)) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: its value is not from sfshm-run; "
			     "choose another key or segment",
			     inv->key_text);
		return;
	}
	outcome_status(o, record.kind, record.code);
	invocation_write(inv, o, &record);
}
