/* SPDX-License-Identifier: MIT */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* The statuses of sfshm-run itself; all others are the command's. */
enum run_exit {
	RUN_EXIT_TIMEOUT = 124,
	RUN_EXIT_FAILURE = 125,
	RUN_EXIT_CANNOT_EXECUTE = 126,
	RUN_EXIT_NOT_FOUND = 127,
	RUN_EXIT_SIGNAL = 128, /* plus the signal's number */
};

/* The kinds of calls. */
enum run_mode {
	RUN_SHARED,      /* -k: one run for all */
	RUN_FILED,       /* one run for all, with its result in a file */
	RUN_HOLD_LOCK,   /* --lock */
	RUN_HOLD_PERMIT, /* --semaphore */
};

struct options {
	enum run_mode mode;
	const char *segment; /* NULL: the user's default */
	const char *key;
	size_t key_len;
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint64_t timeout_ms; /* 0: none */
	int file;
	const char *dir;   /* for the file; NULL: the user's own */
	const char *fleet; /* URL of the fleet's engine, or NULL */
	uint32_t max;      /* the semaphore's permits; 0: not given */
	int no_wait;
	int shared; /* hold the lock shared */
	int verbose;
	int json_fd;    /* -1: none */
	char **command; /* ends in NULL */
};

/*
 * Reads the command line into *options. Returns -1 to go on, or the status to
 * exit with after it has printed help or a complaint.
 */
int options_read(struct options *options, int argc, char **argv);

#endif
