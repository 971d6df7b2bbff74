/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <errno.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"

/* Messages cut a key to this many columns. */
#define SHOWN_COLUMNS 64

int segment_open(const struct request *request, uint32_t flags,
		 struct sfshm **handle)
{
	struct sfshm_options options = request->shape;
	char why[256] = "";
	int r;

	options.flags |= flags;
	/* Accept any mode: the maker of an existing segment chose its mode. */
	if (!(flags & SFSHM_CREATE))
		options.mode = 0777;
	options.why = why;
	options.why_size = sizeof(why);
	r = sfshm_open(handle, request->segment, &options);
	if (r == -ENOENT && (flags & SFSHM_CREATE)) {
		complain("%s: its directory is missing; make it first",
			 args_segment(request->segment));
		return ARGS_EXIT_FAILURE;
	}
	if (r)
		return args_segment_failed(request->segment, r, why);
	return 0;
}

const char *segment_key(const struct request *request)
{
	static char shown[ESCAPE_SIZE(SFSHM_KEY_MAX)];

	escape(shown, request->key, strlen(request->key), ESCAPE_LOCALE,
	       SHOWN_COLUMNS);
	return shown;
}

int segment_failed(const struct request *request, int error)
{
	return args_segment_failed(request->segment, error, NULL);
}
