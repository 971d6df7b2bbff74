/* SPDX-License-Identifier: MIT */
/*
 * A slot that was stolen from its leader is used again only after a grace
 * period that began when the slot had left its chain, even if a participant
 * dies or stops between the steal and that moment.
 */
#include <signal.h>

#include "agent.h"
#include "store/slot.h"
#include "top/handle.h"
#include "watch.h"

static const struct sfshm_options tiny = { .slots = 8, .bytes = 64 << 10 };

static struct sfshm *handle;
static struct peer *self;

/* A leader of "key", past its age, whom a thief stole the key from and died. */
static struct agent *stolen_from(uint32_t *slot)
{
	struct agent *old = agent_start(), *thief = agent_start();
	struct sfshm_slot_info info;

	agent_expect(old, "leader", "begin key age=1");
	assert_true(watch_key("key", &info));
	*slot = info.index;
	agent_expect(thief, "ok", "arm retire_decided 1 KILL");
	agent_say(thief, "begin key age=1");
	assert_true(WIFSIGNALED(agent_gone(thief)));
	assert_int_equal(ctl_phase(load_seq(&self->map->slots[*slot].ctl)),
			 PHASE_RETIRED);
	return old;
}

static uint64_t word_of(uint32_t slot)
{
	return load_seq(&self->map->slots[slot].ctl);
}

static bool grace_over(uint32_t slot)
{
	return slot_grace_over(self->map, slot, word_of(slot));
}

static void advance(int steps)
{
	uint64_t to = load_acquire(&self->map->header->epoch) + (uint64_t)steps;

	assert_true(eventually(epoch_advance(self) &&
			       load_acquire(&self->map->header->epoch) >= to));
}

/* The slot is in limbo, and its grace period has just begun. */
static void assert_grace_begins(uint32_t slot)
{
	assert_int_equal(ctl_phase(word_of(slot)), PHASE_LIMBO);
	assert_int_equal(ctl_owner(word_of(slot)), 0);
	assert_false(grace_over(slot));
	advance(2);
	assert_true(grace_over(slot));
}

static void begin(void)
{
	handle = segment_open(&tiny);
	assert_int_equal(handle_enter(handle, &self), 0);
	/* No reader is expelled for being slow. */
	store_relaxed(&self->map->header->epoch_since, UINT64_MAX);
}

static void end(void)
{
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

/* The old leader lets go of a slot that is still in its chain, and dies. */
static void when_its_leader_dies_before_the_unlink(void **state)
{
	struct agent *old;
	uint32_t slot;

	(void)state;
	begin();
	old = stolen_from(&slot);
	agent_expect(old, "ok", "arm retire_marked 1 KILL");
	agent_say(old, "publish late");
	assert_true(WIFSIGNALED(agent_gone(old)));
	assert_int_equal(ctl_owner(word_of(slot)), 0);
	advance(3);
	/* A reader that enters here may find the slot, and stand on it. */
	slot_unlink(self, slot, word_of(slot));
	assert_grace_begins(slot);
	end();
}

/* Others take the slot out of its chain while it is the old leader's. */
static void when_its_leader_comes_late(void **state)
{
	struct agent *old;
	uint32_t slot;

	(void)state;
	begin();
	old = stolen_from(&slot);
	slot_unlink(self, slot, word_of(slot));
	assert_int_equal(ctl_phase(word_of(slot)), PHASE_LIMBO);
	advance(3);
	assert_false(grace_over(slot));
	agent_expect(old, "-ESTALE", "publish late");
	assert_grace_begins(slot);
	end();
}

/* ... and the old leader dies with its stamp in place. */
static void when_its_leader_dies_as_it_lets_go(void **state)
{
	struct agent *old;
	uint32_t slot;

	(void)state;
	begin();
	old = stolen_from(&slot);
	slot_unlink(self, slot, word_of(slot));
	agent_expect(old, "ok", "arm yield_stamped 1 KILL");
	agent_say(old, "publish late");
	assert_true(WIFSIGNALED(agent_gone(old)));
	advance(3);
	assert_false(grace_over(slot));
	assert_int_equal(peer_reap_all(self->map), 2);
	assert_grace_begins(slot);
	end();
}

/* A hard invalidation takes the slot as a steal does. */
static void when_it_was_invalidated(void **state)
{
	struct agent *old;
	struct sfshm_slot_info info;

	(void)state;
	begin();
	old = agent_start();
	agent_expect(old, "leader", "begin key");
	assert_true(watch_key("key", &info));
	assert_int_equal(sfshm_invalidate(handle, "key", 3, SFSHM_HARD), 0);
	advance(3);
	assert_false(grace_over(info.index));
	agent_expect(old, "-ESTALE", "release");
	assert_grace_begins(info.index);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(when_its_leader_dies_before_the_unlink),
		in_segment(when_its_leader_comes_late),
		in_segment(when_its_leader_dies_as_it_lets_go),
		in_segment(when_it_was_invalidated),
	};

	return test_main(tests);
}
