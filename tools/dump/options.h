/* SPDX-License-Identifier: MIT */
/* The user's request to sfshm-dump. */
#ifndef DUMP_OPTIONS_H
#define DUMP_OPTIONS_H

#include <stdint.h>
#include <sfshm/inspect.h>

struct options {
	const char *segment;     /* NULL: list the segments */
	const char *key_pattern; /* NULL: all */
	int phase;               /* enum sfshm_phase, or -1: all */
	int kind;                /* enum sfshm_kind, or -1: all */
	int json;
	uint64_t watch_ns; /* 0: one picture */
};

/*
 * Reads the command line. Returns -1 to go on, or the status to exit with
 * after it has printed help or a complaint.
 */
int options_read(struct options *options, int argc, char **argv);

#endif
