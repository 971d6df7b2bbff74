/* SPDX-License-Identifier: MIT */
/* The terminal that the output goes to, if it goes to one. */
#ifndef DUMP_SCREEN_H
#define DUMP_SCREEN_H

/* Lines and columns of the terminal; 0: the output is no terminal. */
unsigned int screen_lines(void);
unsigned int screen_columns(void);

/*
 * Goes to the terminal's alternate screen, if there is a terminal, and back:
 * what the user had on the screen is there again afterwards.
 */
void screen_enter(void);
void screen_leave(void);

/* Goes back at once, with one system call: for signal handlers. */
void screen_restore(void);

/* Wipes the terminal, if there is one. */
void screen_clear(void);

#endif
