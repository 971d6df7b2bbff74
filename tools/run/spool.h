/* SPDX-License-Identifier: MIT */
/*
 * The files for a run's output, if the result is to be a file. While the
 * command runs, standard output goes to the save's file and standard error to a
 * file without a name; spool_publish() then appends the second to the first.
 */
#ifndef RUN_SPOOL_H
#define RUN_SPOOL_H

#include "invocation.h"
#include "record.h"
#include "run.h"

/* Gives the run its files. 0, or -1 with a complaint in *o. */
int spool_prepare(const struct invocation *inv, struct run *run,
		  struct outcome *o);

/* Puts the file together and publishes it. Returns as sfshm_save_publish(). */
int spool_publish(const struct invocation *inv, const struct run *run,
		  struct record_header *header);

/* Closes the run's files, if it has any. */
void spool_clear(const struct run *run);

#endif
