/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include <fnmatch.h>
#include <string.h>

#include "phase.h"

/* A pattern cannot hold a NUL, so this byte stands in for it. */
#define NUL_STAND_IN '\x01'

static int key_matches(const char *pattern, const struct sfshm_slot_info *slot)
{
	char key[sizeof(slot->key) + 1];
	char *nul;

	memcpy(key, slot->key, slot->key_len);
	key[slot->key_len] = '\0';
	while ((nul = memchr(key, '\0', slot->key_len)))
		*nul = NUL_STAND_IN;
	return fnmatch(pattern, key, 0) == 0;
}

int filter_is_key(const struct sfshm_slot_info *slot)
{
	return slot->key_len && phase_name(slot->phase);
}

int filter_wants(const struct options *options,
		 const struct sfshm_slot_info *slot)
{
	if (options->phase >= 0 && (int)slot->phase != options->phase)
		return 0;
	if (options->kind >= 0 && (int)slot->kind != options->kind)
		return 0;
	return !options->key_pattern || key_matches(options->key_pattern, slot);
}
