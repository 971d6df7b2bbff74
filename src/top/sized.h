/* SPDX-License-Identifier: MIT */
/*
 * Structs of programs that were built against the headers of another version.
 *
 * Such a struct begins with its size, and a newer version only appends fields:
 * an older version's struct is the beginning of a newer version's. A field that
 * the caller's struct lacks counts as 0. A field that the library does not know
 * must be 0 in options, because the library cannot do what the field asks for.
 * When the library fills in a struct, it leaves such a field untouched.
 */
#ifndef TOP_SIZED_H
#define TOP_SIZED_H

#include <stddef.h>
#include <sfshm/result.h>
#include <sfshm/segment.h>

#include "os/atomics.h"

/* No version appends more bytes; a larger `size` was never initialised. */
#define SIZED_SURPLUS_MAX 4096

/*
 * Copies a caller's options into *own, a struct of `size` bytes whose first
 * field is `size`. Returns 0, -EINVAL or -E2BIG; after -E2BIG, *own has the
 * fields that this library knows.
 */
int sized_read(void *own, size_t size, const void *theirs);

/*
 * Points *options, which may be NULL, to a struct of this library's version:
 * the caller's, if it is one, else *own. Returns as sized_read().
 */
#define sized_adopt(options, own)                                           \
	({                                                                  \
		int _r = 0;                                                 \
		if (unlikely(*(options) &&                                  \
			     (*(options))->size != sizeof(*(own)))) {       \
			_r = sized_read((own), sizeof(*(own)), *(options)); \
			*(options) = (own);                                 \
		}                                                           \
		_r;                                                         \
	})

/*
 * Does the same for a segment's options, with a line in options->why for
 * -E2BIG.
 */
int sized_adopt_options(const struct sfshm_options **options,
			struct sfshm_options *own);

/*
 * Whether the size that `theirs` begins with is plausible for a struct that has
 * `size` bytes in this version.
 */
bool sized_is_valid(const void *theirs, size_t size);

/* Copies as much of *own as *theirs has room for, but not the field `size`. */
void sized_write(void *theirs, const void *own, size_t size);

/*
 * Size of the first version's result. Every caller's result has these fields,
 * so a hit writes them without a look at `size`. The library writes a field
 * that a later version appends only if the caller's `size` includes it.
 */
#define SIZED_RESULT \
	(offsetof(struct sfshm_result, message) + SFSHM_MESSAGE_MAX)

static force_inline bool
sized_result_is_valid(const struct sfshm_result *result)
{
	return result && result->size - SIZED_RESULT <= SIZED_SURPLUS_MAX;
}

#endif
