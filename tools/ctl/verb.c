/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "request.h"

static const struct verb verbs[] = {
	{ "create", .run = verb_create, .takes = REQUEST_SIZES | REQUEST_MODE },
	{ "resize", .run = verb_resize,
	  .takes = REQUEST_SIZES | REQUEST_TIMEOUT },
	{ "verify", .run = verb_verify },
	{ "forget", .run = verb_forget, .takes_key = 1 },
	{ "remove-semaphore", .run = verb_remove_semaphore, .takes_key = 1 },
	{ "purge", .run = verb_purge },
	{ "unlink", .run = verb_unlink },
};

const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}
