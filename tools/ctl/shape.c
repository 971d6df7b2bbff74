/* SPDX-License-Identifier: MIT */
/* Making and removing a segment. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "request.h"
#include "segment.h"

static void say(const char *what, const struct request *request)
{
	char path[PATH_MAX];

	if (sfshm_path(request->segment, path, sizeof(path)))
		printf("%s %s\n", what, args_segment(request->segment));
	else
		printf("%s %s\n", what, path);
}

int verb_create(const struct request *request)
{
	struct sfshm *handle;
	int status =
		segment_open(request, SFSHM_CREATE | SFSHM_EXCLUSIVE, &handle);

	if (status)
		return status;
	status = sfshm_close(handle);
	if (status)
		return segment_failed(request, status);
	say("made", request);
	return 0;
}

/*
 * Whether the request has a path, and the path leads to a file that is no
 * segment: a mistyped path may lead to any file. A name leads only to files
 * that sfshm made, even if they are damaged.
 */
static int path_is_foreign(const struct request *request, char *why,
			   size_t why_size)
{
	struct sfshm_view *view;
	int r;

	if (!request->segment || !strchr(request->segment, '/'))
		return 0;
	r = sfshm_view_open(&view, request->segment, why, why_size);
	if (!r)
		sfshm_view_close(view);
	return r == -EPROTO;
}

int verb_unlink(const struct request *request)
{
	char why[256] = "";
	int r;

	if (path_is_foreign(request, why, sizeof(why))) {
		complain("%s: %s; not removed; to remove it, use rm",
			 request->segment, why);
		return ARGS_EXIT_FAILURE;
	}
	r = sfshm_unlink(request->segment);
	if (r)
		return segment_failed(request, r);
	say("removed", request);
	return 0;
}
