/* SPDX-License-Identifier: MIT */
/*
 * Which slots the user wants to see.
 */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

#include "options.h"

/* A slot that holds a key, in a phase that users know. */
int filter_is_key(const struct sfshm_slot_info *slot);

/* Of those, one that was asked for. */
int filter_wants(const struct options *options,
		 const struct sfshm_slot_info *slot);

#endif
