/* SPDX-License-Identifier: MIT */
/* Resizing a segment while it is in use. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "request.h"
#include "segment.h"

/* Tries, if others keep replacing the segment meanwhile. */
#define MOST_TRIES 20

/* The progress that the library reports. */
struct progress {
	uint64_t moved, flights;
	int shown; /* the terminal shows a progress line */
};

static void progress_note(uint64_t moved, uint64_t flights, void *arg)
{
	struct progress *progress = arg;
	int same = progress->shown && progress->moved == moved &&
		   progress->flights == flights;

	progress->moved = moved;
	progress->flights = flights;
	if (same || !isatty(STDERR_FILENO))
		return;
	progress->shown = 1;
	fprintf(stderr, "\r\033[K%" PRIu64 " values moved", moved);
	if (flights)
		fprintf(stderr, ", %" PRIu64 " flight%s to wait for", flights,
			flights == 1 ? "" : "s");
	fflush(stderr);
}

static void progress_wipe(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = 0;
}

/* Resizes the segment; tries again if another process replaced it meanwhile. */
static int resize(const struct request *request,
		  const struct sfshm_options *wish, uint64_t deadline,
		  struct progress *progress)
{
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < MOST_TRIES; i++)
		r = sfshm_resize(request->segment, wish, deadline,
				 progress_note, progress);
	progress_wipe(progress);
	return r;
}

static int still_flying(const struct request *request,
			const struct progress *progress, const char *state)
{
	complain("%s: %s, but %" PRIu64
		 " flight%s in the old one; run sfshm-ctl resize again when "
		 "%s ended",
		 args_segment(request->segment), state, progress->flights,
		 progress->flights == 1 ? " goes on" : "s go on",
		 progress->flights == 1 ? "it has" : "they have");
	return ARGS_EXIT_FAILURE;
}

static int failed(const struct request *request, int error, const char *why)
{
	if (error != -EBUSY && error != -EAGAIN)
		return args_segment_failed(request->segment, error, why);
	complain("%s: another resize is running; let it finish",
		 args_segment(request->segment));
	return ARGS_EXIT_FAILURE;
}

/*
 * Finishes an earlier resize in a call of its own, so that the message about a
 * time-out can say which of the two resizes timed out.
 */
int verb_resize(const struct request *request)
{
	struct sfshm_options options = request->shape;
	struct progress progress = { 0 };
	char why[256] = "", path[PATH_MAX];
	uint64_t deadline = 0;
	bool sizes = request->given & REQUEST_SIZES;
	int r;

	options.why = why;
	options.why_size = sizeof(why);
	if (request->given & REQUEST_TIMEOUT)
		deadline = sfshm_deadline_ms(request->timeout_ms);
	r = resize(request, NULL, deadline, &progress);
	if (r == -ETIMEDOUT)
		return still_flying(request, &progress,
				    sizes ? "not resized: an earlier resize's "
					    "new segment is in place" :
					    "the new segment is in place");
	if (!r && sizes)
		r = resize(request, &options, deadline, &progress);
	if (r == -ETIMEDOUT)
		return still_flying(request, &progress,
				    "the new segment is in place");
	if (r)
		return failed(request, r, why);
	if (sfshm_path(request->segment, path, sizeof(path)))
		return segment_failed(request, -ENAMETOOLONG);
	printf("%s %s\n", sizes ? "resized" : "no resize is unfinished in",
	       path);
	return 0;
}
