/* SPDX-License-Identifier: MIT */
/* Removing keys, and declaring them out of date. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "match.h"
#include "request.h"
#include "segment.h"

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
	const char *shown = segment_key(request);

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

static int invalidate_answer(const struct request *request, int r)
{
	const char *shown = segment_key(request);

	switch (r) {
	case 0: printf("invalidated %s\n", shown); return 0;
	case -ENODATA:
		complain("%s: no such key, or nothing fresh; sfshm-dump -s %s "
			 "shows them",
			 shown, args_segment(request->segment));
		return ARGS_EXIT_FAILURE;
	default: return segment_failed(request, r);
	}
}

/* Forgets or invalidates one key, as the request says. */
static int apply(const struct request *request, struct sfshm *handle,
		 const void *key, size_t len)
{
	if (request->verb->run == verb_forget)
		return sfshm_forget(handle, key, len);
	return sfshm_invalidate(handle, key, len,
				request->given & REQUEST_HARD ? SFSHM_HARD : 0);
}

/* Applies the request to its key, and reports the outcome by `tell`. */
static int one_key(const struct request *request,
		   int (*tell)(const struct request *, int))
{
	size_t len = strlen(request->key);
	struct sfshm *handle;
	int answer, r, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	answer = apply(request, handle, request->key, len);
	/* `tell` looks through a view, which needs no handle. */
	r = sfshm_close(handle);
	return tell(request, answer ? answer : r);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void print_keys(const struct matches *matches)
{
	for (size_t i = 0; i < matches->count; i++) {
		char shown[ESCAPE_SIZE(SFSHM_KEY_MAX)];

		escape(shown, matches->match[i].key, matches->match[i].key_len,
		       ESCAPE_LOCALE, 0);
		puts(shown);
	}
}

/* Applies the request to all these keys. */
static int many_keys(const struct request *request,
		     const struct matches *matches)
{
	size_t done = 0, busy = 0;
	struct sfshm *handle;
	int r = 0, closed, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	for (size_t i = 0; i < matches->count; i++) {
		r = apply(request, handle, matches->match[i].key,
			  matches->match[i].key_len);
		done += r == 0;
		busy += r == -EBUSY;
		/* A key that has gone meanwhile is no failure. */
		if (r != -EBUSY && r != -ENODATA && r)
			break;
		r = 0;
	}
	closed = sfshm_close(handle);
	if (r || closed)
		return segment_failed(request, r ? r : closed);
	printf("%s %zu key%s",
	       request->verb->run == verb_forget ? "forgot" : "invalidated",
	       done, plural(done));
	if (busy)
		printf("; %zu busy now", busy);
	putchar('\n');
	return 0;
}

static int chosen_keys(const struct request *request)
{
	struct matches matches;
	int status = matches_read(request, 0, &matches);

	if (!status && (request->given & REQUEST_DRY_RUN)) {
		print_keys(&matches);
		fprintf(stderr, "%zu key%s; nothing has changed\n",
			matches.count, plural(matches.count));
	} else if (!status) {
		status = many_keys(request, &matches);
	}
	matches_free(&matches);
	return status;
}

int verb_forget(const struct request *request)
{
	return request->key ? one_key(request, forget_answer) :
			      chosen_keys(request);
}

static int tags_invalidate(const struct request *request)
{
	struct sfshm *handle;
	int r = 0, closed, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	for (int i = 0; i < request->tags_count && !r; i++)
		r = sfshm_invalidate_tag(handle, request->tags[i].iov_base,
					 request->tags[i].iov_len);
	closed = sfshm_close(handle);
	if (r || closed)
		return segment_failed(request, r ? r : closed);
	printf("invalidated all values of the tag%s\n",
	       plural((size_t)request->tags_count));
	return 0;
}

int verb_invalidate(const struct request *request)
{
	if (request->tags_count)
		return tags_invalidate(request);
	return request->key ? one_key(request, invalidate_answer) :
			      chosen_keys(request);
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
