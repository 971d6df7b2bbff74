/* SPDX-License-Identifier: MIT */
/* If a mapped file shrinks, its readers get SIGBUS. */
#ifndef TOOLS_FAULT_H
#define TOOLS_FAULT_H

#include <setjmp.h>

/*
 * Lets SIGBUS end the program with status 1 and a line on standard error that
 * says that `segment` shrank.
 */
void fault_guard(const char *segment);

/*
 * After this call SIGBUS does not end the program, but returns to *where, as
 * siglongjmp() does, with the value 1. NULL: it ends the program again.
 */
void fault_escape(sigjmp_buf *where);

#endif
