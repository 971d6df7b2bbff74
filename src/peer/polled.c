/* SPDX-License-Identifier: MIT */
#include "peer/polled.h"

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/wait.h"

#define SLOT_BITS 27
#define ID_BITS 14
#define ONE (UINT64_C(1) << (SLOT_BITS + ID_BITS))
#define WHOSE (ONE - 1)
static_assert(SHM_MAX_SLOTS < 1u << SLOT_BITS, "slot + 1 fits into a note");
static_assert(SHM_MAX_PARTICIPANTS < 1u << ID_BITS, "an id fits into a note");

static uint64_t whose(uint32_t slot_plus_1, uint32_t id)
{
	return (uint64_t)id << SLOT_BITS | slot_plus_1;
}

static uint32_t slot_in(uint64_t note)
{
	return (uint32_t)note & ((1u << SLOT_BITS) - 1);
}

/*
 * ORDER-Q1 pairs ORDER-Q2
 * The event has changed before the bell rings. A process that finds the bell
 * changed finds the event changed, too.
 */
void polled_ring(const struct mapping *map, const uint32_t *event)
{
	uint64_t at =
		(uint64_t)((const uint8_t *)event - (const uint8_t *)map->cold);
	uint32_t slot = (uint32_t)(at / sizeof(*map->cold));
	uint32_t *bell = &map->header->bells[polled_bell_of(slot)];

	kill_point(bell_due);
	fetch_add_acq_rel(bell, 1);
	sys.wake(bell, INT32_MAX);
}

/*
 * Adds a wait to the note at `at`, if the note is free, or is of the slot and
 * id in `mine`. Else returns false.
 */
static bool add(uint64_t *at, uint64_t mine)
{
	uint64_t note = load_relaxed(at);

	while (!note || (note & WHOSE) == mine) {
		if (cas_relaxed(at, note, note ? note + ONE : mine + ONE))
			return true;
		note = load_relaxed(at);
	}
	return false;
}

void polled_note(struct mapping *map, uint32_t slot, uint32_t id,
		 struct polled_note *note)
{
	uint64_t mine = whose(slot + 1, id);

	for (uint32_t i = 0; i < SHM_NOTES; i++) {
		uint64_t *at = &map->header->notes[(slot + i) % SHM_NOTES];

		if (!add(at, mine))
			continue;
		*note = (struct polled_note){ .slot = slot + 1, .id = id };
		return;
	}
	store_relaxed(&map->header->notes_full, 1);
}

/*
 * Takes one wait off the note of slot and id `mine`; the last one frees it.
 * False: the note is not of `mine`.
 */
static bool take(uint64_t *at, uint64_t mine)
{
	uint64_t note = load_relaxed(at);

	while ((note & WHOSE) == mine) {
		uint64_t left = note - ONE;

		if (cas_relaxed(at, note, left < ONE ? 0 : left))
			return true;
		note = load_relaxed(at);
	}
	return false;
}

void polled_unnote(struct mapping *map, struct polled_note *note)
{
	uint64_t mine = whose(note->slot, note->id);
	uint32_t first = note->slot - 1;

	for (uint32_t i = 0; note->slot && i < SHM_NOTES; i++)
		if (take(&map->header->notes[(first + i) % SHM_NOTES], mine))
			note->slot = 0;
	note->slot = 0;
}

/* How many waits the note says there are at the slot. */
static uint32_t waits_in(const struct mapping *map, uint64_t note,
			 uint32_t slot)
{
	struct shm_participant *rec;
	uint32_t word;

	if (slot_in(note) != slot + 1)
		return 0;
	rec = participant_at(map, (uint32_t)((note & WHOSE) >> SLOT_BITS) - 1);
	return rec && !life_proven_dead(map, rec, &word) ?
		       (uint32_t)(note / ONE) :
		       0;
}

uint32_t polled_count(const struct mapping *map, uint32_t slot)
{
	const struct shm_header *h = map->header;
	uint32_t n = 0;

	for (uint32_t i = 0; i < SHM_NOTES; i++)
		n += waits_in(map, load_relaxed(&h->notes[i]), slot);
	if (!n && unlikely(load_relaxed(&h->notes_full)))
		n = (load_relaxed(&map->cold[slot].event) & EVENT_POLLED) != 0;
	return n;
}

void polled_sweep(struct mapping *map, uint32_t id)
{
	for (uint32_t i = 0; i < SHM_NOTES; i++) {
		uint64_t *at = &map->header->notes[i];
		uint64_t note = load_relaxed(at);

		while (slot_in(note) && (note & WHOSE) >> SLOT_BITS == id &&
		       !cas_relaxed(at, note, 0))
			note = load_relaxed(at);
	}
}
