/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "request.h"

static const struct verb verbs[] = {
	{ "create", .run = verb_create,
	  .takes = REQUEST_SIZES | REQUEST_MODE | REQUEST_GROUP },
	{ "resize", .run = verb_resize,
	  .takes = REQUEST_SIZES | REQUEST_TIMEOUT },
	{ "verify", .run = verb_verify },
	{ "reap", .run = verb_reap },
	{ "list", .run = verb_list,
	  .takes = REQUEST_MATCH | REQUEST_FAILED | REQUEST_NULL },
	{ "get", .run = verb_get, .operands = 1, .takes = REQUEST_STALE },
	{ "put", .run = verb_put, .operands = 2, .optional = 1,
	  .takes = REQUEST_TTL | REQUEST_GRACE | REQUEST_TAG },
	{ "forget", .run = verb_forget, .operands = 1, .optional = 1,
	  .takes = REQUEST_MATCH | REQUEST_FAILED | REQUEST_DRY_RUN },
	{ "invalidate", .run = verb_invalidate, .operands = 1, .optional = 1,
	  .takes = REQUEST_MATCH | REQUEST_FAILED | REQUEST_DRY_RUN |
		   REQUEST_HARD | REQUEST_TAG },
	{ "purge", .run = verb_purge },
	{ "break", .run = verb_break, .operands = 1,
	  .takes = REQUEST_KIND | REQUEST_YES | REQUEST_END },
	{ "semaphore", .run = verb_semaphore, .operands = 1,
	  .takes = REQUEST_MAX | REQUEST_REMOVE },
	{ "remove-semaphore", .run = verb_remove_semaphore, .operands = 1 },
	{ "export", .run = verb_export, .takes = REQUEST_MATCH },
	{ "import", .run = verb_import,
	  .takes = REQUEST_MATCH | REQUEST_REPLACE },
	{ "unlink", .run = verb_unlink },
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

void verb_names(char *out, size_t size, unsigned int takes)
{
	size_t i, count = 0, shown = 0, len = 0;

	for (i = 0; i < VERBS; i++)
		count += (verbs[i].takes & takes) != 0;
	out[0] = '\0';
	for (i = 0; i < VERBS && len < size; i++) {
		if (!(verbs[i].takes & takes))
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					!shown             ? "" :
					shown + 1 == count ? " and " :
							     ", ",
					verbs[i].name);
		shown++;
	}
}
