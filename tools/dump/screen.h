/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the output goes to, if it does.
 */
#ifndef DUMP_SCREEN_H
#define DUMP_SCREEN_H

/* Lines and columns of it; 0: not a terminal, no end. */
unsigned int screen_lines(void);
unsigned int screen_columns(void);

/* Wipes it, if it is one. */
void screen_clear(void);

#endif
