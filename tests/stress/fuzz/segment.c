/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: a file of arbitrary bytes, opened as a segment, looked into,
 * verified and used. Steps are scribbles, all made before.
 */
#include <stdio.h>
#include <string.h>

#include "dump/options.h"
#include "dump/picture.h"
#include "image.h"
#include "segment/layout.h"
#include "scribble.h"
#include "stage.h"
#include "target.h"
#include "use.h"

void __wrap_fault_guard(const char *segment);
void __wrap_complain(const char *format, ...);

/* A bus error is a finding here. */
void __wrap_fault_guard(const char *segment)
{
	(void)segment;
}

void __wrap_complain(const char *format, ...)
{
	(void)format;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!freopen("/dev/null", "w", stdout))
		stage_fault("no /dev/null", 0);
	image_make_all();
	return 0;
}

static void dump(int json, int sorted)
{
	struct options options = {
		.segment = stage.path,
		.json = json,
		.html = json && sorted ? "-" : NULL,
		.all = 1,
	};
	const char *bad;
	size_t len;

	(void)!column_list_parse(&options.columns, columns_default, &bad, &len);
	if (sorted)
		options.sort = column_find("KEY");
	(void)!picture_take(&options);
}

static void begin(const struct input_head *head, const uint8_t *rest,
		  size_t size)
{
	const struct input_step *steps = (const void *)rest;
	const uint8_t *image;
	size_t image_size;

	if (head->flags & INPUT_RAW) {
		stage_begin(rest, size);
		return;
	}
	image = image_get(head->image, &image_size);
	stage_begin(image, image_size);
	for (size_t i = 0; i < size / sizeof(*steps); i++) {
		struct input_step s;

		memcpy(&s, &steps[i], sizeof(s));
		s.op = (uint8_t)((s.op & ~STEP_PASSING) | STEP_SCRIBBLE);
		scribble(&s);
	}
	if (!(head->flags & INPUT_STALE))
		stage_sign();
	if (head->flags & INPUT_GROW)
		stage_grow(head->grow * 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input_head head = { 0 };
	size_t head_size = size < sizeof(head) ? size : sizeof(head);

	memcpy(&head, data, head_size);
	begin(&head, data + head_size, size - head_size);
	if (head.what & 0x80)
		dump(head.what & 0x40, head.what & 0x20);
	use_all(head.what);
	stage_end();
	return 0;
}
