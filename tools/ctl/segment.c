/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "common/owner.h"

/* Messages cut a key to this many columns. */
#define SHOWN_COLUMNS 64

int segment_open(const struct request *request, uint32_t flags,
		 struct sfshm **handle)
{
	struct sfshm_options options = request->shape;
	char why[256] = "";
	int r;

	options.flags |= flags;
	/*
	 * Accept any mode of this user's own segment: the user chose it. Anyone
	 * who may write to another user's segment may harm this process.
	 */
	if (!(flags & SFSHM_CREATE) && !(options.flags & SFSHM_SET_OWNER))
		options.mode = 0777;
	else if (!(flags & SFSHM_CREATE) && !options.mode)
		options.mode = 0664;
	options.why = why;
	options.why_size = sizeof(why);
	r = sfshm_open(handle, request->segment, &options);
	if (r == -ENOENT && (flags & SFSHM_CREATE)) {
		complain("%s: its directory is missing; make it first",
			 args_segment(request->segment));
		return ARGS_EXIT_FAILURE;
	}
	if (r == -EPERM)
		owner_advise(request->segment,
			     (request->given & REQUEST_OWNER) != 0, why,
			     sizeof(why));
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
	char why[256];

	/* Only root has an option to act as the segment's owner. */
	if (error == -EPERM && !geteuid()) {
		snprintf(why, sizeof(why), "it belongs to another user");
		owner_advise(request->segment, 0, why, sizeof(why));
		return args_segment_failed(request->segment, error, why);
	}
	return args_segment_failed(request->segment, error, NULL);
}
