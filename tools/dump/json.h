/* SPDX-License-Identifier: MIT */
/*
 * Pieces of JSON, made with jansson and written one record at a time.
 */
#ifndef DUMP_JSON_H
#define DUMP_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <jansson.h>

/* The number of the format: it grows if a name goes or changes its meaning. */
#define JSON_SCHEMA 1

/* Begins a document: the format's number and the time. */
void json_begin(const struct timespec *taken_at);

/*
 * Sets `name` to the bytes as a string. If they are not UTF-8, they are escaped
 * as in the tables, but to ASCII only, and `name`_hex has them all.
 */
void json_set_bytes(json_t *object, const char *name, const void *data,
		    size_t len);

void json_set_number(json_t *object, const char *name, uint64_t number);

/* Sets `name` to the number, or to null if it is below 0. */
void json_set_signed(json_t *object, const char *name, int64_t number);

void json_set_bool(json_t *object, const char *name, int truth);

/* Writes and frees the value; writes "null" if there was no memory for it. */
void json_put(json_t *value);

#endif
