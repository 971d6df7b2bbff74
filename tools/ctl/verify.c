/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sfshm.h>

#include "common/args.h"
#include "request.h"
#include "segment.h"

static void print_finding(const char *finding, void *arg)
{
	(void)arg;
	puts(finding);
}

int verb_verify(const struct request *request)
{
	const char *name = args_segment(request->segment);
	struct sfshm *handle;
	int r = segment_open(request, 0, &handle);

	if (r)
		return r;
	r = sfshm_verify(handle, print_finding, NULL);
	if (sfshm_close(handle) == 0 && r == 0) {
		printf("%s: clean\n", name);
		return 0;
	}
	if (r < 0)
		return segment_failed(request, r);
	printf("%s: %d finding%s; make the segment anew\n", name, r,
	       r == 1 ? "" : "s");
	return ARGS_EXIT_FAILURE;
}
