/* SPDX-License-Identifier: MIT */
/*
 * Results in files: standard output, then standard error, then a record's
 * header, in one file per key that sfshm_save_begin() looks after.
 */
#ifndef RUN_FILED_H
#define RUN_FILED_H

#include "invocation.h"

/* The whole call: leads or follows. */
void invocation_filed(struct invocation *inv, struct outcome *o);

#endif
