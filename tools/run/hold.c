/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/complain.h"
#include "record.h"
#include "run.h"
#include "runlock.h"
#include "signals.h"

/* What is held. */
struct hold {
	struct sfshm_lock lock;
	struct sfshm_permit permit;
	/* The name by which a lock is a run lock, too: not that of a run. */
	char run_key[SFSHM_KEY_MAX + 1];
	bool locked;
};

static int take_lock(struct call *call, struct hold *h)
{
	const struct options *options = &call->options;
	const struct sfshm_lock_options how = {
		.size = sizeof(how),
		.flags = options->no_wait ? SFSHM_LOCK_TRY : 0u,
		.deadline_ns = call->deadline_ns,
		.cancel = signals_token(),
	};

	return sfshm_lock(call->session.handle, options->key, options->key_len,
			  &how, &h->lock);
}

static int take_permit(struct call *call, struct hold *h)
{
	const struct options *options = &call->options;
	const struct sfshm_semaphore_options how = {
		.size = sizeof(how),
		.flags = options->no_wait ? SFSHM_SEMAPHORE_TRY : 0u,
		.max = options->max,
		.deadline_ns = call->deadline_ns,
		.cancel = signals_token(),
	};

	return sfshm_acquire(call->session.handle, options->key,
			     options->key_len, &how, &h->permit);
}

/* The last holder's command, too, is to be gone. 0 or what went wrong. */
static int await_last_run(struct call *call, struct hold *h)
{
	size_t len = call->options.key_len;
	int r;

	if (call->options.mode != RUN_HOLD_LOCK)
		return 0;
	h->run_key[0] = 'L';
	memcpy(h->run_key + 1, call->options.key, len);
	r = runlock_take(call->session.lock_fd, h->run_key, len + 1,
			 call->deadline_ns, signals_fd());
	h->locked = !r;
	return r;
}

/*
 * Who did nothing about a death leaves it for the next one: then `keep` holds
 * on to the lock. Returns whether somebody else may have held the same.
 */
static bool let_go(struct call *call, struct hold *h, bool keep)
{
	int r = 0;

	if (call->options.mode == RUN_HOLD_PERMIT)
		r = sfshm_permit_release(&h->permit);
	else if (!keep)
		r = sfshm_unlock(&h->lock);
	if (h->locked)
		runlock_drop(call->session.lock_fd, h->run_key,
			     call->options.key_len + 1);
	return r == -ESHUTDOWN;
}

static void ended(const struct run *run, struct outcome *o)
{
	const struct record_header header =
		record_header(run->keeper.status, 0, 0);

	if (run->end == RUN_FAILED)
		outcome_fail(o, RUN_EXIT_FAILURE, "%s%s%s; try again",
			     run->what, run->error ? ": " : "",
			     run->error ? strerror(-run->error) : "");
	else if (run->end == RUN_INTERRUPTED && !WIFEXITED(run->keeper.status))
		outcome_die(o, run->signal);
	else
		outcome_status(o, header.kind, (int)header.code);
}

/* True: what `line` says was said. */
static bool run_it(struct call *call, const char *line, struct outcome *o)
{
	const struct keeper_job job = {
		.argv = call->argv,
		.command = call->options.command,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.lock = call->session.lock_fd,
		.direct = true,
	};
	struct run run = { .if_removed = line };

	run_command(&run, &job);
	o->has_source = true;
	o->source = SFSHM_COMPUTED;
	o->leader = true;
	ended(&run, o);
	return !run.if_removed;
}

static const char *kind(const struct call *call)
{
	return call->options.mode == RUN_HOLD_LOCK ? "lock" : "semaphore";
}

static void not_taken(const struct call *call, int error, struct outcome *o)
{
	const char *what = kind(call);
	int signal = signals_next();

	if (error == -ECANCELED && signal)
		outcome_die(o, signal);
	else if (error == -EBUSY)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "%s %s: held by others; leave out -n to wait",
			     what, call->key_text);
	else if (error == -ETIMEDOUT)
		outcome_fail(o, RUN_EXIT_TIMEOUT,
			     "%s %s: still held after %llu ms", what,
			     call->key_text,
			     (unsigned long long)call->options.timeout_ms);
	else
		outcome_fail(o, RUN_EXIT_FAILURE, "%s %s: %s", what,
			     call->key_text, sfshm_strerror(error));
}

static void hold(struct call *call, struct hold *h, struct outcome *o)
{
	bool said = true;
	char line[512];
	int r = await_last_run(call, h);

	snprintf(line, sizeof(line),
		 "%s %s: the segment's file was removed, so another run may "
		 "hold it at the same time; use a segment that nothing removes "
		 "(-s /run/...), or RemoveIPC=no in logind.conf",
		 kind(call), call->key_text);
	if (!r)
		said = run_it(call, line, o);
	else
		not_taken(call, r, o);
	if (let_go(call, h, r && o->owner_died) && !said)
		complain("%s", line);
}

void call_hold(struct call *call, struct outcome *o)
{
	struct hold h = { .locked = false };
	int r = call->options.mode == RUN_HOLD_LOCK ? take_lock(call, &h) :
						      take_permit(call, &h);

	if (r < 0) {
		not_taken(call, r, o);
		return;
	}
	o->owner_died = r == SFSHM_OWNER_DIED;
	if (call->options.mode == RUN_HOLD_LOCK)
		o->generation = sfshm_lock_generation(&h.lock);
	if (o->owner_died && call->options.verbose)
		complain("lock %s: its last holder died", call->key_text);
	hold(call, &h, o);
}
