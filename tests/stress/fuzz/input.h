/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an input name a segment to begin from, and steps. A step is an
 * operation or a scribble.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input_head {
	uint8_t image;
	uint8_t flags; /* enum input_flags */
	uint8_t what;  /* segment: which of the calls are made */
	int8_t grow; /* segment: with INPUT_GROW, the file is so much longer */
};

enum input_flags {
	INPUT_STALE = 1, /* the header's checksum is not made right again */
	INPUT_GROW = 2,
	INPUT_RAW = 4, /* no steps follow, but the file's first bytes */
};

#define STEP_SCRIBBLE 0x80 /* else an operation, see use.h */
#define STEP_PASSING 0x40  /* a scribble that is gone at the next look */

struct input_step {
	uint8_t op;    /* STEP_SCRIBBLE | STEP_PASSING | mode << 3 | region */
	uint8_t arg;   /* of an operation */
	uint16_t at;   /* which record of the region, which key */
	uint16_t off;  /* where in the record, which length */
	uint16_t when; /* at which look of the next operation; 0: before it */
	uint32_t value;
};

enum scribble_region {
	IN_HEADER,
	IN_CLOCK, /* the header's part that changes */
	IN_PARTICIPANT,
	IN_BUCKET,
	IN_SLOT,
	IN_TAG,
	IN_GRANULE,
	IN_HERE, /* what is about to be looked at; else anywhere */
	SCRIBBLE_REGIONS,
};

enum scribble_mode {
	SET_8,
	SET_16,
	SET_32,
	SET_64,
	SET_BITS, /* value: shift, width, 16 bits to set */
	ADD_32,
	COPY_64, /* value: byte << 16 | which of the region's records */
	FILL,    /* value: length and byte */
	SCRIBBLE_MODES,
};

/* The steps behind the head; how many. */
static inline size_t input_steps(size_t size)
{
	size_t head = sizeof(struct input_head);

	return size < head ? 0 : (size - head) / sizeof(struct input_step);
}

#endif
