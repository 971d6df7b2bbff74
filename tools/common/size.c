/* SPDX-License-Identifier: MIT */
#include "common/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char suffixes[] = "KMGTPE";

static int digits_parse(const char *text, char **end, uint64_t *number)
{
	unsigned long long value;

	/* strtoull() would take blanks and signs as well. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, end, 10);
	if (errno)
		return -errno;
	*number = value;
	return 0;
}

static int suffix_shift(const char *suffix)
{
	switch (*suffix) {
	case 'k':
	case 'K': return 10;
	case 'm':
	case 'M': return 20;
	case 'g':
	case 'G': return 30;
	default: return -1;
	}
}

int size_parse(const char *text, uint64_t *bytes)
{
	char *end;
	uint64_t value = 0;
	int shift = 0;
	int r = digits_parse(text, &end, &value);

	if (r)
		return r;
	if (*end) {
		shift = suffix_shift(end);
		if (shift < 0 || end[1])
			return -EINVAL;
	}
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}

int number_parse(const char *text, uint64_t *number)
{
	char *end;
	uint64_t value = 0;
	int r = digits_parse(text, &end, &value);

	if (r)
		return r;
	if (*end)
		return -EINVAL;
	*number = value;
	return 0;
}

int mode_parse(const char *text, uint32_t *mode)
{
	size_t len = strlen(text);

	if (len < 1 || len > 5 || strspn(text, "01234567") != len)
		return -EINVAL;
	*mode = (uint32_t)strtoul(text, NULL, 8);
	return *mode > 0777 ? -EINVAL : 0;
}

const char *size_text(char out[SIZE_TEXT], uint64_t bytes)
{
	double value = (double)bytes;
	int step = -1;

	/* 1023.95 would be shown as 1024.0. */
	while (value >= 1023.95 && step < 5) {
		value /= 1024;
		step++;
	}
	if (step < 0)
		snprintf(out, SIZE_TEXT, "%llu", (unsigned long long)bytes);
	else if (value == (double)(uint64_t)value)
		snprintf(out, SIZE_TEXT, "%.0f%c", value, suffixes[step]);
	else
		snprintf(out, SIZE_TEXT, "%.1f%c", value, suffixes[step]);
	return out;
}
