/* SPDX-License-Identifier: MIT */
/* If a mapped file shrinks, its readers get SIGBUS. */
#ifndef TOOLS_FAULT_H
#define TOOLS_FAULT_H

/*
 * From now on SIGBUS ends the program with status 1 and one line on stderr
 * that says that `segment` shrank.
 */
void fault_guard(const char *segment);

#endif
