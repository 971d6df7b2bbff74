/* SPDX-License-Identifier: MIT */
/* The user's request to sfshm-dump. */
#ifndef DUMP_OPTIONS_H
#define DUMP_OPTIONS_H

#include <limits.h>
#include <stdint.h>
#include <sfshm/inspect.h>

#include "check.h"
#include "look/column.h"
#include "look/filter.h"
#include "metrics.h"

struct options {
	const char *segment; /* NULL: list the segments */
	char path[PATH_MAX]; /* of another user's segment */
	uint32_t owner;
	int has_owner;
	struct filter filter;
	const struct column *sort; /* NULL: the most urgent keys first */
	int descending;
	struct column_list columns;
	int table_only; /* the user has chosen columns: no other tables */
	int noheadings;
	int all;        /* idle threads and counters as well */
	int limited;    /* `limit` is given */
	uint64_t limit; /* keys; 0: no limit */
	int json;
	uint64_t watch_ns; /* 0: one picture */
	enum metrics_format metrics;
	const char *html; /* file for an HTML page; NULL: none */
	int events, following, tracing;
	int checking;
	struct check check;
};

/*
 * Reads the command line. Returns -1 to go on, or the status to exit with
 * after it has printed help or a complaint.
 */
int options_read(struct options *options, int argc, char **argv);

#endif
