/* SPDX-License-Identifier: MIT */
#include "top/rank.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/flight.h>

#include "store/key.h"

/* This thread's peer in the predecessor, or NULL: it holds nothing there. */
static struct peer *peer_before(struct peer *p)
{
	struct mapping *old = mapping_predecessor(p->map);
	struct peer *before;

	if (likely(!old))
		return NULL;
	before = peer_attached(old, 0);
	mapping_put(old);
	return before;
}

struct peer *rank_conflict(struct peer *p, uint32_t rank)
{
	if (!rank)
		return NULL;
	while (p && !(p->ranks >> rank))
		p = peer_before(p);
	return p;
}

/* The most bytes of a key to show, each as four characters at most. */
#define SHOWN ((size_t)48)

/* A key's kind, and the beginning of the key as printable text on one line. */
struct key_text {
	char text[sizeof("semaphore ") + 4 * SHOWN + 4];
};

static void key_show(struct key_text *t, enum shm_kind kind, const uint8_t *key,
		     size_t len)
{
	char *at = t->text;

	at += sprintf(at, kind == SHM_LOCK ? "lock " : "semaphore ");
	for (size_t i = 0; i < len && i < SHOWN; i++)
		at += sprintf(at,
			      key[i] > ' ' && key[i] < 0x7f && key[i] != '\\' ?
				      "%c" :
				      "\\x%02x",
			      key[i]);
	memcpy(at, len > SHOWN ? "..." : "", len > SHOWN ? 4 : 1);
}

/* Describes the conflict with the lock or permit of P's highest rank. */
static void describe(struct peer *p, const struct rank_wish *w, char *line,
		     size_t size)
{
	uint32_t most = 63 - (uint32_t)__builtin_clzll(p->ranks);
	const struct shm_slot *s = slot_at(p->map, p->ranked[most]);
	struct key_text asked, held = { "?" };
	uint8_t key[SFSHM_KEY_MAX];
	int n = s ? key_load(p->map, s, key) : 0;

	key_show(&asked, w->kind, w->key, w->len);
	if (n > 0)
		key_show(&held, slot_kind(s), key, (size_t)n);
	snprintf(line, size,
		 "%s has rank %u, which is not above rank %u of %s that this "
		 "thread holds",
		 asked.text, w->rank, most, held.text);
}

int rank_refuse(struct peer *p, const struct rank_wish *w)
{
	char line[600];

	peer_count(p, COUNT_rank_errors);
	describe(p, w, line, sizeof(line));
	if (w->why && w->why_size)
		snprintf(w->why, w->why_size, "%s", line);
	if (w->abort) {
		fprintf(stderr, "sfshm: %s\n", line);
		abort();
	}
	return -EDOM;
}
