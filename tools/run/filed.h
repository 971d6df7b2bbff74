/* SPDX-License-Identifier: MIT */
/*
 * Results in files: standard output, then standard error, then a record's
 * header. sfshm_save_begin() looks after the one file of each key.
 */
#ifndef RUN_FILED_H
#define RUN_FILED_H

#include "invocation.h"

/* Does the whole call: leads or follows. */
void invocation_filed(struct invocation *inv, struct outcome *o);

#endif
