/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a program. This program catches them, to leave a wait
 * and to pass them to its command, and restores their actions for the command.
 */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sfshm/cancel.h>

/* The watcher's signal: the wait is a part of a circle. It fires the token. */
#define SIGNALS_CIRCLE SIGRTMIN

/*
 * Catches HUP, INT, QUIT, TERM, USR1 and USR2, unless they were ignored: from
 * then on they fire the token, and signals_next() returns them. Ignores PIPE
 * and XFSZ, and sets CHLD to its default action. Returns 0 or a negated errno
 * value.
 */
int signals_catch(void);

/* The token that a caught signal fires. */
struct sfshm_cancel *signals_token(void);

/* A descriptor that is readable while signals_next() has a signal to return. */
int signals_fd(void);

/* The next signal caught, or 0. */
int signals_next(void);

/*
 * The same. *to_group: the kernel sent the signal, so every process of the
 * terminal's foreground group has got it.
 */
int signals_next_of(bool *to_group);

/* Whether SIGNALS_CIRCLE has come. */
bool signals_circle(void);

/* Gives the caught signals back their actions from the start of the program. */
void signals_release(void);

/* Between fork and exec: restores all signals as the program found them. */
void signals_restore(void);

/*
 * In a child process that does the program's own work: the same, but ignores
 * QUIT. The terminal sends QUIT to the parent as well, which ends the child; a
 * core dump of the child would be of sfshm-run, not of the user's command.
 */
void signals_restore_in_helper(void);

/* Ends this process by `signal`. */
_Noreturn void signals_die(int signal);

#endif
