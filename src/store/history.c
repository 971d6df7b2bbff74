/* SPDX-License-Identifier: MIT */
#include "store/history.h"

#include "os/sys.h"

void history_rare(struct peer *p, enum shm_event_kind kind, uint32_t slot,
		  uint32_t hash, uint64_t gen, uint32_t value)
{
	struct shm_participant *rec = p->record;

	history_write(&rec->rare[0], SHM_RARE, &rec->rare_noted,
		      (struct shm_event){
			      .when = sys.coarse(),
			      .what = (gen & HISTORY_GEN) |
				      (uint64_t)kind << HISTORY_KIND,
			      .where = (uint64_t)hash << 32 | slot,
			      .who = history_who(rec, value),
		      });
}

void history_evicted(struct peer *p, uint32_t slot, uint32_t hash, uint64_t gen)
{
	p->evicted++;
	if (p->evicted_noted && p->tick - p->evicted_noted < NS_PER_S)
		return;
	history_rare(p, EVENT_evicted, slot, hash, gen, p->evicted);
	p->evicted = 0;
	p->evicted_noted = p->tick;
}

uint32_t history_process(const struct peer *p, uint32_t id)
{
	const struct shm_participant *rec = participant_at(p->map, id - 1);

	if (id == p->id && p->dead_pid)
		return (uint32_t)p->dead_pid;
	return rec ? (uint32_t)load_relaxed(&rec->pid) : 0;
}
