/* SPDX-License-Identifier: MIT */
#ifndef RUN_CLOSE_H
#define RUN_CLOSE_H

#include <stddef.h>

/*
 * Closes all descriptors above standard error, except those in `kept`, which it
 * sorts. A negative one there stands for none.
 */
void close_all_but(int *kept, size_t count);

#endif
