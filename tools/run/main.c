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
#include "filed.h"
#include "fleet.h"
#include "hold.h"
#include "lead.h"
#include "signals.h"

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

static void begin(struct invocation *inv, struct outcome *o)
{
	const struct options *options = &inv->options;
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = options->ttl_ms,
		.neg_ttl_ms = options->neg_ttl_ms,
		.deadline_ns = inv->deadline_ns,
		.cancel = signals_token(),
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = fleet_begin(inv, &policy, &result);

	o->in_fleet = inv->fleet != NULL;
	o->fleet = o->in_fleet && r >= 0 && result.fleet;
	if (r == SFSHM_LEADER) {
		invocation_lead(inv, &inv->flight.host, &result, o);
	} else if (r >= 0) {
		outcome_source(o, r, &result);
		invocation_follow(inv, &result, o);
	} else if (r == -EREMOTEIO || r == -ENOENT) {
		outcome_source(o, result.source, &result);
		invocation_failed(inv, result.code, result.message, o);
	} else {
		invocation_not_begun(inv, r, o);
	}
	sfshm_result_clear(&result);
}

static void open_and_begin(struct invocation *inv, struct outcome *o)
{
	const char *segment = inv->options.segment;
	char why[256];
	int r;

	if (inv->options.timeout_ms)
		inv->deadline_ns = sfshm_deadline_ms(inv->options.timeout_ms);
	r = session_open(&inv->session, segment, why, sizeof(why));
	if (r) {
		outcome_fail(o, RUN_EXIT_FAILURE, "segment %s: %s",
			     args_segment(segment), why);
		return;
	}
	r = signals_catch();
	if (r)
		outcome_fail(o, RUN_EXIT_FAILURE, "cannot catch signals: %s",
			     strerror(-r));
	else if (inv->options.mode == RUN_HOLD_LOCK ||
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
	if (status >= 0)
		return status;
	if (inv.options.json_fd >= 0)
		fcntl(inv.options.json_fd, F_SETFD, FD_CLOEXEC);
	escape(inv.key_text, inv.options.key, inv.options.key_len, ESCAPE_ASCII,
	       KEY_TEXT_COLUMNS);
	open_and_begin(&inv, &outcome);
	return finish(&inv, &outcome);
}
