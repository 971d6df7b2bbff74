/* SPDX-License-Identifier: MIT */
/*
 * Agents: processes that do one command at a time.
 *
 * A command is a line, and so is its answer (tests/agent lists them). A test
 * drives several agents step by step, and kills them where it likes. At its
 * end the test kills the agents that are left.
 *
 * If a command begins with "@NAME ", a thread of the agent of that name does
 * it; the first such command makes the thread, and its answers begin with
 * "@NAME ", too.
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

/* The same; only a wake ends this agent's sleeps (sleep_until_woken()). */
struct agent *agent_start_patient(void);

/* Starts an agent that has nothing open, in new namespaces (CLONE_NEW...). */
struct agent *agent_start_bare(int namespaces);

/* Sends a command, without waiting for the answer. */
void agent_say(struct agent *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Returns the agent's next answer, in the agent's buffer. Fails the test if
 * there is none.
 */
const char *agent_hear(struct agent *a);

/* Checks that the next answer is `line`. */
void agent_answers(struct agent *a, const char *line);

/* Checks that the next two answers are these, in any order. */
void agent_answers_both(struct agent *a, const char *one, const char *other);

/* Sends a command, and checks that the answer is `line`. */
void agent_expect(struct agent *a, const char *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether there is an answer that the test has not read. */
int agent_spoke(struct agent *a);

/* Sends a signal. */
void agent_signal(struct agent *a, int signal);

/* On this signal the agent does its "when-told" command. */
#define WHEN_TOLD (SIGRTMIN + 1)
void agent_nudge(struct agent *a);

/* Waits until the agent is gone. Returns its status as from waitpid(). */
int agent_gone(struct agent *a);

/* Returns the number of the agent's threads. */
int agent_threads(const struct agent *a);

/* Waits until the agent's main thread sleeps in the kernel. */
void agent_asleep(struct agent *a);

/*
 * Has a thread of the agent lead the key, and die without a word from the
 * kernel: it calls exec(). `command` begins the flight.
 */
void agent_die_unmarked(struct agent *a, const char *command);

/* Waits until a signal has stopped the agent. */
void agent_stopped(struct agent *a);

/* Kills the agent and waits until it is gone. */
void agent_kill(struct agent *a);

void agent_end_all(void);

#endif
