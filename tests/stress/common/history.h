/* SPDX-License-Identifier: MIT */
/*
 * What an oracle remembers of a key: which values its leaders announced, and
 * what became of them. A leader announces a value before it publishes it, so
 * whoever sees the value does so later.
 */
#ifndef STRESS_HISTORY_H
#define STRESS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

struct publication {
	uint64_t generation;
	uint64_t sum; /* of the value's bytes */
	bool led, announced, published;
	bool refused; /* its leader was told so: nobody may see it */
	bool read;
};

/* All zeroes: nothing has happened yet. */
struct history {
	struct publication *all; /* by generation */
	uint32_t n, room;
	uint64_t forgotten; /* the highest generation that was dropped */
};

enum verdict {
	HISTORY_FITS,
	HISTORY_TOO_OLD, /* that generation is forgotten */
	HISTORY_TWICE,   /* two flights announce a value of one generation */
	HISTORY_EARLY,   /* read, and not announced */
	HISTORY_REFUSED, /* read, and refused */
	HISTORY_OTHER,   /* read, and not the value that was announced */
};

/* That generation, which begins here if need be; valid until the next call. */
struct publication *history_at(struct history *h, uint64_t generation);

enum verdict history_announce(struct history *h, uint64_t generation,
			      uint64_t sum);
enum verdict history_refuse(struct history *h, uint64_t generation);
enum verdict history_read(struct history *h, uint64_t generation, uint64_t sum);

#endif
