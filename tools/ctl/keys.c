/* SPDX-License-Identifier: MIT */
/* Removing keys and semaphores. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "request.h"
#include "segment.h"

/* Messages cut a key to this many columns. */
#define SHOWN_COLUMNS 64

/* Returns 1 if the caller looks for this slot. */
typedef int (*slot_wanted_fn)(const struct sfshm_slot_info *slot,
			      const void *arg);

/*
 * Counts the wanted slots, and copies the last one to *slot. An unreadable slot
 * counts as unwanted, because the count is for a message only.
 */
static uint32_t slots_count(const struct request *request,
			    slot_wanted_fn wanted, const void *arg,
			    struct sfshm_slot_info *slot)
{
	struct sfshm_segment_info segment = { .size = sizeof(segment) };
	struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	uint32_t i, count = 0;

	if (sfshm_view_open(&view, request->segment, NULL, 0))
		return 0;
	if (sfshm_view_segment(view, &segment))
		segment.slots_used = 0;
	for (i = 0; i < segment.slots_used; i++) {
		if (sfshm_view_slot(view, i, &info) || !wanted(&info, arg))
			continue;
		*slot = info;
		count++;
	}
	sfshm_view_close(view);
	return count;
}

static int slot_busy(const struct sfshm_slot_info *slot, const void *key)
{
	if (slot->phase != SFSHM_PHASE_BUSY)
		return 0;
	return !key || (slot->key_len == strlen(key) &&
			memcmp(slot->key, key, slot->key_len) == 0);
}

static int key_is_busy(const struct request *request, const char *shown)
{
	struct sfshm_slot_info slot;

	if (slots_count(request, slot_busy, request->key, &slot) && slot.owner)
		complain("%s: busy: led by process %" PRId32 ", thread %" PRId32
			 " (%s), awaited by %" PRIu32
			 "; nothing has changed, try again when the flight "
			 "has ended",
			 shown, slot.owner_pid, slot.owner_tid,
			 slot.owner_alive ? "alive" : "dead", slot.waiters);
	else
		complain("%s: busy: a flight was under way; nothing has "
			 "changed, try again",
			 shown);
	return ARGS_EXIT_FAILURE;
}

static int forget_answer(const struct request *request, int r)
{
	char shown[ESCAPE_SIZE(SFSHM_KEY_MAX)];

	escape(shown, request->key, strlen(request->key), ESCAPE_LOCALE,
	       SHOWN_COLUMNS);
	switch (r) {
	case 0: printf("forgot %s\n", shown); return 0;
	case -ENODATA:
		complain("%s: no such key; sfshm-dump -s %s shows them", shown,
			 args_segment(request->segment));
		return ARGS_EXIT_FAILURE;
	case -EBUSY: return key_is_busy(request, shown);
	default: return segment_failed(request, r);
	}
}

static int semaphore_answer(const struct request *request, int r)
{
	char shown[ESCAPE_SIZE(SFSHM_KEY_MAX)];

	escape(shown, request->key, strlen(request->key), ESCAPE_LOCALE,
	       SHOWN_COLUMNS);
	switch (r) {
	case 0: printf("removed semaphore %s\n", shown); return 0;
	case -ENODATA:
		complain("%s: no such semaphore; sfshm-dump -s %s shows them",
			 shown, args_segment(request->segment));
		return ARGS_EXIT_FAILURE;
	case -EBUSY:
		complain("%s: busy: a permit is held, awaited or just being "
			 "taken, or a resize is under way; nothing has "
			 "changed, try again when nobody uses the semaphore",
			 shown);
		return ARGS_EXIT_FAILURE;
	default: return segment_failed(request, r);
	}
}

/* Removes the request's key by `how`, and reports the outcome by `tell`. */
static int remove_key(const struct request *request,
		      int (*how)(struct sfshm *, const void *, size_t),
		      int (*tell)(const struct request *, int))
{
	size_t len = strlen(request->key);
	struct sfshm *handle;
	int status, answer, r;

	if (len < 1 || len > SFSHM_KEY_MAX) {
		complain("a key has 1 to %d bytes, this one has %zu",
			 SFSHM_KEY_MAX, len);
		return ARGS_EXIT_USAGE;
	}
	status = segment_open(request, 0, &handle);
	if (status)
		return status;
	answer = how(handle, request->key, len);
	/*
	 * Close the handle before `tell` opens a view: that would drop this
	 * process's byte locks on the file for a moment.
	 */
	r = sfshm_close(handle);
	return tell(request, answer ? answer : r);
}

int verb_forget(const struct request *request)
{
	return remove_key(request, sfshm_forget, forget_answer);
}

int verb_remove_semaphore(const struct request *request)
{
	return remove_key(request, sfshm_semaphore_remove, semaphore_answer);
}

int verb_purge(const struct request *request)
{
	struct sfshm_slot_info slot;
	struct sfshm *handle;
	uint32_t busy;
	int removed, r;
	int status = segment_open(request, 0, &handle);

	if (status)
		return status;
	removed = sfshm_purge(handle);
	r = sfshm_close(handle);
	if (removed < 0 || r)
		return segment_failed(request, removed < 0 ? removed : r);
	busy = slots_count(request, slot_busy, NULL, &slot);
	printf("removed %d key%s", removed, removed == 1 ? "" : "s");
	if (busy)
		printf("; %" PRIu32 " busy now", busy);
	putchar('\n');
	return 0;
}
