/* SPDX-License-Identifier: MIT */
/* A command whose output an event loop reads, for event-server.c. */
#ifndef EVENT_COMMAND_H
#define EVENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define COMMAND_WORDS_MAX 60

struct command {
	pid_t pid;
	char *output; /* malloc(3) */
	size_t len, room;
	size_t limit;        /* it must print less */
	const char *failure; /* why command_read() has given up, or NULL */
};

/*
 * Starts the command of up to COMMAND_WORDS_MAX words, and the key as the last
 * one. The kernel kills the command when the calling thread ends. Returns a
 * descriptor that is readable when command_read() has something to do; or
 * -errno.
 */
int command_start(struct command *c, char *const words[], char *key,
		  size_t limit);

/* Reads a part of the output from that descriptor. Returns false after the last
   part; the command may live on. */
bool command_read(struct command *c, int fd);

/* Returns a descriptor that is readable when the command has ended; or -1, with
   errno. Needs Linux 5.3. */
int command_watch_end(const struct command *c);

/* Call this when the command has ended. Returns NULL, and the output is
   complete, without its last newline; or why the command failed. */
const char *command_end(struct command *c);

#endif
