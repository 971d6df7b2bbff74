/* SPDX-License-Identifier: MIT */
/*
 * Compares what calls answer with what the headers promise, whatever the
 * segment is: a code that is listed, bytes that are there, a message that ends.
 */
#ifndef FUZZ_ANSWER_H
#define FUZZ_ANSWER_H

#include <stddef.h>

#include <sfshm.h>

/* Reads all the bytes, so that a sanitizer sees those that are not there. */
void touch(const void *data, size_t len);

/* Returns the code; a fault, if it is one that no call may answer. */
int checked(int r);

void check_result(int r, const struct sfshm_result *result);

/* Reads all that a view shows. */
void check_view(struct sfshm_view *view);

#endif
