/* SPDX-License-Identifier: MIT */
/* The common part of the tools' command lines. */
#ifndef TOOLS_ARGS_H
#define TOOLS_ARGS_H

enum args_exit {
	ARGS_EXIT_FAILURE = 1,
	ARGS_EXIT_USAGE = 2,
};

/* For getopt_long(): the entries and letters that every tool takes. */
#define ARGS_LONG_SEGMENT "segment", required_argument, NULL, 's'
#define ARGS_LONG_HELP "help", no_argument, NULL, 'h'
#define ARGS_LONG_VERSION "version", no_argument, NULL, 'V'
#define ARGS_SHORT ":s:hV"

/* Complains about getopt_long()'s '?' or ':'; returns ARGS_EXIT_USAGE. */
int args_refuse(int answer, char **argv);

/* Prints `usage` for --help (`option` 'h') or the version for 'V'. */
int args_tell(int option, const char *usage);

/* How messages name `segment`, which is the argument of -s or NULL. */
const char *args_segment(const char *segment);

/*
 * Complains that `segment` could not be opened or used, and says what to do.
 * The reason is `why`, or if that is empty the meaning of `error`. Returns
 * ARGS_EXIT_FAILURE.
 */
int args_segment_failed(const char *segment, int error, const char *why);

/* Flushes stdout; complains and returns ARGS_EXIT_FAILURE if that fails. */
int args_flush(void);

#endif
