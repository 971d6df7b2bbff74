/* SPDX-License-Identifier: MIT */
/*
 * Copies the segment's bytes as they are at one instruction, which a death
 * there would leave. This file then treats the robust mutexes as the kernel
 * does at a death.
 */
#ifndef CRASH_IMAGE_H
#define CRASH_IMAGE_H

#include "segment/layout.h"
#include "victim.h"

struct image {
	uint8_t *live; /* the stage's segment, as it is */
	uint8_t *seen; /* ... as it was when it last differed */
	void *list_seen[2];
	size_t size;
	struct shm_geometry geometry;
	uint32_t word_offset; /* of the futex word in a mutex */
};

bool image_open(struct image *im, const char *path);
void image_close(struct image *im);

/*
 * Whether anything has changed that a death leaves and a survivor could trip
 * over: all but value bytes, counters and hints about hits.
 */
bool image_changed(struct image *im, const struct victim *v);

/* Writes a copy to a new file, and maps that. */
bool image_copy(const struct image *im, const char *path, struct image *copy);

/* In a copy, does what the kernel does when the victim dies. */
void image_mark_victim(struct image *copy, const struct victim *v,
		       const char *path);

/* The same for all who are attached but `survivor` (a thread id). */
void image_mark_others(struct image *copy, pid_t survivor);

/*
 * Looks at a segment in which only `survivor` is left and which has been
 * filled with short keys that begin with `prefix` and one-granule values. NULL
 * if all is accounted for, else what is not.
 */
const char *image_census(const struct image *im, pid_t survivor,
			 const char *prefix);

/* The futex word of the participant at `index`. */
uint32_t *image_word(const struct image *im, uint32_t index);
struct shm_participant *image_participant(const struct image *im,
					  uint32_t index);
uint32_t image_participants(const struct image *im);

#endif
