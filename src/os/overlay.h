/* SPDX-License-Identifier: MIT */
/*
 * Structs that a caller allocates, and whose contents only the library uses.
 * The public header declares them as plain words. The library lays a struct of
 * its own over the words; each type has one accessor from words to struct.
 */
#ifndef OS_OVERLAY_H
#define OS_OVERLAY_H

#include <assert.h>
#include <stdalign.h>

/*
 * Marks the library's struct. The caller zeroes and copies the words as the
 * public type. Without the mark, a compiler that sees both sides (link-time
 * optimization) may assume that the two types never share memory.
 */
#define overlay __attribute__((may_alias))

/* The caller's struct is large enough for the library's, and aligned for it. */
#define OVERLAY_FITS(inner, outer)                              \
	static_assert(sizeof(inner) <= sizeof(outer) &&         \
			      alignof(inner) <= alignof(outer), \
		      #inner " does not fit into " #outer)

#endif
