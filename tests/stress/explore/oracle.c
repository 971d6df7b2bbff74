/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/ctl.h"
#include "store/epoch.h"
#include "store/key.h"
#include "store/table.h"
#include "world.h"

#include <linux/futex.h>

const char *oracle_failure;
static char text[512];

void oracle_fail(const char *format, ...)
{
	va_list args;

	if (oracle_failure)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	oracle_failure = text;
}

void oracle_forget(void)
{
	oracle_failure = NULL;
}

static const struct shm_slot *slot(uint32_t i)
{
	return &world_map.slots[i];
}

/*
 * ORACLE-2: the slot has left its chain: a reader that is inside may stand on
 * it.
 */
static void unlinked(uint32_t i)
{
	world.stands[i] = 0;
	for (int f = 0; f < FIBERS; f++) {
		const struct task *t = &world.task[f];

		if (task_lives(t) && t->section && !t->expelled)
			world.stands[i] |= (uint8_t)(1u << f);
	}
}

static void leaves_section(unsigned int f)
{
	world.task[f].section = 0;
	world.task[f].expelled = 0;
	for (int i = 0; i < WORLD_SLOTS; i++)
		world.stands[i] &= (uint8_t) ~(1u << f);
}

/* A link changed: what it passes over is out. */
static void saw_link(uint64_t old, uint64_t value, bool by_cas)
{
	uint32_t was = link_index(old), is = link_index(value);

	/* A plain store sets the link of a slot that is not in yet. */
	if (!by_cas || !was || was == is || was > world_geometry.slots)
		return;
	if (slot(was - 1)->next & LINK_MARK &&
	    link_index(slot(was - 1)->next) == is)
		unlinked(was - 1);
}

const void *oracle_key(unsigned int key)
{
	static const char keys[8][9] = {
		"key-zero", "key-one.", "key-two.", "key-tri.",
		"key-four", "key-five", "key-six.", "key-sevn",
	};

	return keys[key & 7];
}

/* The key at the slot; 8: none of the oracle's. */
static unsigned int key_at(uint32_t i)
{
	unsigned int key = 0;

	while (key < 8 && memcmp(slot(i)->key, oracle_key(key), 8))
		key++;
	return key;
}

static unsigned int self_process(void)
{
	return fiber_process((unsigned int)fiber_current);
}

/* ORACLE-7. */
static void flight_began(uint32_t i, uint64_t gen)
{
	unsigned int key = key_at(i);

	if (key == 8)
		return;
	if (gen <= world.generation[key])
		oracle_fail("key %u's generation goes from %llu to %llu", key,
			    (unsigned long long)world.generation[key],
			    (unsigned long long)gen);
	world.generation[key] = gen;
	world.flyer[key] = (uint8_t)(self_process() + 1);
}

/* Whether a living thread of the process owns the slot. */
static bool is_of(unsigned int process, uint32_t i)
{
	uint32_t owner = ctl_owner(slot(i)->ctl), holder;

	if (!owner || owner > WORLD_RECORDS)
		return false;
	holder = world.holder[owner - 1];
	return holder && fiber_process(holder - 1) == process &&
	       task_lives(&world.task[holder - 1]);
}

/* ORACLE-9. Moved to the record of a dead thread, a flight is lost. */
static void flight_moved(uint32_t i)
{
	unsigned int key = key_at(i);

	if (key < 8 && world.flyer[key] != self_process() + 1)
		oracle_fail("P%d moves the flight of key %u, which is not of "
			    "its process",
			    fiber_current, key);
	if (key < 8 && !is_of(self_process(), i))
		oracle_ends(key);
}

/* A process that ends its own flight leads no more. */
static void flight_ends(uint32_t i)
{
	unsigned int key = key_at(i);

	if (key < 8 && fiber_has_company &&
	    world.flyer[key] == self_process() + 1)
		oracle_ends(key);
}

/* The leader of a slot that a putter retires leads no more. */
static void saw_robbery(uint32_t i)
{
	for (unsigned int key = 0; key < 8; key++)
		if (world.task[fiber_current].robs >> key & 1 &&
		    !memcmp(slot(i)->key, oracle_key(key), 8))
			oracle_invalidated(key);
}

static void saw_ctl(uint32_t i, uint64_t old, uint64_t value)
{
	bool freed = ctl_phase(old) == PHASE_LIMBO &&
		     (ctl_phase(value) != PHASE_LIMBO ||
		      (ctl_owner(value) && !ctl_owner(old)));

	if (freed && world.stands[i])
		oracle_fail("slot %u is freed inside its grace period: fiber "
			    "%d may stand on it",
			    i, __builtin_ctz(world.stands[i]));
	if (ctl_phase(old) == PHASE_BUSY && ctl_phase(value) == PHASE_RETIRED &&
	    fiber_current >= 0)
		saw_robbery(i);
	if (ctl_phase(old) == PHASE_BUSY && ctl_phase(value) != PHASE_BUSY)
		flight_ends(i);
	if (ctl_phase(value) != PHASE_BUSY)
		return;
	if (ctl_phase(old) != PHASE_BUSY || ctl_gen(old) != ctl_gen(value))
		flight_began(i, ctl_gen(value));
	else if (ctl_owner(old) != ctl_owner(value))
		flight_moved(i);
	if (ctl_phase(old) == PHASE_BUSY)
		return;
	for (uint32_t j = 0; j < world_geometry.slots; j++)
		if (j != i && ctl_phase(slot(j)->ctl) == PHASE_BUSY &&
		    slot(j)->hash == slot(i)->hash &&
		    slot(j)->key_tag == slot(i)->key_tag &&
		    !memcmp(slot(j)->key, slot(i)->key, 8))
			oracle_fail("two flights of one key: in slots %u and "
				    "%u",
				    i, j);
}

static void saw_epoch_word(uint32_t record, uint64_t value)
{
	int f = fiber_current;

	if (value & EPOCH_EXPELLED) {
		for (unsigned int i = 0; i < FIBERS; i++)
			if (world.task[i].section == record + 1) {
				leaves_section(i);
				world.task[i].section = (uint8_t)(record + 1);
				world.task[i].expelled = 1;
			}
	} else if (f >= 0 && value & EPOCH_ACTIVE) {
		world.task[f].section = (uint8_t)(record + 1);
		world.task[f].expelled = 0;
	} else if (f >= 0 && world.task[f].section == record + 1) {
		leaves_section((unsigned int)f);
	}
}

/* ORACLE-3. */
static void saw_liveness(uint32_t record, uint64_t old, uint64_t value)
{
	uint32_t holder = world.holder[record];

	if (!(value & FUTEX_OWNER_DIED) || old & FUTEX_OWNER_DIED || !holder)
		return;
	if (task_lives(&world.task[holder - 1]))
		oracle_fail("P%u lives and its record %u is marked dead",
			    holder - 1, record);
}

/* A thread that ends its life gives up the flights that its record has. */
static void gives_up(uint32_t record)
{
	for (uint32_t i = 0; i < world_geometry.slots; i++) {
		unsigned int key = key_at(i);

		if (key < 8 && ctl_phase(slot(i)->ctl) == PHASE_BUSY &&
		    ctl_owner(slot(i)->ctl) == record + 1)
			oracle_ends(key);
	}
}

/* ORACLE-3: only a living thread itself ends its life (peer/liveness.h). */
static void saw_incarnation(uint32_t record, uint64_t value)
{
	int holder = world.holder[record] - 1;

	if (!(value & 1) && holder >= 0 && holder != fiber_current &&
	    task_lives(&world.task[holder]))
		oracle_fail("P%d lives and P%d ends the life of its record %u",
			    holder, fiber_current, record);
	if (!(value & 1) && holder >= 0 && holder == fiber_current)
		gives_up(record);
}

static void saw_record(size_t in, uint64_t old, uint64_t value)
{
	uint32_t record = (uint32_t)(in / sizeof(struct shm_participant));

	switch (in % sizeof(struct shm_participant)) {
	case 0: saw_liveness(record, old, value); break;
	case offsetof(struct shm_participant, incarnation):
		saw_incarnation(record, value);
		break;
	case offsetof(struct shm_participant, epoch):
		saw_epoch_word(record, value);
		break;
	default: break;
	}
}

void oracle_saw_write(const void *at, uint64_t old, uint64_t value, bool by_cas)
{
	const struct shm_geometry *g = &world_geometry;
	size_t offset = (size_t)((const uint8_t *)at - world_bytes);

	if (offset >= g->desks_at)
		return;
	if (offset >= g->slots_at) {
		size_t in = offset - g->slots_at;
		uint32_t i = (uint32_t)(in / sizeof(struct shm_slot));

		in %= sizeof(struct shm_slot);
		if (in == offsetof(struct shm_slot, next))
			saw_link(old, value, by_cas);
		else if (in == offsetof(struct shm_slot, ctl))
			saw_ctl(i, old, value);
	} else if (offset >= g->buckets_at) {
		saw_link(old, value, by_cas);
	} else if (offset >= g->participants_at) {
		saw_record(offset - g->participants_at, old, value);
	}
}

static bool process_lives(unsigned int process)
{
	for (unsigned int f = 0; f < FIBERS; f++)
		if (fiber_process(f) == process && task_lives(&world.task[f]))
			return true;
	return false;
}

/* A thread has died, and others of its process live. */
static void lost_flights(unsigned int process)
{
	for (uint32_t i = 0; i < world_geometry.slots; i++) {
		unsigned int key = key_at(i);

		if (key < 8 && ctl_phase(slot(i)->ctl) == PHASE_BUSY &&
		    !is_of(process, i))
			world.task[process].leads &= (uint8_t) ~(1u << key);
	}
}

void oracle_saw_death(unsigned int fiber)
{
	unsigned int process = fiber_process(fiber);

	leaves_section(fiber);
	if (process_lives(process)) {
		lost_flights(process);
		return;
	}
	if (world.task[process].leads >> 7 & 1)
		world.orphaned = 1;
	world.task[process].leads = 0;
}

void oracle_leads(unsigned int key, uint64_t until)
{
	struct task *me = &world.task[self_process()];

	for (unsigned int f = 0; f < FIBERS; f++) {
		const struct task *t = &world.task[f];

		if ((int)f != fiber_current && task_lives(t) &&
		    t->shares >> key & 1)
			oracle_fail("P%d has alone what P%u holds shared",
				    fiber_current, f);
		if (t == me || !(t->leads >> key & 1))
			continue;
		if (!t->lead_until[key] || world.now < t->lead_until[key])
			oracle_fail("two leaders of key %u: P%u and P%d", key,
				    f, fiber_current);
	}
	me->leads |= (uint8_t)(1u << key);
	me->lead_until[key] = until;
}

void oracle_ends(unsigned int key)
{
	world.task[self_process()].leads &= (uint8_t) ~(1u << key);
}

void oracle_ended(unsigned int key, uint64_t gen)
{
	if (world.ended[key] == gen)
		oracle_fail("two calls ended flight %llu of key %u",
			    (unsigned long long)gen, key);
	world.ended[key] = gen;
}

void oracle_shares(unsigned int key, bool does)
{
	uint8_t bit = (uint8_t)(1u << key);
	struct task *me = &world.task[fiber_current];

	for (int f = 0; does && f < FIBERS; f++)
		if (f != fiber_current && task_lives(&world.task[f]) &&
		    world.task[f].leads & bit)
			oracle_fail("P%d shares what P%d holds alone",
				    fiber_current, f);
	me->shares = does ? me->shares | bit : me->shares & (uint8_t)~bit;
}

void oracle_robs(unsigned int key, bool does)
{
	uint8_t bit = (uint8_t)(1u << key);
	struct task *me = &world.task[fiber_current];

	me->robs = does ? me->robs | bit : me->robs & (uint8_t)~bit;
}

void oracle_invalidated(unsigned int key)
{
	for (int f = 0; f < FIBERS; f++)
		world.task[f].leads &= (uint8_t) ~(1u << key);
}

void oracle_locked(bool told)
{
	if (world.orphaned && !told)
		oracle_fail("P%d has the lock, whose holder died, and was not "
			    "told",
			    fiber_current);
	world.orphaned = 0;
}
