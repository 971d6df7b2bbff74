/* SPDX-License-Identifier: MIT */
#include "sync/savenote.h"

#include <string.h>

#include "os/sys.h"
#include "sync/result.h"
#include "sync/save.h"

static const size_t check_from = offsetof(struct save_record, key);

/* Covers neither the stage nor `changed`, which change alone (SAVE-1). */
uint64_t save_check(const struct save_record *rec)
{
	return hash_bytes(&rec->key, SAVE_HEAD - check_from + rec->path_len,
			  SAVE_MAGIC);
}

struct savefile_sum save_sum(const struct save_record *rec)
{
	return (struct savefile_sum){
		.bytes = rec->bytes,
		.checksum = rec->checksum,
		.device = rec->device,
		.inode = rec->inode,
		.changed = rec->changed,
	};
}

void save_note_file(struct save_record *rec, const struct savefile_sum *sum)
{
	rec->bytes = sum->bytes;
	rec->checksum = sum->checksum;
	rec->device = sum->device;
	rec->inode = sum->inode;
	rec->changed = sum->changed;
	rec->check = save_check(rec);
}

bool save_parse(struct save_record *rec, size_t len)
{
	if (len <= SAVE_HEAD || rec->magic != SAVE_MAGIC ||
	    rec->stage > SFSHM_SAVE_ANNOUNCED || rec->path[0] != '/' ||
	    rec->path_len != len - SAVE_HEAD ||
	    rec->path_len >= SFSHM_SAVE_PATH_MAX ||
	    memchr(rec->path, '\0', rec->path_len) ||
	    rec->check != save_check(rec))
		return false;
	rec->path[rec->path_len] = '\0';
	return true;
}

bool save_is_there(const struct save_record *rec, const char *path)
{
	struct savefile_sum sum = save_sum(rec);

	return savefile_seen(path, &sum);
}

/*
 * Whether the flight that the record names has had no result yet (SAVE-2).
 * Compares the low bits of generations, because a field has only those.
 */
static bool pending(const struct mapping *map, uint32_t slot, uint64_t ctl,
		    uint64_t key, const struct save_record *rec)
{
	struct field value = slot_value(map, slot, ctl);
	uint32_t last = load_relaxed(&value.front->gen);

	if (rec->stage == SFSHM_SAVE_NONE || rec->key != key ||
	    rec->generation > ctl_gen(ctl))
		return false;
	return !ctl_has(ctl) || (int32_t)(rec->generation - last) > 0;
}

bool save_read_note(const struct mapping *map, const struct sighting *seen,
		    uint64_t key, struct save_note *n)
{
	struct field f = slot_other(map, seen->slot, seen->ctl);
	uint32_t len = load_relaxed(&f.back->len);
	uint32_t ref = load_relaxed(&f.back->ref);

	n->written = front_stored(f.front);
	n->ttl_ms = load_relaxed(&f.front->ttl_ms);
	return len < sizeof(n->rec) && arena_is_live(map, seen->slot, ref) &&
	       !arena_read(map, ref, &n->rec, len) &&
	       save_parse(&n->rec, len) &&
	       pending(map, seen->slot, seen->ctl, key, &n->rec);
}

uint32_t save_left(uint32_t ttl_ms, uint64_t linked)
{
	uint64_t now = sys.boot();
	uint64_t age = now > linked ? (now - linked) / NS_PER_MS : 0;

	if (ttl_ms == SFSHM_FOREVER)
		return ttl_ms;
	return age < ttl_ms ? ttl_ms - (uint32_t)age : 0;
}

/*
 * Whether the file is at the path, before it is announced. Until its writer has
 * noted its identity, only the bytes can tell.
 */
static bool is_in_place(const struct save_record *rec, const char *path)
{
	struct savefile_sum sum = save_sum(rec);

	return rec->stage >= SFSHM_SAVE_LINKING &&
	       (savefile_seen(path, &sum) || savefile_found(path, &sum));
}

bool save_give(struct call *c, const struct save_record *rec, uint64_t since)
{
	struct sfshm_buf *value = &c->result->value;
	const struct answer a = {
		.source = c->wait.waited ? SFSHM_AWAITED : SFSHM_CACHED,
		.coordinated = true,
		.generation = rec->generation,
		.now = sys.boot(),
		.stored = since,
	};
	size_t len = SAVE_HEAD + rec->path_len;

	if (buf_reserve(value, len))
		return false;
	result_fill(c->result, &a);
	memcpy(value->data, rec, len);
	value->len = len;
	return true;
}

/*
 * ORDER-S1 pairs ORDER-S2
 * If any byte read was of a later flight, this load sees that flight's claim.
 */
bool save_is_as_seen(const struct mapping *map, const struct sighting *seen)
{
	fence_acquire();
	return load_seq(&map->slots[seen->slot].ctl) == seen->ctl;
}

bool save_serves(struct call *c, const struct sighting *seen, uint64_t end)
{
	const struct mapping *map = c->self->map;
	const struct save *s = c->policy->arg;
	struct save_note n;

	if (!save_read_note(map, seen, c->key.hash, &n) ||
	    !save_is_as_seen(map, seen))
		return false;
	if (s->came >= end &&
	    (c->flags & SFSHM_REFRESH || !save_left(n.ttl_ms, n.written)))
		return false;
	if (!is_in_place(&n.rec, s->file.path[0] ? s->file.path : n.rec.path))
		return false;
	n.rec.stage = SFSHM_SAVE_LINKED;
	return save_give(c, &n.rec, n.written);
}
