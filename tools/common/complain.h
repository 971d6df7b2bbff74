/* SPDX-License-Identifier: MIT */
/*
 * Errors for people: one line on standard error, "PROGRAM: what: why; what
 * next".
 */
#ifndef TOOLS_COMPLAIN_H
#define TOOLS_COMPLAIN_H

/*
 * Prints the line in one write, so that lines of several processes do not mix.
 * Control characters come out as \xNN, and a line is cut after 1 KiB. Allocates
 * nothing and may be called between fork and exec.
 */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
