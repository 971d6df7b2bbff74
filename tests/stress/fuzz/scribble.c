/* SPDX-License-Identifier: MIT */
#include "scribble.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "os/sys.h"
#include "outside.h"
#include "segment/fingerprint.h"
#include "segment/mapping.h"
#include "stage.h"
#include "segment/geometry.h"

/* Where the records of a region are, from the image's own geometry. */
static void locate(enum scribble_region region, uint64_t *at, uint64_t *each,
		   uint64_t *count)
{
	const struct shm_geometry *g = &stage.geometry;

	switch (region) {
	case IN_HEADER:
		*at = 0, *count = 1;
		*each = offsetof(struct shm_header, reserved);
		return;
	case IN_CLOCK:
		*at = offsetof(struct shm_header, epoch);
		*each = SHM_HEADER_SIZE - *at, *count = 1;
		return;
	case IN_PARTICIPANT:
		*at = g->participants_at, *count = g->participants;
		*each = sizeof(struct shm_participant);
		return;
	case IN_BUCKET:
		*at = g->buckets_at, *each = 8, *count = g->buckets;
		return;
	case IN_SLOT:
		/* And their cold parts, which come next. */
		*at = g->slots_at, *each = 64;
		*count = (g->tags_at - g->slots_at) / *each;
		return;
	case IN_TAG: *at = g->tags_at, *each = 8, *count = g->granules; return;
	case IN_GRANULE:
		*at = g->granules_at, *each = SHM_GRANULE;
		*count = g->granules - geometry_inline_granules(g);
		return;
	default: *at = 0, *each = 65536, *count = stage.size / 65536 + 1;
	}
}

static uint64_t place_of(const struct input_step *s)
{
	uint64_t at, each, count;

	locate(s->op & 7, &at, &each, &count);
	if (!each || !count)
		return s->off;
	return at + s->at % count * each + s->off % each;
}

static bool overlap(uint64_t from, uint64_t to, uint64_t at, size_t size)
{
	return to > at && from < at + size;
}

/*
 * Is it in a mutex that a thread of this process holds? Or in such a mutex's
 * door: a thread that ends and finds the door taken leaves the mutex to the
 * kernel, and the mapping with it.
 */
static bool is_ours(uint64_t from, uint64_t to)
{
	const struct shm_geometry *g = &stage.geometry;

	for (uint64_t i = 0; i < g->participants; i++) {
		uint64_t at =
			g->participants_at + i * sizeof(struct shm_participant);
		struct shm_participant *p = (void *)(stage.bytes + at);
		struct shm_fingerprint print;
		uint32_t word;
		char task[64];

		if (at + sizeof(*p) > stage.size ||
		    (!overlap(from, to, at, sizeof(p->mutex_bytes)) &&
		     !overlap(from, to,
			      at + offsetof(struct shm_participant, door),
			      sizeof(p->door))))
			continue;
		if (fingerprint_read(&print))
			return true;
		word = load_relaxed((uint32_t *)(void *)(p->mutex_bytes +
							 print.word_offset));
		snprintf(task, sizeof(task), "/proc/self/task/%u",
			 word & FUTEX_TID_MASK);
		if (word & FUTEX_TID_MASK && !(word & FUTEX_OWNER_DIED) &&
		    !access(task, F_OK))
			return true;
	}
	return false;
}

static void set_bits(uint8_t *at, uint32_t value)
{
	unsigned int shift = value >> 26, width = (value >> 22 & 15) + 1;
	uint64_t mask = ((UINT64_C(1) << width) - 1) << shift, word;

	memcpy(&word, at, 8);
	word = (word & ~mask) | ((uint64_t)(value & 0xffff) << shift & mask);
	memcpy(at, &word, 8);
}

static size_t width_of(const struct input_step *s)
{
	switch (s->op >> 3 & 7) {
	case SET_8: return 1;
	case SET_16: return 2;
	case SET_32:
	case ADD_32: return 4;
	case FILL: return (s->value >> 8 & 0xff) + 1;
	default: return 8;
	}
}

static void change(uint8_t *at, const struct input_step *s, size_t width)
{
	uint64_t wide = s->value == UINT32_MAX ? UINT64_MAX : s->value;
	struct input_step source = *s;
	uint64_t from;
	uint32_t word;

	switch (s->op >> 3 & 7) {
	case SET_BITS: set_bits(at, s->value); return;
	case ADD_32:
		memcpy(&word, at, 4);
		word += s->value;
		memcpy(at, &word, 4);
		return;
	case COPY_64:
		source.at = (uint16_t)s->value;
		source.off = (uint16_t)(s->value >> 16);
		from = place_of(&source) & ~UINT64_C(7);
		if (from + 8 <= stage.size)
			memcpy(at, stage.bytes + from, 8);
		return;
	case FILL: memset(at, (int)(s->value & 0xff), width); return;
	default: memcpy(at, &wide, width);
	}
}

/* What a passing scribble has overwritten. */
static struct {
	uint64_t place;
	size_t width; /* 0: there is none */
	uint8_t bytes[256];
} passing;

static void take_back(void)
{
	uint64_t place = passing.place;

	if (passing.width && !is_ours(place, place + passing.width))
		memcpy(stage.bytes + place, passing.bytes, passing.width);
	passing.width = 0;
}

static void scribble_at(uint64_t place, const struct input_step *s)
{
	size_t width = width_of(s);

	if (width == 2 || width == 4 || width == 8)
		place &= ~(uint64_t)(width - 1);
	if (stage.size < SHM_HEADER_SIZE || place + width > stage.size ||
	    is_ours(place, place + width))
		return;
	if (s->op & STEP_PASSING && !passing.width) {
		passing.place = place;
		passing.width = width;
		memcpy(passing.bytes, stage.bytes + place, width);
	}
	change(stage.bytes + place, s, width);
}

void scribble(const struct input_step *step)
{
	scribble_at(place_of(step), step);
}

#define MOST_LATER 16

static struct input_step later[MOST_LATER];
static unsigned int later_count;
static uint32_t looks;
static bool watching;
/* There is something to do at the next look; mostly there is not. */
static bool armed;

void scribble_later(const struct input_step *step)
{
	if (later_count < MOST_LATER)
		later[later_count++] = *step;
}

/* Those that are due, wherever they stand. */
static void scribble_due(uint64_t here, bool all)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < later_count; i++) {
		struct input_step *s = &later[i];

		if (!all && s->when > looks)
			later[kept++] = *s;
		else if (!all && (s->op & 7) == IN_HERE)
			scribble_at(here, s);
		else
			scribble(s);
	}
	later_count = kept;
	armed = watching && (later_count || passing.width);
}

static void look(const void *at)
{
	uint64_t offset;

	if (guard_find(at, &offset) != stage.ino)
		return;
	looks++;
	take_back();
	scribble_due(offset, false);
}

static void sleeping(void)
{
	looks += 16;
	scribble_due(0, false);
}

void scribble_watch(void)
{
	looks = 0;
	outside_asleep = sleeping;
	watching = true;
	armed = later_count || passing.width;
}

void scribble_rest(void)
{
	watching = false;
	outside_asleep = NULL;
	scribble_due(0, true);
	take_back();
}

/* The compiler puts a call of one of these before every load in the library. */
#define PLAIN __attribute__((no_sanitize("address", "undefined")))
#define LOOK(size)                                            \
	void __sanitizer_cov_load##size(const void *at);      \
	PLAIN void __sanitizer_cov_load##size(const void *at) \
	{                                                     \
		if (unlikely(armed))                          \
			look(at);                             \
	}

LOOK(1)
LOOK(2)
LOOK(4)
LOOK(8)
LOOK(16)
