/* SPDX-License-Identifier: MIT */
/*
 * At the end sfshm-ctl verify finds the segment whole, every value in it is
 * the last that was published, nobody is attached, and none of its memory is
 * lost.
 */
#include <glob.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm.h>
#include <sfshm/resize.h>

#include "board.h"

#define WAIT_MS 120000
/* The least that a full segment holds of what there is room for, percent. */
#define FULL 85
#define MOST_ROUNDS 200

static void check_with(const char *tool, const char *when)
{
	char *argv[] = { (char *)(uintptr_t)tool, "verify", "-s",
			 board->segment, NULL };
	int status = -1;
	pid_t pid;

	/* What it prints is for people to see, not for the table. */
	fflush(stdout);
	if (posix_spawn(&pid, tool, NULL, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status)
		violation("sfshm-ctl verify, %s: status %x", when,
			  (unsigned int)status);
}

/* Those who died are swept, those who lived are gone. */
static void check_participants(struct sfshm_view *view)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; !sfshm_view_participant(view, i, &info); i++)
		if (info.attached)
			violation("participant %" PRIu32
				  " (pid %d) is still there",
				  i, (int)info.pid);
}

static void check_slots(struct sfshm_view *view)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	int r;

	for (uint32_t i = 0; (r = sfshm_view_slot(view, i, &info)) != -ERANGE;
	     i++) {
		if (r)
			violation("slot %" PRIu32 " cannot be read", i);
		else if (info.phase == SFSHM_PHASE_BUSY || info.owner)
			violation("slot %" PRIu32 " has an owner", i);
		else if (info.torn)
			violation("slot %" PRIu32 " still changes", i);
	}
}

static struct sfshm_segment_info check_view(void)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	int r = sfshm_view_open(&view, board->segment, NULL, 0);

	if (r) {
		violation("the segment cannot be viewed: %s",
			  sfshm_strerror(r));
		return info;
	}
	if (sfshm_view_segment(view, &info))
		violation("the segment's header cannot be read");
	check_participants(view);
	check_slots(view);
	sfshm_view_close(view);
	return info;
}

/* Says what the slots hold that hold no key of the soak's. */
static void show_others(void)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	int r;

	if (sfshm_view_open(&view, board->segment, NULL, 0))
		return;
	for (uint32_t i = 0; (r = sfshm_view_slot(view, i, &info)) != -ERANGE;
	     i++)
		if (r || info.kind != SFSHM_KIND_VALUE || !info.has_value)
			fprintf(stderr,
				"soak: slot %" PRIu32 ": kind %d, phase %d, "
				"key %.*s\n",
				i, (int)info.kind, (int)info.phase,
				(int)(info.key_len < 64 ? info.key_len : 64),
				(const char *)info.key);
	sfshm_view_close(view);
}

static uint32_t keys_read(struct sfshm *handle)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint32_t n = 0;

	for (uint32_t key = 0; key < KEYS; key++)
		n += key_read(handle, key, &result);
	sfshm_result_clear(&result);
	return n;
}

static void put(struct sfshm *handle, uint32_t key, uint32_t len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint8_t data[MAX_VALUE];
	char text[64];
	size_t n = key_text(text, sizeof(text), key);
	int r;

	policy.flags = SFSHM_REFRESH;
	policy.ttl_ms = SFSHM_FOREVER;
	r = sfshm_begin(handle, text, n, &policy, &flight, &result);
	if (r != SFSHM_LEADER) {
		violation("key %" PRIu32 ": nobody is left, yet begin says: %s",
			  key, sfshm_strerror(r));
		return;
	}
	report(EVENT_PUBLISHING, key, result.generation,
	       value_make(data, len, key, result.generation, SFSHM_FOREVER));
	r = sfshm_publish(&flight, data, len);
	if (r)
		violation("key %" PRIu32 ": nobody is left, yet publish says: "
			  "%s",
			  key, sfshm_strerror(r));
	sfshm_result_clear(&result);
}

/*
 * Puts the first `most` keys, and puts those again that were evicted for
 * others: a slot that was just given up is out of use for a moment, and an
 * evictor makes room for more than one at a time. Returns the most keys that
 * were there at once, up to `wanted`.
 */
static uint32_t fill(struct sfshm *handle, uint32_t most, uint32_t wanted,
		     uint32_t len)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint32_t best = 0;
	int r = sfshm_purge(handle);

	if (r < 0)
		violation("purge says: %s", sfshm_strerror(r));
	for (int round = 0; best < wanted && round < MOST_ROUNDS; round++) {
		uint32_t n;

		for (uint32_t key = 0; key < most; key++)
			if (!key_read(handle, key, &result))
				put(handle, key, len);
		n = keys_read(handle);
		best = n > best ? n : best;
	}
	sfshm_result_clear(&result);
	return best;
}

/* A key for each slot, then large values for all memory: nothing is lost. */
static void check_room(struct sfshm *handle,
		       const struct sfshm_segment_info *info)
{
	uint32_t slots = info->slots;
	uint32_t values = (uint32_t)(info->bytes / MAX_VALUE);
	uint32_t wanted = (values * FULL + 99) / 100;
	uint32_t n = fill(handle, slots, slots, VALUE_MIN);

	if (n < slots) {
		show_others();
		violation("of %" PRIu32 " slots only %" PRIu32 " hold a key",
			  slots, n);
	}
	n = fill(handle, values, wanted, MAX_VALUE);
	if (n < wanted)
		violation("of room for %" PRIu32 " values only %" PRIu32
			  " are there",
			  values, n);
	printf("%-40s %10" PRIu32 " of %" PRIu32 "\n",
	       "values of 16 KiB that it can hold", n, values);
}

static void check_files(void)
{
	char path[256], pattern[512];
	glob_t found;

	if (sfshm_path(board->segment, path, sizeof(path)))
		return;
	snprintf(pattern, sizeof(pattern), "%s*", path);
	if (!glob(pattern, 0, NULL, &found) && found.gl_pathc != 1)
		violation("%zu files are there, not one", found.gl_pathc);
	globfree(&found);
}

void ending_check(const char *tool)
{
	struct sfshm_segment_info info;
	struct sfshm *handle;
	uint32_t keys;
	int r = sfshm_resize(board->segment, NULL, sfshm_deadline_ms(WAIT_MS),
			     NULL, NULL);

	if (r)
		violation("the last resize cannot be finished: %s",
			  sfshm_strerror(r));
	check_files();
	check_with(tool, "at the end");
	info = check_view();
	r = sfshm_open(&handle, board->segment, NULL);
	if (r) {
		violation("the segment cannot be opened: %s",
			  sfshm_strerror(r));
		return;
	}
	keys = keys_read(handle);
	printf("%-40s %10" PRIu32 " of %" PRIu32 "\n",
	       "keys at the end, of its slots", keys, info.slots);
	printf("%-40s %10" PRIu64 " of %" PRIu64 "\n",
	       "bytes at the end, of its memory", info.bytes_used, info.bytes);
	nest_clear(handle);
	locks_clear(handle);
	check_room(handle, &info);
	r = sfshm_close(handle);
	if (r)
		violation("close says: %s", sfshm_strerror(r));
	check_with(tool, "after all was replaced");
}
