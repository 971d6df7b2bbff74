/* SPDX-License-Identifier: MIT */
/*
 * Structs that callers allocate and only the library looks into. The public
 * header declares words without a meaning; the library lays a struct of its own
 * over them, and one accessor for each type gets from one to the other.
 */
#ifndef OS_OVERLAY_H
#define OS_OVERLAY_H

#include <assert.h>
#include <stdalign.h>

/*
 * For the struct of the library's own. The caller zeroes and copies the words
 * as what the header declares; a compiler that sees both sides (the static
 * library has link-time code) may otherwise take them for different memory.
 */
#define overlay __attribute__((may_alias))

/* The library's struct has room, and stands where its fields may stand. */
#define OVERLAY_FITS(inner, outer)                              \
	static_assert(sizeof(inner) <= sizeof(outer) &&         \
			      alignof(inner) <= alignof(outer), \
		      #inner " does not fit into " #outer)

#endif
