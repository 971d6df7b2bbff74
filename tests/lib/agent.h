/* SPDX-License-Identifier: MIT */
/*
 * Agents: processes that do one command at a time.
 *
 * A command is a line, and so is its answer (tests/agent lists them). A test
 * drives several agents step by step, and kills them where it likes. At its
 * end the test kills the agents that are left.
 *
 * A command that begins with "@NAME " is done by a thread of the agent's of
 * that name, which the first such command makes; its answers begin with it
 * too.
 */
#ifndef LIB_AGENT_H
#define LIB_AGENT_H

#include <signal.h>
#include <sys/types.h>

struct agent {
	pid_t pid; /* as seen by the test */
	int fd;
	char line[4096];
	struct agent *next;
};

/* Starts an agent that has the test's segment open. */
struct agent *agent_start(void);

/* Starts one that has nothing open, in new namespaces (CLONE_NEW...). */
struct agent *agent_start_bare(int namespaces);

/* Tells it to do something, without waiting for the answer. */
void agent_say(struct agent *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Its next answer, in its own buffer. Fails the test if there is none. */
const char *agent_hear(struct agent *a);

/* Its next answer is `line`. */
void agent_answers(struct agent *a, const char *line);

/* Its next two answers are these, in any order. */
void agent_answers_both(struct agent *a, const char *one, const char *other);

/* Tells it to do something, and it answers `line`. */
void agent_expect(struct agent *a, const char *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Has it said anything that was not heard yet? */
int agent_spoke(struct agent *a);

/* Sends a signal. */
void agent_signal(struct agent *a, int signal);

/* What it was told to do "when-told" it does now, by this signal. */
#define WHEN_TOLD (SIGRTMIN + 1)
void agent_nudge(struct agent *a);

/* Waits until it is gone; its status as from waitpid(). */
int agent_gone(struct agent *a);

/* How many threads it has. */
int agent_threads(const struct agent *a);

/* Waits until its main thread sleeps in the kernel. */
void agent_asleep(struct agent *a);

/* Waits until it is stopped by a signal. */
void agent_stopped(struct agent *a);

/* Kills it and waits until it is gone. */
void agent_kill(struct agent *a);

void agent_end_all(void);

#endif
