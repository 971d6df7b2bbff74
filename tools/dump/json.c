/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include "common/escape.h"
#include "look/text.h"

static void set_hex(json_t *object, const char *name, const void *data,
		    size_t len)
{
	const unsigned char *bytes = data;
	char hex[2 * TEXT_BYTES_MAX + 1];
	char hex_name[32];
	size_t i;

	for (i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
	snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
	json_object_set_new(object, hex_name, json_stringn(hex, 2 * len));
}

void json_begin(const struct timespec *taken_at)
{
	printf("{\"schema\": %d, \"taken_at\": %lld.%03ld", JSON_SCHEMA,
	       (long long)taken_at->tv_sec, taken_at->tv_nsec / 1000000);
}

void json_set_bytes(json_t *object, const char *name, const void *data,
		    size_t len)
{
	char text[ESCAPE_SIZE(TEXT_BYTES_MAX)];

	/* jansson takes nothing but UTF-8. */
	if (!json_object_set_new(object, name, json_stringn(data, len)))
		return;
	escape(text, data, len, ESCAPE_ASCII, 0);
	json_object_set_new(object, name, json_string(text));
	set_hex(object, name, data, len);
}

void json_set_number(json_t *object, const char *name, uint64_t number)
{
	/* A damaged segment may hold numbers too large for JSON readers. */
	if (number > INT64_MAX)
		number = INT64_MAX;
	json_object_set_new(object, name, json_integer((json_int_t)number));
}

void json_set_signed(json_t *object, const char *name, int64_t number)
{
	json_object_set_new(object, name,
			    number < 0 ? json_null() : json_integer(number));
}

void json_set_bool(json_t *object, const char *name, int truth)
{
	json_object_set_new(object, name, json_boolean(truth));
}

void json_put(json_t *value)
{
	if (!value ||
	    json_dumpf(value, stdout, JSON_ENSURE_ASCII | JSON_ENCODE_ANY))
		fputs("null", stdout);
	json_decref(value);
}
