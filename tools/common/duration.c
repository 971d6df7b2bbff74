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

/*
 * Reads the digits behind a point, in 1/1000. Returns what follows them; NULL:
 * there are none, or more than three.
 */
static const char *thousandths_read(const char *digit, uint64_t *thousandths)
{
	uint64_t place = 100;

	*thousandths = 0;
	for (; *digit >= '0' && *digit <= '9'; digit++, place /= 10) {
		if (!place)
			return NULL;
		*thousandths += (uint64_t)(*digit - '0') * place;
	}
	return place == 100 ? NULL : digit;
}

int duration_parse(const char *text, uint64_t max, uint64_t *ms)
{
	const char *digit = text;
	uint64_t number = 0, thousandths = 0, unit;
	int overflow = 0;

	for (; *digit >= '0' && *digit <= '9'; digit++)
		overflow |= __builtin_mul_overflow(number, 10, &number) ||
			    __builtin_add_overflow(
				    number, (uint64_t)(*digit - '0'), &number);
	if (digit == text)
		return -EINVAL;
	if (*digit == '.')
		digit = thousandths_read(digit + 1, &thousandths);
	if (!digit)
		return -EINVAL;
	unit = unit_ms(digit);
	/* A part of a millisecond would become 0, which is no limit. */
	if (thousandths * unit % 1000)
		return -EINVAL;
	if (!unit && !*digit && !number && !thousandths && !overflow)
		unit = 1;
	if (!unit)
		return -EINVAL;
	thousandths = thousandths * unit / 1000;
	if (overflow || __builtin_mul_overflow(number, unit, &number) ||
	    __builtin_add_overflow(number, thousandths, &number) ||
	    number > max)
		return -ERANGE;
	*ms = number;
	return 0;
}
