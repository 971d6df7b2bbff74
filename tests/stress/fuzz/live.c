/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: operations on a segment that is scribbled on between them and,
 * before any look that the library takes, inside them.
 */
#include <string.h>

#include "image.h"
#include "stage.h"
#include "target.h"
#include "use.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	image_make_all();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input_head head = { 0 };
	size_t head_size = size < sizeof(head) ? size : sizeof(head);
	const uint8_t *image;
	size_t image_size;

	memcpy(&head, data, head_size);
	image = image_get(head.image, &image_size);
	stage_begin(image, image_size);
	use_steps((const void *)(data + head_size), input_steps(size));
	stage_end();
	return 0;
}
