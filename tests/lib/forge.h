/* SPDX-License-Identifier: MIT */
/* Changing a segment's file as an enemy or an accident may. */
#ifndef LIB_FORGE_H
#define LIB_FORGE_H

#include "segment/layout.h"
#include "testing.h"

/* Makes the test's segment with one value in it, "key"; closes it again. */
void forge_make(const struct sfshm_options *o);

/* Overwrites bytes of the file. */
void forge_write(uint64_t at, const void *data, size_t len);

/* Reads bytes of the file. */
void forge_read(uint64_t at, void *data, size_t len);

/* Writes the header, with a checksum that is right for it. */
void forge_write_header(struct shm_header *header);

/*
 * Maps the first participant's record, which the test may read and change while
 * the participant lives.
 */
struct forge_record {
	struct shm_participant *record;
	uint32_t *word; /* of its mutex */
};
void forge_map(struct forge_record *out);

/* Replaces the file by one that has these bytes. */
void forge_replace(const void *data, size_t len);

/*
 * Opens the segment with `flags`, and closes it. Returns the outcome; asserts
 * that a failure has a reason, of one line.
 */
int forge_try(uint32_t flags);

#endif
