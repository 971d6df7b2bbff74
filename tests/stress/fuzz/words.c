/* SPDX-License-Identifier: MIT */
/* Fuzz target: the tools' readers of command lines and writers of text. */
#include <stdlib.h>
#include <string.h>

#include <sfshm/segment.h>

#include "common/duration.h"
#include "common/escape.h"
#include "common/size.h"
#include "target.h"

static void parse(const char *text)
{
	char path[64], size[SIZE_TEXT];
	uint64_t number;
	uint32_t mode;

	if (duration_parse(text, UINT32_MAX, &number) == 0 &&
	    number > UINT32_MAX)
		abort();
	if (size_parse(text, &number) == 0 &&
	    strlen(size_text(size, number)) >= SIZE_TEXT)
		abort();
	(void)!number_parse(text, &number);
	if (mode_parse(text, &mode) == 0 && mode > 0777)
		abort();
	if (sfshm_path(text, path, sizeof(path)) == 0 &&
	    strlen(path) >= sizeof(path))
		abort();
}

/* Into room that is just as large as the header asks for. */
static void print(const uint8_t *data, size_t len, size_t columns)
{
	for (int set = ESCAPE_ASCII; set <= ESCAPE_LOCALE; set++) {
		char *out = malloc(ESCAPE_SIZE(len));
		size_t width = escape(out, data, len, (enum escape_charset)set,
				      columns);

		if (width > strlen(out) || (columns >= 3 && width > columns))
			abort();
		free(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	parse(text);
	free(text);
	print(data + 1, size - 1, data[0]);
	return 0;
}
