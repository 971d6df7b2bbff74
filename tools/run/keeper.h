/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a process between a leader and its command, which sees to it
 * that the command does not outlive the leader.
 *
 * It is the command's parent and the reaper of all its descendants. When the
 * leader is gone, by whatever way, the keeper kills them all and goes. It
 * shares the run lock, so that the next leader starts after that. It lies in
 * a process group of its own, and does not bear the leader's name, so that it
 * survives what is meant for the leader. If the keeper itself is killed, its
 * command is too (by the parent-death signal).
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

struct keeper {
	pid_t pid;
	pid_t command; /* the command's process group; 0: not started yet */
	int socket;
	bool ended; /* the command has ended: */
	int status; /* as waitpid() said */
	bool gone;  /* the keeper went, and all its processes with it */
	int error;  /* why the command was not started: errno, or 0 */
};

/* What the command gets. */
struct keeper_job {
	char **argv; /* of sfshm-run; the command's is in it */
	char **command;
	int out, err; /* become its standard output and error */
	int lock;     /* the run lock's descriptor */
	bool direct;  /* it has this process's standard descriptors */
};

/*
 * Starts a keeper and it the command, whose standard input is /dev/null. A
 * command that cannot be executed says so on its own standard error and exits
 * with 126 or 127. Returns 0 or a negated errno value.
 */
int keeper_start(struct keeper *keeper, const struct keeper_job *job);

/* Takes in what the keeper has to say: to be called when its socket polls. */
void keeper_hear(struct keeper *keeper);

/* Passes `signal` on to the command's process group; KILL: to all there is. */
void keeper_signal(const struct keeper *keeper, int signal);

/*
 * The run is over: the keeper goes, and leaves alone what the command left
 * behind. Waits for it.
 */
void keeper_dismiss(struct keeper *keeper);

/* Waits for one that is gone, or about to go. */
void keeper_reap(struct keeper *keeper);

#endif
