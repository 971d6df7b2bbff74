/* SPDX-License-Identifier: MIT */
/*
 * The agent does a test's commands, one line at a time, and answers each line
 * with one line. The lines come and go over the socket that is its stdin.
 *
 * A lane is a thread of the agent that does commands: the main thread, and
 * one for each NAME that a command began with as "@NAME ".
 */
#ifndef AGENT_LANE_H
#define AGENT_LANE_H

#include <pthread.h>

#include <sfshm/flight.h>
#include <sfshm/pin.h>
#include <sfshm/segment.h>

struct lane {
	char name[16]; /* "": the main thread */
	pthread_t thread;
	int lines[2]; /* a pipe: the lane's next commands */
	struct sfshm_flight flight;
	struct sfshm_result result;
	struct sfshm_pin pin;
	struct lane_lock *locks; /* see lock.c */
	struct lane *next;
};

/* This thread's lane. */
extern __thread struct lane *this_lane;

/* All lanes share these. */
extern struct sfshm *handle;
extern struct sfshm_cancel token;

/* Answers the command that the lane is doing. */
void reply(const struct lane *lane, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Answers "ok" for 0, or a negated errno value's name, as "-EPERM". */
void reply_code(const struct lane *lane, int code);

/* Does one command. */
void obey(struct lane *lane, char *line);

/*
 * lane_find() returns the lane of that name ("main": the main thread's), or
 * NULL. lane_get() makes the lane if there is none, and returns NULL if it
 * cannot.
 */
struct lane *lane_find(const char *name);
struct lane *lane_get(const char *name);

/* Adds commands that a test may send: each a table of names and functions. */
struct command {
	const char *name, *help;
	void (*run)(struct lane *lane, char *rest);
};
extern const struct command segment_commands[], flight_commands[],
	death_commands[], odd_commands[], rights_commands[], lock_commands[],
	semaphore_commands[];

/* Returns the next word of *rest, or "". */
char *word(char **rest);

#endif
