/* SPDX-License-Identifier: MIT */
/* If a mapped file shrinks, its readers get SIGBUS. */
#ifndef TOOLS_FAULT_H
#define TOOLS_FAULT_H

/*
 * Lets SIGBUS end the program with status 1 and a line on standard error that
 * says that `segment` shrank.
 */
void fault_guard(const char *segment);

#endif
