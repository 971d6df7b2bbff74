/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a process between a leader and its command. It ensures that the
 * command does not outlive the leader.
 *
 * It is the command's parent and the reaper of all its descendants. When the
 * leader is gone, in whatever way, the keeper kills them all and exits. It
 * shares the run lock with the leader, so the next leader starts only after
 * that. The keeper is in a process group of its own, and does not have the
 * leader's name, so that it survives signals meant for the leader. If the
 * keeper itself is killed, the kernel kills its command, too (the parent-death
 * signal), and the leader kills the command's descendants.
 *
 * Without a terminal the command has a process group of its own, so that a
 * signal to the leader's group reaches the command once, by way of the leader.
 * If the leader has a controlling terminal, the command stays in the leader's
 * group, the job of the user's shell: the terminal's signals reach both, and
 * the shell stops, continues and moves both. The keeper then has a session of
 * its own. In the leader's session it would be a parent in another group, and
 * the kernel would let Ctrl-Z stop a job that no shell could continue.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct keeper {
	pid_t pid;
	pid_t command; /* and its group if not on_terminal; 0: not started */
	int socket;
	bool on_terminal; /* of the job */
	bool ended;       /* the command has ended */
	int status;       /* the ended command's, as waitpid() gives it */
	bool gone;        /* the keeper and all its descendants are gone */
	int error;        /* why the command was not started: errno, or 0 */
};

/* The keeper's job: the command and its descriptors. */
struct keeper_job {
	char **argv; /* sfshm-run's; the command's is part of it */
	char **command;
	int out, err;         /* the command's standard output and error */
	int lock;             /* the run lock's descriptor */
	const sigset_t *mask; /* the command's; NULL: this process's */
	bool on_terminal;     /* keeper_start() sets it */
	bool direct; /* the command uses this process's input and outputs */
};

/*
 * Starts a keeper, which starts the command. The command's standard input is
 * /dev/null, unless the job is direct. A command that cannot be executed says
 * so on its own standard error and exits with 126 or 127. Returns 0 or a
 * negated errno value.
 */
int keeper_start(struct keeper *keeper, const struct keeper_job *job);

/*
 * Kills the command and its descendants after the keeper's own death.
 */
void keeper_lost(struct keeper *keeper);

/* Reads one message of the keeper; called when the socket is readable. */
void keeper_hear(struct keeper *keeper);

/*
 * Passes `signal` on to the command and its descendants that are still in its
 * process group; when the command has ended, to the keeper's children. SIGKILL
 * goes to all of the keeper's descendants.
 */
void keeper_signal(const struct keeper *keeper, int signal);

/*
 * Ends the keeper of a run that is over, and waits for its end. The keeper does
 * not kill processes that the command left behind.
 */
void keeper_dismiss(struct keeper *keeper);

/* Waits for a keeper that is gone, or about to go. */
void keeper_reap(struct keeper *keeper);

#endif
