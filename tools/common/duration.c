/* SPDX-License-Identifier: MIT */
#include "duration.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", UINT64_C(60) * 1000 },
	{ "h", UINT64_C(60) * 60 * 1000 },
	{ "d", UINT64_C(24) * 60 * 60 * 1000 },
};

static uint64_t unit_ms(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, name))
			return units[i].ms;
	return 0;
}

int duration_parse(const char *text, uint64_t max, uint64_t *ms)
{
	const char *digit = text;
	uint64_t number = 0, unit;
	int overflow = 0;

	for (; *digit >= '0' && *digit <= '9'; digit++)
		overflow |= __builtin_mul_overflow(number, 10, &number) ||
			    __builtin_add_overflow(
				    number, (uint64_t)(*digit - '0'), &number);
	if (digit == text)
		return -EINVAL;
	unit = unit_ms(digit);
	if (!unit && !*digit && !number && !overflow)
		unit = 1;
	if (!unit)
		return -EINVAL;
	if (overflow || __builtin_mul_overflow(number, unit, &number) ||
	    number > max)
		return -ERANGE;
	*ms = number;
	return 0;
}
