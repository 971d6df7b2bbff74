/* SPDX-License-Identifier: MIT */
/*
 * The segment file that an input plays on.
 */
#ifndef FUZZ_STAGE_H
#define FUZZ_STAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "segment/layout.h"

struct stage {
	char path[64];
	uint8_t *bytes; /* the file, plainly mapped, writable */
	size_t size;
	ino_t ino;
	/* As it was at first: the header may be scribbled on. */
	struct shm_geometry geometry;
	int lowest_fd;
};
extern struct stage stage;

/* Makes the file; `bytes` may be of any kind. */
void stage_begin(const uint8_t *bytes, size_t size);

/* Makes it as much longer; shorter, if below 0. */
void stage_grow(int more);

/* Makes the header's checksum right. */
void stage_sign(void);

/*
 * Removes it. All that the library was given must have come back: mappings,
 * descriptors, mutexes in the calling thread's robust list.
 */
void stage_end(void);

/* Ends the program: what was found is a fault, whatever the compiler says. */
void stage_fault(const char *what, int number) __attribute__((noreturn));

#endif
