/* SPDX-License-Identifier: MIT */
/* Looking for events in the history of the test's segment. */
#ifndef LIB_HISTORY_H
#define LIB_HISTORY_H

#include "testing.h"

/*
 * Finds the latest event of that name, about that key (NULL: any). False: there
 * is none.
 */
bool history_find(const char *name, const char *key,
		  struct sfshm_event_info *info);

/* How many events of that name there are. */
int history_count(const char *name);

#endif
