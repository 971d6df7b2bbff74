/* SPDX-License-Identifier: MIT */
/*
 * Results in files: standard output, then standard error, then a record's
 * header. Each key has one file, which one caller writes: a save of
 * sfshm_save_begin().
 */
#ifndef RUN_FILED_H
#define RUN_FILED_H

#include "invocation.h"

/* Does the whole call: leads or follows. */
void invocation_filed(struct invocation *inv, struct outcome *o);

#endif
