/* SPDX-License-Identifier: MIT */
/* Semaphores: what is taken, how many permits there are, and removal. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "request.h"
#include "segment.h"

static int missing(const struct request *request)
{
	complain("%s: no such semaphore; sfshm-dump -s %s --kind semaphore "
		 "shows them",
		 segment_key(request), args_segment(request->segment));
	return ARGS_EXIT_FAILURE;
}

static int removal_answer(const struct request *request, int r)
{
	switch (r) {
	case 0:
		printf("removed semaphore %s\n", segment_key(request));
		return 0;
	case -ENODATA: return missing(request);
	case -EBUSY:
		complain("%s: busy: a permit is held, awaited or just being "
			 "taken, or a resize is under way; nothing has "
			 "changed, try again when nobody uses the semaphore",
			 segment_key(request));
		return ARGS_EXIT_FAILURE;
	default: return segment_failed(request, r);
	}
}

int verb_remove_semaphore(const struct request *request)
{
	struct sfshm *handle;
	int r, closed, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	r = sfshm_semaphore_remove(handle, request->key, strlen(request->key));
	closed = sfshm_close(handle);
	return removal_answer(request, r ? r : closed);
}

int verb_semaphore(const struct request *request)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	size_t len = strlen(request->key);
	struct sfshm *handle;
	int r = 0, closed, status;

	if (request->given & REQUEST_REMOVE)
		return verb_remove_semaphore(request);
	status = segment_open(request, 0, &handle);
	if (status)
		return status;
	if (request->given & REQUEST_MAX)
		r = sfshm_semaphore_set_max(handle, request->key, len,
					    request->max);
	if (!r)
		r = sfshm_semaphore_info(handle, request->key, len, &info);
	closed = sfshm_close(handle);
	if (r == -ENODATA)
		return missing(request);
	if (r || closed)
		return segment_failed(request, r ? r : closed);
	printf("%s: %" PRIu32 " of %" PRIu32 " taken, %" PRIu32 " waiting\n",
	       segment_key(request), info.in_use, info.max, info.waiters);
	return 0;
}
