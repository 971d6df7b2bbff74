/* SPDX-License-Identifier: MIT */
/* Selecting the slots that the user wants to see. */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

#include "options.h"

/* Whether the slot holds a key, in a phase that users know. */
int filter_is_key(const struct sfshm_slot_info *slot);

/* Whether the user asked for this slot, which holds a key. */
int filter_wants(const struct options *options,
		 const struct sfshm_slot_info *slot);

#endif
