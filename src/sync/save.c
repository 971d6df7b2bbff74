/* SPDX-License-Identifier: MIT */
#include "sync/save.h"

#include <errno.h>
#include <string.h>

#include "os/killpoint.h"
#include "os/sys.h"

static const size_t head = offsetof(struct save_record, path);
static const size_t check_from = offsetof(struct save_record, key);

/* Covers all but the stage, which changes alone (SAVE-1). */
static uint64_t record_check(const struct save_record *rec)
{
	return hash_bytes(&rec->key, head - check_from + rec->path_len,
			  SAVE_MAGIC);
}

static struct savefile_sum sum_of(const struct save_record *rec)
{
	return (struct savefile_sum){
		.bytes = rec->bytes,
		.checksum = rec->checksum,
		.inode = rec->inode,
	};
}

bool save_parse(struct save_record *rec, size_t len)
{
	if (len <= head || rec->magic != SAVE_MAGIC ||
	    rec->stage > SFSHM_SAVE_ANNOUNCED || rec->path[0] != '/' ||
	    rec->path_len != len - head ||
	    rec->path_len >= SFSHM_SAVE_PATH_MAX ||
	    memchr(rec->path, '\0', rec->path_len) ||
	    rec->check != record_check(rec))
		return false;
	rec->path[rec->path_len] = '\0';
	return true;
}

bool save_is_there(const struct save_record *rec)
{
	struct savefile_sum sum = sum_of(rec);

	return savefile_seen(rec->path, &sum);
}

/*
 * Reads the hidden record, and when it was written. False: there is none, or
 * its writer is writing it.
 */
static bool read_note(const struct mapping *map, uint32_t slot, uint64_t ctl,
		      struct save_record *rec, uint64_t *since)
{
	struct field note = slot_other(map, slot, ctl);
	uint32_t len = load_relaxed(&note.back->len);
	uint32_t ref = load_relaxed(&note.back->ref);

	*since = front_stored(note.front);
	return len < sizeof(*rec) && arena_is_live(map, slot, ref) &&
	       !arena_read(map, ref, rec, len) && save_parse(rec, len);
}

static int write_note(struct save *s, struct peer *p,
		      const struct save_record *rec)
{
	return flight_note(&s->flight, p, rec, (uint32_t)head + rec->path_len);
}

static void fill_record(const struct save *s, struct save_record *rec)
{
	size_t len = strlen(s->file.path);

	memset(rec, 0, head);
	rec->magic = SAVE_MAGIC;
	rec->key = s->key;
	rec->generation = ctl_gen(s->flight.ctl);
	rec->path_len = (uint32_t)len;
	memcpy(rec->path, s->file.path, len);
	rec->check = record_check(rec);
}

int save_reach(struct save *s, struct peer *p, enum sfshm_save_stage stage)
{
	struct save_record rec;
	int r;

	fill_record(s, &rec);
	rec.stage = stage;
	r = write_note(s, p, &rec);
	kill_point(save_noted);
	return r;
}

/*
 * Whether the record is of a writer that never came to an end (SAVE-2). It
 * compares generations by their low bits, as fields have them.
 */
static bool unfinished(const struct save *s, const struct save_record *rec)
{
	const struct flight *f = &s->flight;
	struct field value = slot_value(f->map, f->slot, f->ctl);
	uint32_t last = load_relaxed(&value.front->gen);

	if (rec->stage == SFSHM_SAVE_NONE || rec->key != s->key ||
	    rec->generation >= ctl_gen(f->ctl))
		return false;
	return !ctl_has(f->ctl) || (int32_t)(rec->generation - last) > 0;
}

/* Whether the dead writer's file is young enough for this call. */
static bool serves(struct save *s, uint64_t linked)
{
	uint64_t now = sys.boot();
	uint64_t age = now > linked ? (now - linked) / NS_PER_MS : 0;

	/*
	 * A file that was linked after the call began serves. The time in its
	 * record may be a tick behind, so it may be taken for an older file.
	 */
	if (linked > s->since)
		return true;
	if (s->flags & SFSHM_SAVE_AGAIN)
		return false;
	if (s->ttl_ms == SFSHM_FOREVER)
		return true;
	if (age >= s->ttl_ms)
		return false;
	s->flight.ttl_ms = s->ttl_ms - (uint32_t)age;
	return true;
}

static int announce(struct save *s, struct peer *p, struct save_record *rec)
{
	struct iovec iov = {
		.iov_base = rec,
		.iov_len = head + rec->path_len,
	};

	rec->stage = SFSHM_SAVE_ANNOUNCED;
	return flight_publish(&s->flight, p, &iov, 1);
}

/* Announces a dead writer's file as this flight's result. */
static int adopt(struct save *s, struct peer *p, struct save_record *rec,
		 const struct savefile_sum *sum)
{
	int r;

	rec->generation = ctl_gen(s->flight.ctl);
	rec->inode = sum->inode;
	rec->check = record_check(rec);
	r = announce(s, p, rec);
	if (r)
		return r;
	peer_count(p, COUNT_saves_adopted);
	return SFSHM_CACHED;
}

int save_inherit(struct save *s, struct peer *p, struct save_record *rec)
{
	struct savefile_sum sum;
	uint64_t linked;

	if (!read_note(p->map, s->flight.slot, s->flight.ctl, rec, &linked) ||
	    !unfinished(s, rec))
		return 0;
	sum = sum_of(rec);
	savefile_clear(rec->path, rec->key, rec->generation);
	kill_point(save_cleared);
	if (rec->stage >= SFSHM_SAVE_LINKING && serves(s, linked) &&
	    savefile_found(rec->path, &sum))
		return adopt(s, p, rec, &sum);
	peer_count(p, COUNT_saves_aborted);
	return 0;
}

int save_open(struct save *s, struct peer *p, uint32_t mode)
{
	int r = save_reach(s, p, SFSHM_SAVE_WRITING);

	if (r)
		return r;
	r = savefile_open(&s->file, mode);
	kill_point(save_opened);
	return r;
}

static bool lost(const struct save *s)
{
	const struct flight *f = &s->flight;

	return !f->map || load_seq(&f->map->slots[f->slot].ctl) != f->ctl;
}

/* Ends a save whose reservation ran out and was taken by another writer. */
static int expired(struct save *s, struct peer *p)
{
	savefile_close(&s->file);
	s->open = false;
	peer_count(p, COUNT_saves_expired);
	/* The flight must learn of it and let go of its slot. */
	if (flight_open(&s->flight))
		(void)flight_end_somehow(&s->flight, p, 0, NULL);
	return -ESTALE;
}

/* The file is whole: notes its sum first, and then the stage (SAVE-1). */
static int note_sum(struct save *s, struct peer *p, struct save_record *rec)
{
	struct savefile_sum sum;
	int r = savefile_sum(s->file.fd, &sum);

	if (r)
		return r;
	fill_record(s, rec);
	rec->bytes = sum.bytes;
	rec->checksum = sum.checksum;
	rec->inode = sum.inode;
	rec->check = record_check(rec);
	rec->stage = SFSHM_SAVE_WRITING;
	r = write_note(s, p, rec);
	rec->stage = SFSHM_SAVE_LINKING;
	return r ? r : write_note(s, p, rec);
}

/* Renews the reservation, if it is still this writer's (SAVE-4). */
static int renew(struct save *s)
{
	return s->reserve_ms ? flight_extend(&s->flight, s->reserve_ms) : 0;
}

static int put_in_place(struct save *s, struct peer *p, struct save_record *rec)
{
	bool sync = s->flags & SFSHM_SAVE_SYNC;
	int r = renew(s);

	if (!r && sync)
		r = savefile_sync(&s->file);
	if (!r)
		r = note_sum(s, p, rec);
	if (!r)
		r = renew(s);
	if (r)
		return r;
	kill_point(save_linking);
	r = savefile_link(&s->file);
	if (r)
		return r;
	kill_point(save_linked);
	if (sync)
		r = savefile_sync_folder(&s->file);
	rec->stage = SFSHM_SAVE_LINKED;
	if (!r)
		r = write_note(s, p, rec);
	kill_point(save_told);
	return r;
}

int save_publish(struct save *s, struct peer *p)
{
	bool again = ctl_has(s->flight.ctl);
	struct save_record rec;
	int r = put_in_place(s, p, &rec);

	if (!r)
		r = announce(s, p, &rec);
	if (r && lost(s))
		return expired(s, p);
	if (r)
		return r;
	peer_count(p, again ? COUNT_saves_again : COUNT_saves);
	savefile_close(&s->file);
	s->open = false;
	return 0;
}

/* Removes the file, and then the stage, so that nobody looks for the file. */
static int give_up(struct save *s, struct peer *p)
{
	savefile_close(&s->file);
	kill_point(save_dropped);
	return save_reach(s, p, SFSHM_SAVE_NONE);
}

int save_abort(struct save *s, struct peer *p)
{
	int r = give_up(s, p);

	if (r == -ESTALE)
		return expired(s, p);
	r = flight_end_somehow(&s->flight, p, 0, NULL);
	s->open = false;
	peer_count(p, COUNT_saves_aborted);
	return r;
}

int save_fail(struct save *s, struct peer *p, int code, const char *message)
{
	int r = give_up(s, p);

	if (r == -ESTALE)
		return expired(s, p);
	r = flight_end_somehow(&s->flight, p, code, message);
	s->open = false;
	peer_count(p, COUNT_saves_aborted);
	return r;
}

enum sfshm_save_stage save_stage(struct call *c)
{
	struct peer *p = c->self;
	struct save_record rec;
	struct sighting seen;
	uint64_t since;
	bool noted;
	int r;

	do {
		epoch_enter(p);
		r = table_find(p, &c->key, &seen);
		noted = r == 1 && ctl_busy(seen.ctl) &&
			read_note(p->map, seen.slot, seen.ctl, &rec, &since);
		epoch_leave(p);
	} while (r == -EAGAIN);
	if (!noted || rec.generation != ctl_gen(seen.ctl) ||
	    load_seq(&p->map->slots[seen.slot].ctl) != seen.ctl)
		return SFSHM_SAVE_NONE;
	return (enum sfshm_save_stage)rec.stage;
}
