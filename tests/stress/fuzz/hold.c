/* SPDX-License-Identifier: MIT */
#include "hold.h"

#include <sfshm/lock.h>

#include "answer.h"
#include "keys.h"
#include "lane.h"

#define HOLDS 4

static struct {
	struct sfshm_lock lock;
	bool held, second;
} holds[HOLDS];

void hold_lock(struct sfshm *handle, const struct input_step *s)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct key key = key_of(s->at % 8);
	int i = s->off % HOLDS;

	if (holds[i].held)
		return;
	o.flags = s->arg &
		  (SFSHM_LOCK_TRY | SFSHM_LOCK_OWN_IS_BUSY | SFSHM_LOCK_SHARED);
	o.wait_timeout_ms = s->value % 300 + 1;
	holds[i].held = checked(sfshm_lock(handle, key.bytes, key.len, &o,
					   &holds[i].lock)) >= 0;
	holds[i].second = lane_is_second();
}

void hold_unlock(const struct input_step *s)
{
	int i = s->at % HOLDS;

	if (!holds[i].held || holds[i].second != lane_is_second())
		return;
	checked(sfshm_unlock(&holds[i].lock));
	holds[i].held = false;
}

void hold_end(bool give_back)
{
	for (struct input_step s = { 0 }; s.at < HOLDS; s.at++) {
		if (give_back)
			hold_unlock(&s);
		holds[s.at].held = false;
	}
}
