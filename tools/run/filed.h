/* SPDX-License-Identifier: MIT */
/*
 * Results in files: standard output, then standard error, then a record's
 * header, in one file per key that sfshm_save_begin() looks after.
 */
#ifndef RUN_FILED_H
#define RUN_FILED_H

#include "lead.h"
#include "record.h"
#include "run.h"

#define FILED_SUFFIX ".run"

/* Reads a file's end. 0, or -EPROTO: it is not one of these. */
int filed_read(int fd, struct record_header *header, struct record *record);

/* The whole call: leads or follows. */
void call_filed(struct call *call, struct outcome *o);

/* Gives the run its files. 0, or -1 with a complaint in *o. */
int filed_prepare(const struct call *call, struct run *run, struct outcome *o);

/* Puts the file together and publishes it; as sfshm_save_publish(). */
int filed_publish(const struct call *call, const struct run *run,
		  struct record_header *header);

void filed_clear(const struct run *run);

#endif
