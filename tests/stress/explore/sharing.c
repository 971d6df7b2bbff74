/* SPDX-License-Identifier: MIT */
#include "sharing.h"

#include <string.h>

#include "world.h"

struct word {
	uint8_t users, writers; /* bit n: fiber n */
	bool shared;
	uint16_t number;
};

static struct word words[SHARING_WORDS];
static bool grown;
static unsigned int count;

void sharing_forget(void)
{
	memset(words, 0, sizeof(words));
	grown = false;
	count = 0;
}

uint32_t sharing_word(const void *at)
{
	if (world_has(at))
		return (uint32_t)(((uintptr_t)at - (uintptr_t)world_bytes) / 8);
	return fiber_has_company ? SHARING_PRIVATE + fiber_word(at) :
				   SHARING_WORDS;
}

bool sharing_note(const void *at, bool writes)
{
	struct word *w = &words[sharing_word(at)];
	uint8_t me = (uint8_t)(1u << fiber_current);

	uint8_t was_users = w->users, was_writers = w->writers;

	w->users |= me;
	if (writes)
		w->writers |= me;
	if (was_users != w->users || was_writers != w->writers)
		grown = true;
	if (!w->shared && w->writers && w->users & (w->users - 1)) {
		w->shared = true;
		w->number = (uint16_t)count++;
	}
	return (w->writers | (writes ? w->users : 0)) & (uint8_t)~me;
}

bool sharing_has_grown(void)
{
	bool has = grown;

	grown = false;
	return has;
}

unsigned int sharing_number(size_t word)
{
	return words[word].shared ? words[word].number : UINT16_MAX;
}

unsigned int sharing_count(void)
{
	return count;
}
