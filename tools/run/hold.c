/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/complain.h"
#include "descriptor.h"
#include "held.h"
#include "record.h"
#include "run.h"
#include "runlock.h"
#include "signals.h"
#include "watcher.h"

/* The lock or permit that this process holds. */
struct held {
	struct sfshm_lock lock;
	struct sfshm_permit permit;
	/*
	 * The key of the lock's run lock: a NUL, which no key of a command line
	 * has, and the lock's key.
	 */
	char run_key[SFSHM_KEY_MAX + 1];
	bool locked;
};

static int take_lock(struct invocation *inv, struct held *h, bool try)
{
	const struct options *options = &inv->options;
	const struct sfshm_lock_options how = {
		.size = sizeof(how),
		.flags = (try ? SFSHM_LOCK_TRY : 0u) |
			 (options->shared ? SFSHM_LOCK_SHARED : 0u),
		.deadline_ns = inv->deadline_ns,
		.cancel = signals_token(),
	};

	return sfshm_lock(inv->session.handle, options->key, options->key_len,
			  &how, &h->lock);
}

static int take_permit(struct invocation *inv, struct held *h, bool try)
{
	const struct options *options = &inv->options;
	const struct sfshm_semaphore_options how = {
		.size = sizeof(how),
		.flags = try ? SFSHM_SEMAPHORE_TRY : 0u,
		.max = options->max,
		.deadline_ns = inv->deadline_ns,
		.cancel = signals_token(),
	};

	return sfshm_acquire(inv->session.handle, options->key,
			     options->key_len, &how, &h->permit);
}

/*
 * If nobody uses the semaphore, gives it as many permits as the options ask
 * for. If others use it with another number, says so.
 */
static void fit_max(const struct invocation *inv)
{
	const struct options *options = &inv->options;
	struct sfshm *handle = inv->session.handle;
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	if (!options->max ||
	    sfshm_semaphore_info(handle, options->key, options->key_len, &info))
		return;
	if (info.max == options->max)
		return;
	if (!info.in_use && !info.waiters &&
	    !sfshm_semaphore_set_max(handle, options->key, options->key_len,
				     options->max))
		return;
	if (!options->quiet)
		complain("%s: others use it with %u permits, so it has those, "
			 "not %u; give the same number everywhere",
			 inv->what, info.max, options->max);
}

static int take_once(struct invocation *inv, struct held *h, bool try)
{
	return inv->options.mode == RUN_HOLD_LOCK ? take_lock(inv, h, try) :
						    take_permit(inv, h, try);
}

/* Returns as sfshm_lock(), or -EDEADLK with *o filled in. */
static int take(struct invocation *inv, struct held *h, struct outcome *o)
{
	bool watched = watcher_wanted(inv);
	int r;

	if (inv->options.mode == RUN_HOLD_PERMIT)
		fit_max(inv);
	r = take_once(inv, h, watched || inv->options.no_wait);
	if (r != -EBUSY || !watched)
		return r;
	if (!watcher_start(inv, o))
		return -EDEADLK;
	r = take_once(inv, h, false);
	watcher_end(inv);
	return r;
}

/* Waits until the last holder's command is gone. Returns 0 or an error. */
static int await_last_run(struct invocation *inv, struct held *h)
{
	size_t len = inv->options.key_len;
	int r;

	if (inv->options.mode != RUN_HOLD_LOCK)
		return 0;
	h->run_key[0] = '\0';
	memcpy(h->run_key + 1, inv->options.key, len);
	r = runlock_take(inv->session.lock_fd, h->run_key, len + 1,
			 inv->options.shared, inv->deadline_ns, signals_fd());
	h->locked = !r;
	return r;
}

/*
 * Releases the lock or permit. With `keep`, ends without releasing the lock:
 * this holder learned of a death but did nothing about it, so the next holder
 * must learn of it. Returns whether another process may have held the same lock
 * or permit.
 */
static bool let_go(struct invocation *inv, struct held *h, bool keep)
{
	int r = 0;

	if (inv->options.mode == RUN_HOLD_PERMIT)
		r = sfshm_permit_release(&h->permit);
	else if (!keep)
		r = sfshm_unlock(&h->lock);
	if (h->locked)
		runlock_drop(inv->session.lock_fd, h->run_key,
			     inv->options.key_len + 1);
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

/*
 * Runs the command. Returns whether `line` was printed: the file was removed.
 */
static bool run_it(struct invocation *inv, const char *line, struct outcome *o)
{
	const struct keeper_job job = {
		.argv = inv->argv,
		.command = inv->options.command,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO,
		.lock = inv->session.lock_fd,
		.direct = true,
	};
	struct run run = { .if_removed = line };

	held_add(inv);
	run_command(&run, &job);
	o->has_source = true;
	o->source = SFSHM_COMPUTED;
	o->leader = true;
	ended(&run, o);
	return !run.if_removed;
}

static void not_taken(const struct invocation *inv, int error,
		      struct outcome *o)
{
	const char *what = inv->what;
	int signal = signals_next();

	if (o->error[0])
		return;
	if (error == -ECANCELED && signal)
		outcome_die(o, signal);
	else if (error == -ECANCELED && signals_circle())
		invocation_circle(inv, o);
	else if (error == -EBUSY)
		invocation_turn_away(inv, o,
				     "%s: held by others; leave out -n to "
				     "wait",
				     what);
	else if (error == -ETIMEDOUT)
		invocation_give_up(inv, o,
				   "%s: still held after %llu ms; try "
				   "again, or give a longer --timeout",
				   what,
				   (unsigned long long)inv->options.timeout_ms);
	else
		outcome_fail(o, RUN_EXIT_FAILURE, "%s: %s", what,
			     invocation_meaning(error));
}

static void hold(struct invocation *inv, struct held *h, struct outcome *o)
{
	bool said = true;
	char line[512];
	int r = await_last_run(inv, h);

	snprintf(line, sizeof(line),
		 "%s: the segment's file was removed, so another run may "
		 "hold it at the same time; use a segment that nothing removes "
		 "(-s /run/...), or RemoveIPC=no in logind.conf",
		 inv->what);
	if (!r && inv->options.fd >= 0)
		descriptor_hold(inv, o);
	else if (!r)
		said = run_it(inv, line, o);
	else
		not_taken(inv, r, o);
	if (let_go(inv, h, r && o->owner_died) && !said)
		complain("%s", line);
}

void invocation_hold(struct invocation *inv, struct outcome *o)
{
	struct held h = { .locked = false };
	int r = take(inv, &h, o);

	if (r < 0) {
		not_taken(inv, r, o);
		return;
	}
	o->owner_died = r == SFSHM_OWNER_DIED;
	if (inv->options.mode == RUN_HOLD_LOCK)
		o->generation = sfshm_lock_generation(&h.lock);
	if (o->owner_died && inv->options.verbose)
		complain("lock %s: its last holder died", inv->key_text);
	hold(inv, &h, o);
}
