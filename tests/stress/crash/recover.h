/* SPDX-License-Identifier: MIT */
/* Checks after a death that everything goes on and is given back. */
#ifndef CRASH_RECOVER_H
#define CRASH_RECOVER_H

#include "image.h"

struct verdict {
	bool stuck, leaked;
	uint64_t ns;        /* from the first call to the result */
	uint64_t beside_ns; /* until helper 1, beside the victim, had its */
	char why[256];
};

struct trial {
	struct stage *st;
	const char *path;  /* of the segment, which may be a copy */
	const char *key;   /* to be finished */
	finish_fn finish;  /* ... and that, or NULL */
	bool attach_first; /* the survivor is there when the death happens */
	bool may_be_busy;  /* somebody else alive may lead the key */
	/* What kills the victim, and then the helpers. */
	void (*kill_victim)(const struct trial *t);
	void (*kill_others)(const struct trial *t);
	const struct victim *victim;
	struct image *image; /* of that segment */
	void *arg;
};

/* Plays the survivor. Fills in *v, which is zeroed. */
void recover(const struct trial *t, struct verdict *v);

/* The same where the segment may have been made or replaced half-way. */
void recover_whole(const struct trial *t, struct verdict *v);

#endif
