/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a program. This program catches them to leave a wait and
 * to tell its command, and restores them for the command.
 */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <sfshm/cancel.h>

/*
 * Catches HUP, INT, QUIT and TERM, unless they were ignored: from now on they
 * fire the token and signals_next() reads them. Ignores PIPE, and stops
 * ignoring CHLD. Returns 0 or a negated errno value.
 */
int signals_catch(void);

/* The token that a caught signal fires. */
struct sfshm_cancel *signals_token(void);

/* A descriptor that is readable while signals_next() has something. */
int signals_fd(void);

/* The next signal caught, or 0. */
int signals_next(void);

/* From now on the caught signals end this process again. */
void signals_release(void);

/* Between fork and exec: restores all signals as the program found them. */
void signals_restore(void);

/* Ends this process by `signal`. */
_Noreturn void signals_die(int signal);

#endif
