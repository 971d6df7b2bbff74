/* SPDX-License-Identifier: MIT */
/* Files without a name: the kernel removes them with their last descriptor. */
#ifndef RUN_UNNAMED_H
#define RUN_UNNAMED_H

#include <stdbool.h>

/*
 * Makes a file in /var/tmp, or in memory if that fails (*in_memory, unless
 * NULL); `name` then names it in /proc. Returns a descriptor, or a negated
 * errno value.
 */
int unnamed_file(const char *name, bool *in_memory);

#endif
