/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a program: caught, so that a wait can be left and a
 * command be told; and put back as they were for the command.
 */
#ifndef RUN_SIGNALS_H
#define RUN_SIGNALS_H

#include <sfshm/cancel.h>

/*
 * From now on HUP, INT, QUIT and TERM, unless they were ignored, fire the
 * token and can be read with signals_next(). PIPE is ignored and CHLD is not.
 * Returns 0 or a negated errno value.
 */
int signals_catch(void);

/* What a caught signal fires. */
struct sfshm_cancel *signals_token(void);

/* A descriptor that is readable while signals_next() has something. */
int signals_fd(void);

/* The next signal caught, or 0. */
int signals_next(void);

/* The caught signals end this process again. */
void signals_release(void);

/* Between fork and exec: all as it was when the program began. */
void signals_restore(void);

/* Ends this process by `signal`. */
_Noreturn void signals_die(int signal);

#endif
