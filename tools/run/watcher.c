/* SPDX-License-Identifier: MIT */
#include "watcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "circle.h"
#include "common/complain.h"
#include "held.h"
#include "processes.h"
#include "signals.h"

#define WATCHER_NAME "sfshm-watcher"

/* The time of one look, and the look at which the watcher says who holds. */
#define LOOK_MS 100
#define LOOKS_TO_TELL 10

/* A command in a message is cut to so many bytes. */
#define COMMAND_BYTES 61

/* A message names so many holders of a semaphore. */
#define HOLDERS_TOLD 3

bool watcher_wanted(const struct invocation *inv)
{
	return !inv->options.no_wait &&
	       (invocation_tells(inv) || held_is_nested());
}

/* Appends "process 12 (COMMAND)" to the message, after `before`. */
static void name_process(const struct circle_view *v, uint32_t participant,
			 const char *before, char *text, size_t size)
{
	const struct sfshm_participant_info *p = &v->participants[participant];
	size_t n = strlen(text);
	char command[COMMAND_BYTES];

	if (p->pid_ns && p->pid_ns != v->pid_ns) {
		snprintf(text + n, size - n,
			 "%sprocess %d of another PID namespace", before,
			 p->pid);
		return;
	}
	process_command(p->pid, command, sizeof(command));
	snprintf(text + n, size - n, "%sprocess %d (%s)", before, p->pid,
		 command);
}

static void tell_who(const struct invocation *inv, const struct circle_view *v)
{
	uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	char text[512] = "", since[48] = "";
	int n = 0;

	if (v->slot >= 0)
		n = circle_holders(v, (uint32_t)v->slot, &slot, holders);
	for (int i = 0; i < n && i < HOLDERS_TOLD; i++)
		name_process(v, holders[i], i ? ", " : "", text, sizeof(text));
	/* The slot has no times of permits and shared holds. */
	if (n == 1 && !slot.permits && slot.age_ms >= 0)
		snprintf(since, sizeof(since), ", at it for %lld s",
			 (long long)(slot.age_ms / 1000));
	if (n > 0)
		complain("%s: waiting for %s%s%s", inv->what, text,
			 n > HOLDERS_TOLD ? ", ..." : "", since);
}

/*
 * Looks at the segment. Returns whether this call, which is `caller`, is to
 * give up because of a circle.
 */
static bool look(const struct invocation *inv, pid_t caller, bool tell,
		 unsigned looks)
{
	struct circle_view v;
	bool gives_up = false;

	if (circle_open(&v, &inv->options))
		return false;
	if (tell)
		tell_who(inv, &v);
	if (held_is_nested())
		gives_up = circle_find(&v, caller, looks);
	circle_close(&v);
	return gives_up;
}

static _Noreturn void watch(const struct invocation *inv, pid_t caller)
{
	unsigned looks;

	prctl(PR_SET_NAME, WATCHER_NAME);
	signals_restore_in_helper();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != caller)
		_exit(0);
	for (looks = 1; held_is_nested() || looks <= LOOKS_TO_TELL; looks++) {
		bool tell = looks == LOOKS_TO_TELL && invocation_tells(inv);

		poll(NULL, 0, looks <= LOOKS_TO_TELL ? LOOK_MS : 10 * LOOK_MS);
		if ((tell || held_is_nested()) &&
		    look(inv, caller, tell, looks))
			kill(caller, SIGNALS_CIRCLE);
	}
	_exit(0);
}

/* Whether the calls above this one hold all of the semaphore's permits. */
static bool permits_are_above(const struct invocation *inv, unsigned above)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	return !sfshm_semaphore_info(inv->session.handle, inv->options.key,
				     inv->options.key_len, &info) &&
	       above >= info.max;
}

bool watcher_start(struct invocation *inv, struct outcome *o)
{
	pid_t above = 0, caller = getpid();
	unsigned count = held_above(inv, &above);

	if (count && (inv->options.mode != RUN_HOLD_PERMIT ||
		      permits_are_above(inv, count))) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "%s: this command runs under process %d, which "
			     "has it already, so it would wait for itself; "
			     "choose another key",
			     inv->what, (int)above);
		return false;
	}
	if (!watcher_wanted(inv))
		return true;
	inv->watcher = fork();
	if (!inv->watcher)
		watch(inv, caller);
	return true;
}

void watcher_end(struct invocation *inv)
{
	if (inv->watcher <= 0)
		return;
	kill(inv->watcher, SIGKILL);
	while (waitpid(inv->watcher, NULL, 0) < 0 && errno == EINTR)
		;
	inv->watcher = 0;
}
