/* SPDX-License-Identifier: MIT */
/*
 * Taking a key from a leader or holder that lives. A flight is taken at once,
 * because its leader is fenced off. A lock changes hands only when its holder
 * is gone, so the holder is asked to end.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "look/phase.h"
#include "look/process.h"
#include "look/text.h"
#include "request.h"
#include "segment.h"

#define COMMAND_COLUMNS 120

/* The flight or lock, and its leader or holder. */
struct held {
	struct sfshm_slot_info slot;
	struct sfshm_participant_info owner;
	char command[512];
	size_t command_len; /* 0: not known, or another PID namespace */
	uint32_t sharers;   /* of a lock that has no single holder */
};

static int is_meant(const struct sfshm_slot_info *slot,
		    const struct request *request)
{
	if (slot->phase != SFSHM_PHASE_BUSY ||
	    slot->key_len != strlen(request->key) ||
	    memcmp(slot->key, request->key, slot->key_len) != 0)
		return 0;
	if (request->given & REQUEST_KIND)
		return (int)slot->kind == request->kind;
	return slot->kind == SFSHM_KIND_VALUE || slot->kind == SFSHM_KIND_LOCK;
}

static uint32_t find(const struct request *request, struct sfshm_view *view,
		     struct held *held)
{
	struct sfshm_segment_info segment = { .size = sizeof(segment) };
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	uint32_t found = 0;

	if (sfshm_view_segment(view, &segment))
		return 0;
	for (uint32_t i = 0; i < segment.slots_used; i++) {
		if (phase_view_slot(view, i, &slot) ||
		    !is_meant(&slot, request))
			continue;
		if (phase_is_shared(&slot))
			held->sharers = slot.permits;
		if (!slot.owner ||
		    sfshm_view_participant(view, slot.owner - 1, &held->owner))
			continue;
		held->slot = slot;
		found++;
	}
	held->command_len = process_command(held->owner.pid, held->owner.pid_ns,
					    held->command,
					    sizeof(held->command));
	return found;
}

/* Finds what the request names. Returns 0, or the status after a complaint. */
static int held_read(const struct request *request, struct held *held)
{
	struct sfshm_view *view;
	char why[256] = "";
	uint32_t found;
	int r = sfshm_view_open(&view, request->segment, why, sizeof(why));

	memset(held, 0, sizeof(*held));
	if (r)
		return args_segment_failed(request->segment, r, why);
	held->owner.size = sizeof(held->owner);
	found = find(request, view, held);
	sfshm_view_close(view);
	if (found == 1)
		return 0;
	if (found)
		complain("%s: a value is being made and a lock is held under "
			 "that name; give --kind value or --kind lock",
			 segment_key(request));
	else if (held->sharers)
		complain("%s: %" PRIu32 " threads share it; see them with "
			 "sfshm-dump, and end their processes yourself",
			 segment_key(request), held->sharers);
	else
		complain("%s: nobody leads or holds it; nothing has changed",
			 segment_key(request));
	return ARGS_EXIT_FAILURE;
}

/* Whether the process has to end, not only to lose the flight. */
static int must_end(const struct request *request, const struct held *held)
{
	return held->slot.kind == SFSHM_KIND_LOCK ||
	       (request->given & REQUEST_END);
}

/* Asks on the terminal. Returns 1 for yes. */
static int ask(const struct request *request, const struct held *held)
{
	int lock = held->slot.kind == SFSHM_KIND_LOCK;
	const char *question =
		"Take the flight from it, and drop the key's value?";
	static struct cell command;
	char span[TEXT_SIZE], line[16];

	if (lock)
		question = "A lock is free only when its holder has ended. End "
			   "the process (SIGTERM)?";
	else if (must_end(request, held))
		question = "End the process (SIGTERM)?";
	if (request->given & REQUEST_YES)
		return 1;
	if (!isatty(STDIN_FILENO)) {
		complain("%s: standard input is no terminal to ask on; "
			 "give --yes if you are sure",
			 segment_key(request));
		return 0;
	}
	cell_clear(&command);
	cell_bytes(&command, held->command, held->command_len, COMMAND_COLUMNS);
	fprintf(stderr,
		"%s: %s by process %" PRId32 "%s%s%s for %s; %" PRIu32
		" wait.\n%s [y/N] ",
		segment_key(request), lock ? "held" : "led", held->owner.pid,
		command.len ? " (" : "", command.text, command.len ? ")" : "",
		text_span(span, held->slot.age_ms), held->slot.waiters,
		question);
	if (fgets(line, sizeof(line), stdin) &&
	    (line[0] == 'y' || line[0] == 'Y'))
		return 1;
	complain("nothing has changed");
	return 0;
}

/*
 * Looks again, because the operator may have taken long to answer. Returns 0 if
 * the flight or lock goes on as it was; else the status, after a complaint.
 * What ends between this look and the next step is not seen: no call of the
 * library takes a flight on the condition that it is a certain one.
 */
static int still_held(const struct request *request, const struct held *held)
{
	struct held again;
	int status = held_read(request, &again);

	if (status || (again.slot.kind == held->slot.kind &&
		       again.slot.generation == held->slot.generation &&
		       again.owner.pid == held->owner.pid))
		return status;
	complain("%s: another thread %s it now; nothing has changed",
		 segment_key(request),
		 held->slot.kind == SFSHM_KIND_LOCK ? "holds" : "leads");
	return ARGS_EXIT_FAILURE;
}

static int flight_take(const struct request *request, const struct held *held)
{
	struct sfshm *handle;
	int r, closed, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	status = still_held(request, held);
	if (status) {
		closed = sfshm_close(handle);
		return closed ? segment_failed(request, closed) : status;
	}
	r = sfshm_invalidate(handle, request->key, strlen(request->key),
			     SFSHM_HARD);
	closed = sfshm_close(handle);
	if (r == -ENODATA)
		r = 0;
	if (r || closed)
		return segment_failed(request, r ? r : closed);
	printf("took %s from process %" PRId32
	       "; its result will be discarded\n",
	       segment_key(request), held->owner.pid);
	return 0;
}

/* Sends the signal, unless another thread leads or holds the key by now. */
static int holder_end(const struct request *request, const struct held *held)
{
	int fd, status, r = 0;

	if (!held->owner.alive) {
		complain("%s: its holder is dead: the next caller gets it",
			 segment_key(request));
		return ARGS_EXIT_FAILURE;
	}
	if (!held->command_len) {
		complain("%s: process %" PRId32 " is gone, or in another PID "
			 "namespace; end it there",
			 segment_key(request), held->owner.pid);
		return ARGS_EXIT_FAILURE;
	}
	fd = (int)syscall(SYS_pidfd_open, held->owner.pid, 0);
	if (fd < 0)
		r = -errno;
	status = still_held(request, held);
	if (!status && !r &&
	    syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0))
		r = -errno;
	if (fd >= 0)
		close(fd);
	if (status)
		return status;
	if (r) {
		complain("%s: cannot end process %" PRId32 ": %s",
			 segment_key(request), held->owner.pid, strerror(-r));
		return ARGS_EXIT_FAILURE;
	}
	printf("asked process %" PRId32 " to end; the key is free when it "
	       "has\n",
	       held->owner.pid);
	return 0;
}

int verb_break(const struct request *request)
{
	struct held held;
	int status;

	if ((request->given & REQUEST_KIND) &&
	    request->kind != SFSHM_KIND_VALUE &&
	    request->kind != SFSHM_KIND_LOCK) {
		complain("--kind %s: only flights (value) and locks (lock) can "
			 "be broken; end the holder itself",
			 kind_name((enum sfshm_kind)request->kind));
		return ARGS_EXIT_USAGE;
	}
	status = held_read(request, &held);
	if (status)
		return status;
	if (!ask(request, &held))
		return ARGS_EXIT_FAILURE;
	return must_end(request, &held) ? holder_end(request, &held) :
					  flight_take(request, &held);
}
