/* SPDX-License-Identifier: MIT */
/* The words of one participant, or of the dead, in a semaphore. */
#include "os/killpoint.h"
#include "peer/liveness.h"
#include "sync/semaphore.h"

void semaphore_sweep(struct peer *v, uint32_t slot, bool died)
{
	struct semaphore s;
	uint32_t top;

	if (!semaphore_at(v->map, slot, &s))
		return;
	top = semaphore_top(&s);
	for (uint32_t i = 0; i < top; i++) {
		uint32_t *word = semaphore_word(&s, i);
		uint32_t w = load_seq(word);

		if (permit_holder(w) != v->id || !cas_seq(word, w, 0))
			continue;
		kill_point(permit_swept);
		if (died)
			peer_count(v, COUNT_permits_freed);
	}
}

uint32_t semaphore_sweep_own(struct peer *p, uint32_t slot)
{
	uint32_t name = permit_name(p->id, p->incarnation), top, lent = 0;
	struct semaphore s;

	if (!semaphore_at(p->map, slot, &s))
		return 0;
	top = semaphore_top(&s);
	for (uint32_t i = 0; i < top; i++) {
		uint32_t *word = semaphore_word(&s, i);
		uint32_t w = load_seq(word);

		lent += w == permit_lent(p);
		if (w == name && cas_seq(word, w, 0))
			kill_point(permit_swept);
	}
	return lent;
}

void semaphore_sweep_name(const struct peer *v, uint32_t slot, uint32_t name)
{
	struct semaphore s;
	uint32_t top;

	if (!semaphore_at(v->map, slot, &s))
		return;
	top = semaphore_top(&s);
	for (uint32_t i = 0; i < top; i++)
		cas_seq(semaphore_word(&s, i), name, 0);
}

uint32_t semaphore_count_own(struct mapping *map, uint32_t id, uint32_t slot)
{
	struct semaphore s;
	uint32_t top, n = 0;

	if (!semaphore_at(map, slot, &s))
		return 0;
	top = semaphore_top(&s);
	for (uint32_t i = 0; i < top; i++)
		n += permit_holder(load_seq(semaphore_word(&s, i))) == id;
	return n;
}

void semaphore_reap(const struct semaphore *s)
{
	uint32_t top = semaphore_top(s);

	for (uint32_t i = 0; i < top; i++) {
		uint32_t id = permit_holder(load_seq(semaphore_word(s, i)));

		if (id && life_examine(s->map, id - 1) == LIFE_DEAD)
			peer_reap(s->map, id - 1);
	}
}
