/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "processes.h"

/* Entries HASH:PID:START, with a comma after each. */
#define VARIABLE "SFSHM_RUN_HELD"
#define ENTRY_BYTES 96

bool held_is_nested(void)
{
	const char *held = getenv(VARIABLE);

	return held && *held;
}

/* Writes the hash of what this call asks for. */
static void write_hash(const struct invocation *inv, char text[33])
{
	enum run_mode mode = inv->options.mode;
	struct identity own =
		identity_of(inv, mode == RUN_FILED ? RUN_SHARED : mode);

	snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, own.hash[0],
		 own.hash[1]);
}

/*
 * Reads the entry at *at, and moves *at past it. Returns whether the entry has
 * this hash and its process is alive. If there is no entry, *at becomes NULL.
 */
static bool read_entry(const char **at, const char *hash, pid_t *pid)
{
	size_t len = strlen(hash);
	bool same = !strncmp(*at, hash, len);
	const char *colon = strchr(*at, ':');
	unsigned long long start = 0;
	char *end;

	*pid = colon ? (pid_t)strtol(colon + 1, &end, 10) : 0;
	if (*pid > 0 && *end == ':')
		start = strtoull(end + 1, &end, 10);
	*at = start && *end == ',' ? end + 1 : NULL;
	return *at && same && process_start(*pid) == start;
}

unsigned held_above(const struct invocation *inv, pid_t *pid)
{
	const char *at = getenv(VARIABLE);
	unsigned count = 0;
	char own[33];
	pid_t found;

	write_hash(inv, own);
	while (at && *at) {
		if (!read_entry(&at, own, &found))
			continue;
		*pid = found;
		count++;
	}
	return count;
}

int held_add(const struct invocation *inv)
{
	const char *held = getenv(VARIABLE);
	size_t len = held ? strlen(held) : 0;
	char hash[33], *all;
	int r;

	write_hash(inv, hash);
	all = malloc(len + ENTRY_BYTES);
	if (!all)
		return ENOMEM;
	snprintf(all, len + ENTRY_BYTES, "%s%s:%d:%llu,", held ? held : "",
		 hash, (int)getpid(), process_start(getpid()));
	r = setenv(VARIABLE, all, 1) ? errno : 0;
	free(all);
	return r;
}
