/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
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

/* Counts dead participants; 0 if the segment cannot be read. */
static uint32_t dead_count(const struct request *request)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	uint32_t dead = 0;

	if (sfshm_view_open(&view, request->segment, NULL, 0))
		return 0;
	for (uint32_t i = 0; sfshm_view_participant(view, i, &info) == 0; i++)
		dead += info.attached && !info.alive;
	sfshm_view_close(view);
	return dead;
}

/* sfshm_verify() reaps the dead, too, before it checks slots and memory. */
int verb_reap(const struct request *request)
{
	uint32_t left, dead = dead_count(request);
	struct sfshm *handle;
	int r = segment_open(request, 0, &handle);

	if (r)
		return r;
	r = sfshm_verify(handle, NULL, NULL);
	if (sfshm_close(handle) || r < 0)
		return segment_failed(request, r);
	left = dead_count(request);
	printf("reaped %" PRIu32 " dead thread%s",
	       dead > left ? dead - left : 0, dead - left == 1 ? "" : "s");
	if (left)
		printf("; %" PRIu32 " dead, but not proven to be", left);
	putchar('\n');
	return 0;
}
