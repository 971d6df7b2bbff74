/* SPDX-License-Identifier: MIT */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sfshm.h>

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

#define OPTIONS_PARTS_MAX 16

/* A part of the key that is looked up: a variable or a file. */
struct options_part {
	bool is_file;
	const char *name;
};

struct options {
	enum run_mode mode;
	const char *segment; /* NULL: the user's default */
	bool has_owner, has_group;
	uint32_t owner, group; /* of the segment */
	uint32_t mode_bits;    /* of a new segment; 0: not given */
	const char *key;
	size_t key_len;
	bool command_key;
	struct options_part parts[OPTIONS_PARTS_MAX];
	unsigned part_count;
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint32_t grace_ms;
	uint32_t stale_if_error_ms;
	uint32_t lock_age_ms;
	uint32_t breaker_deaths, breaker_ms;
	uint32_t max_waiters;
	double beta;
	const char *tags[SFSHM_TAGS_MAX];
	unsigned tag_count;
	uint64_t timeout_ms; /* 0: none */
	const char *dir;     /* for the file; NULL: the user's own */
	const char *fleet;   /* URL of the fleet's engine, or NULL */
	uint32_t max;        /* the semaphore's permits; 0: not given */
	bool refresh;
	bool keep;
	bool follow_output;
	bool file;
	bool no_wait;
	bool shared; /* hold the lock shared */
	bool quiet;
	bool verbose;
	int busy_status; /* if others keep the key */
	int json_fd;     /* -1: none */
	int fd;          /* hold until this one is closed; -1: run a command */
	char **command;  /* ends in NULL */
	uint32_t given;  /* the options given, for check_mode() */
};

extern const char options_usage[];

/*
 * Reads the command line into *options. Returns -1 to go on, or the status to
 * exit with after it has printed help or a complaint.
 */
int options_read(struct options *options, int argc, char **argv);

#endif
