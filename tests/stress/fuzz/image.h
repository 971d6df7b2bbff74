/* SPDX-License-Identifier: MIT */
/*
 * Segments as the library itself leaves them, to begin from: small enough that
 * everything in them is soon short.
 */
#ifndef FUZZ_IMAGE_H
#define FUZZ_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/segment.h>

extern const struct sfshm_options image_shape;

/* Makes them all. Owners that are to be alive in an image stay behind. */
void image_make_all(void);

/* The one of that number, or where there is none, one with values. */
const uint8_t *image_get(unsigned int number, size_t *size);

/* How many numbers are worth trying. */
unsigned int image_count(void);

#endif
