/* SPDX-License-Identifier: MIT */
/*
 * Structs that callers allocate and that only the library looks into. The
 * public header declares words without a meaning. The library lays a struct of
 * its own over them; each type has one accessor from the words to the struct.
 */
#ifndef OS_OVERLAY_H
#define OS_OVERLAY_H

#include <assert.h>
#include <stdalign.h>

/*
 * Marks the library's struct. The caller zeroes and copies the words as the
 * header's type; a compiler that sees both sides, as with link-time
 * optimization, may otherwise take them for different memory.
 */
#define overlay __attribute__((may_alias))

/* The caller's struct is large enough for the library's, and aligned for it. */
#define OVERLAY_FITS(inner, outer)                              \
	static_assert(sizeof(inner) <= sizeof(outer) &&         \
			      alignof(inner) <= alignof(outer), \
		      #inner " does not fit into " #outer)

#endif
