/* SPDX-License-Identifier: MIT */
/*
 * The keys that a request chooses by --match and --failed. They are collected
 * through a view, before the segment is opened.
 */
#ifndef CTL_MATCH_H
#define CTL_MATCH_H

#include <sfshm/inspect.h>

#include "request.h"

/* A key of a value, and what an export needs to know of it. */
struct match {
	uint8_t *key;
	uint32_t key_len;
	int64_t ttl_ms; /* as in struct sfshm_slot_info */
	int64_t stale_ms;
};

struct matches {
	size_t count, room;
	struct match *match;
};

/*
 * Collects the keys of values that match; with `held`, only those that have a
 * fresh value. Returns 0, or the status to exit with after a complaint. The
 * caller frees *matches in either case.
 */
int matches_read(const struct request *request, int held,
		 struct matches *matches);

void matches_free(struct matches *matches);

#endif
