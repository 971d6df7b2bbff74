/* SPDX-License-Identifier: MIT */
#include "circle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "processes.h"

/* Longer circles are left to time-outs. */
#define DEPTH_MAX 8
#define LOOKS_FOR_ANY 10

static enum sfshm_kind kind_of(enum run_mode mode)
{
	switch (mode) {
	case RUN_FILED: return SFSHM_KIND_SAVE;
	case RUN_HOLD_LOCK: return SFSHM_KIND_LOCK;
	case RUN_HOLD_PERMIT: return SFSHM_KIND_SEMAPHORE;
	default: return SFSHM_KIND_VALUE;
	}
}

bool circle_wants(const struct options *options,
		  const struct sfshm_slot_info *slot)
{
	return slot->kind == kind_of(options->mode) &&
	       slot->key_len == options->key_len &&
	       !memcmp(slot->key, options->key, slot->key_len);
}

int64_t circle_find_slot(struct sfshm_view *view, const struct options *options)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_slot_info slot = { .size = sizeof(slot) };

	if (sfshm_view_segment(view, &info))
		return -1;
	for (uint32_t i = 0; i < info.slots_used; i++)
		if (!sfshm_view_slot(view, i, &slot) &&
		    circle_wants(options, &slot))
			return i;
	return -1;
}

int circle_open(struct circle_view *v, const struct options *options)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	int r;

	*v = (struct circle_view){ .pid_ns = process_pid_ns() };
	r = sfshm_view_open(&v->view, options->segment, NULL, 0);
	if (!r)
		r = sfshm_view_segment(v->view, &info);
	if (!r)
		v->participants = calloc(info.participants_used + 1u,
					 sizeof(*v->participants));
	if (r || !v->participants) {
		circle_close(v);
		return r ? r : -ENOMEM;
	}
	v->count = info.participants_used;
	for (uint32_t i = 0; i < v->count; i++) {
		v->participants[i].size = sizeof(v->participants[i]);
		if (sfshm_view_participant(v->view, i, &v->participants[i]))
			v->participants[i].alive = 0;
	}
	v->slot = circle_find_slot(v->view, options);
	return 0;
}

void circle_close(struct circle_view *v)
{
	sfshm_view_close(v->view);
	free(v->participants);
}

int circle_holders(const struct circle_view *v, uint32_t index,
		   struct sfshm_slot_info *slot, uint32_t *holders)
{
	int n, kept = 0;

	if (sfshm_view_slot(v->view, index, slot))
		return 0;
	holders[0] = slot->owner - 1;
	n = slot->owner ? 1 : 0;
	/* A thread that takes a lock alone owns it before the sharers go. */
	if (slot->permits)
		n = sfshm_view_permits(v->view, index, holders,
				       SFSHM_PERMITS_MAX);
	for (int i = 0; i < n && i < SFSHM_PERMITS_MAX; i++)
		if (holders[i] < v->count)
			holders[kept++] = holders[i];
	return kept;
}

struct search {
	const struct circle_view *v;
	pid_t caller;
	pid_t highest; /* of the calls that wait */
};

static bool is_near(const struct circle_view *v,
		    const struct sfshm_participant_info *p)
{
	return p->alive && p->pid_ns == v->pid_ns;
}

static bool slot_leads_back(struct search *s, uint32_t index, int depth);

/* Whether the holder waits, by way of its command, for the caller. */
static bool holder_leads_back(struct search *s, pid_t holder, int depth)
{
	if (holder != s->caller && process_descends(s->caller, holder))
		return true;
	for (uint32_t i = 0; i < s->v->count; i++) {
		const struct sfshm_participant_info *p = &s->v->participants[i];

		if (!is_near(s->v, p) || p->waits_for < 0 ||
		    p->pid == s->caller || !process_descends(p->pid, holder) ||
		    !slot_leads_back(s, (uint32_t)p->waits_for, depth + 1))
			continue;
		if (p->pid > s->highest)
			s->highest = p->pid;
		return true;
	}
	return false;
}

static bool slot_leads_back(struct search *s, uint32_t index, int depth)
{
	uint32_t holders[SFSHM_PERMITS_MAX];
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	bool leads = false, any;
	int n;

	if (depth > DEPTH_MAX)
		return false;
	n = circle_holders(s->v, index, &slot, holders);
	any = slot.kind != SFSHM_KIND_SEMAPHORE;
	for (int i = 0; i < n; i++) {
		const struct sfshm_participant_info *p =
			&s->v->participants[holders[i]];

		leads = is_near(s->v, p) && holder_leads_back(s, p->pid, depth);
		if (leads == any)
			break;
	}
	return leads;
}

bool circle_find(const struct circle_view *v, pid_t caller, unsigned looks)
{
	struct search s = { v, caller, caller };

	for (uint32_t i = 0; i < v->count; i++) {
		const struct sfshm_participant_info *p = &v->participants[i];

		if (is_near(v, p) && p->pid == caller && p->waits_for >= 0)
			return slot_leads_back(&s, (uint32_t)p->waits_for, 0) &&
			       (s.highest == caller || looks > LOOKS_FOR_ANY);
	}
	return false;
}
