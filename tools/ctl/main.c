/* SPDX-License-Identifier: MIT */
#include <locale.h>
#include <string.h>

#include "common/args.h"
#include "common/fault.h"
#include "request.h"

static const struct verb verbs[] = {
	{ "create", .run = verb_create, .takes = REQUEST_SIZES | REQUEST_MODE },
	{ "resize", .run = verb_resize,
	  .takes = REQUEST_SIZES | REQUEST_TIMEOUT },
	{ "verify", .run = verb_verify },
	{ "forget", .run = verb_forget, .takes_key = 1 },
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

int main(int argc, char **argv)
{
	struct request request;
	int status;

	/* Which characters of a key can be printed; numbers stay plain. */
	setlocale(LC_CTYPE, "");
	status = request_read(&request, argc, argv);
	if (status >= 0)
		return status;
	fault_guard(args_segment(request.segment));
	status = request.verb->run(&request);
	if (args_flush())
		return ARGS_EXIT_FAILURE;
	return status;
}
