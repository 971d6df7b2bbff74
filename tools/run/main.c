/* SPDX-License-Identifier: MIT */
/* sfshm-run: one run of a command for all callers that ask for it at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "descriptor.h"
#include "face.h"
#include "failure.h"
#include "filed.h"
#include "fleet.h"
#include "follow.h"
#include "hold.h"
#include "key.h"
#include "lead.h"
#include "signals.h"
#include "watcher.h"

/*
 * Opens /dev/null in place of each closed standard descriptor, so that no file
 * that this program opens becomes a standard one. Writing there still fails,
 * because /dev/null is open for reading only.
 */
static int fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static struct sfshm_policy make_policy(const struct invocation *inv)
{
	const struct options *options = &inv->options;

	return (struct sfshm_policy){
		.size = sizeof(struct sfshm_policy),
		.flags = (options->no_wait ? SFSHM_TRY : 0u) |
			 (options->refresh ? SFSHM_REFRESH : 0u),
		.ttl_ms = options->ttl_ms,
		.neg_ttl_ms = options->neg_ttl_ms,
		.grace_ms = options->grace_ms,
		.stale_if_error_ms = options->stale_if_error_ms,
		.max_waiters = options->max_waiters,
		.deadline_ns = inv->deadline_ns,
		.cancel = signals_token(),
		.lock_age_ms = options->lock_age_ms,
		.breaker_deaths = options->breaker_deaths,
		.breaker_ms = options->breaker_ms,
		.beta = options->beta,
	};
}

static void begin(struct invocation *inv, struct outcome *o)
{
	struct sfshm_policy policy = make_policy(inv);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	bool watched = !inv->fleet &&
		       (watcher_wanted(inv) || follow_wanted(inv));
	int r;

	if (watched)
		policy.flags |= SFSHM_TRY;
	r = fleet_begin(inv, &policy, &result);
	if (r == -EBUSY && watched) {
		if (!watcher_start(inv, o))
			return;
		follow_start(inv);
		policy.flags &= ~SFSHM_TRY;
		r = fleet_begin(inv, &policy, &result);
		watcher_end(inv);
	}
	o->in_fleet = inv->fleet != NULL;
	o->fleet = o->in_fleet && r >= 0 && result.fleet;
	if (r == SFSHM_LEADER && o->in_fleet && !o->fleet && result.coordinated)
		complain("--fleet: the engine does not answer, or refuses the "
			 "key: this host runs the command for itself");
	if (r == SFSHM_LEADER) {
		follow_drop(inv, true);
		invocation_lead(inv, &inv->flight.host, &result, o);
	} else if (r >= 0) {
		outcome_source(o, r, &result);
		if (!follow_finish(inv, result.generation, o))
			invocation_follow(inv, &result, o);
	} else if (r == -EREMOTEIO || r == -ENOENT) {
		outcome_source(o, result.source, &result);
		if (!follow_finish(inv, result.generation, o) &&
		    !failure_follow(inv, result.code, result.message, o))
			invocation_failed(inv, result.code, result.message, o);
	} else {
		follow_drop(inv, false);
		invocation_not_begun(inv, r, o);
	}
	sfshm_result_clear(&result);
}

static void open_and_begin(struct invocation *inv, struct outcome *o)
{
	const char *segment = inv->options.segment;
	char why[400];
	int r;

	if (inv->options.timeout_ms)
		inv->deadline_ns = sfshm_deadline_ms(inv->options.timeout_ms);
	r = signals_catch();
	if (r) {
		outcome_fail(o, RUN_EXIT_FAILURE, "cannot catch signals: %s",
			     strerror(-r));
		return;
	}
	r = session_open(&inv->session, &inv->options, why, sizeof(why));
	if (r) {
		outcome_fail(o, RUN_EXIT_FAILURE, "segment %s: %s",
			     args_segment(segment), why);
		return;
	}
	if (inv->options.mode == RUN_HOLD_LOCK ||
	    inv->options.mode == RUN_HOLD_PERMIT)
		invocation_hold(inv, o);
	else if (inv->options.mode == RUN_FILED)
		invocation_filed(inv, o);
	else if (fleet_join(inv, o))
		begin(inv, o);
	fleet_leave(inv);
	r = sfshm_close(inv->session.handle);
	if (r && !o->error[0])
		outcome_fail(o, RUN_EXIT_FAILURE, "segment %s: %s",
			     args_segment(segment), sfshm_strerror(r));
}

static int finish(const struct invocation *inv, struct outcome *o)
{
	int r = outcome_report(o, inv->options.json_fd);

	if (r)
		outcome_fail(o, RUN_EXIT_FAILURE, "--json-status %d: %s",
			     inv->options.json_fd, strerror(r));
	if (o->loud)
		complain("%s", o->error);
	if (o->die)
		signals_die(o->signal);
	return o->exit;
}

int main(int argc, char **argv)
{
	struct invocation inv = { .argv = argv };
	struct outcome outcome = { 0 };
	int status, r = fill_standard_fds();

	if (r) {
		complain("cannot open /dev/null: %s", strerror(-r));
		return RUN_EXIT_FAILURE;
	}
	status = options_read(&inv.options, argc, argv);
	if (status < 0)
		status = key_make(&inv.options, inv.made_key);
	if (status < 0 && inv.options.fd >= 0)
		status = descriptor_split(&inv);
	else if (status < 0 && inv.options.keep && inv.options.timeout_ms)
		status = face_split(&inv);
	if (status >= 0)
		return status;
	if (inv.options.json_fd >= 0)
		fcntl(inv.options.json_fd, F_SETFD, FD_CLOEXEC);
	escape(inv.key_text, inv.options.key, inv.options.key_len, ESCAPE_ASCII,
	       KEY_TEXT_COLUMNS);
	session_resolve(&inv.options, inv.segment_path);
	snprintf(inv.what, sizeof(inv.what), "%s %s",
		 inv.options.mode == RUN_HOLD_LOCK   ? "lock" :
		 inv.options.mode == RUN_HOLD_PERMIT ? "semaphore" :
						       "key",
		 inv.key_text);
	open_and_begin(&inv, &outcome);
	return finish(&inv, &outcome);
}
