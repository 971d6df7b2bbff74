/* SPDX-License-Identifier: MIT */
#include "sync/save.h"

#include <errno.h>
#include <string.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "sync/lead.h"
#include "sync/leader.h"
#include "sync/result.h"

static int write_note(struct save *s, struct peer *p,
		      const struct save_record *rec)
{
	return flight_note(&s->flight, p, rec,
			   (uint32_t)SAVE_HEAD + rec->path_len);
}

static void fill_record(const struct save *s, struct save_record *rec)
{
	size_t len = strlen(s->file.path);

	memset(rec, 0, SAVE_HEAD);
	rec->magic = SAVE_MAGIC;
	rec->key = s->key;
	rec->generation = ctl_gen(s->flight.ctl);
	rec->path_len = (uint32_t)len;
	memcpy(rec->path, s->file.path, len);
	rec->check = save_check(rec);
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
 * Whether the dead writer's file is young enough for this call. If it is so
 * only because its lifetime is not over, the flight gets the rest of that
 * lifetime.
 */
static bool is_young(struct save *s, uint64_t linked)
{
	uint32_t left = save_left(s->ttl_ms, linked);

	/*
	 * A file that was linked after the call began serves. The time in its
	 * record may be a tick early, so such a file may pass for an older one.
	 */
	if (linked > s->since)
		return true;
	if (s->flags & SFSHM_SAVE_AGAIN || !left)
		return false;
	s->flight.ttl_ms = left;
	return true;
}

static int announce(struct save *s, struct peer *p, struct save_record *rec)
{
	struct iovec iov = {
		.iov_base = rec,
		.iov_len = SAVE_HEAD + rec->path_len,
	};

	rec->stage = SFSHM_SAVE_ANNOUNCED;
	return flight_publish(&s->flight, p, &iov, 1);
}

/* Announces a dead writer's file as this flight's result. */
static int adopt(struct save *s, struct peer *p, struct save_record *rec,
		 const struct savefile_sum *sum)
{
	int r;

	save_note_file(rec, sum);
	r = announce(s, p, rec);
	if (r)
		return r;
	peer_count(p, COUNT_saves_adopted);
	return SFSHM_CACHED;
}

int save_inherit(struct save *s, struct peer *p, struct save_record *rec)
{
	const struct sighting mine = { s->flight.slot, s->flight.ctl };
	struct savefile_sum sum;
	struct save_note n;

	if (!save_read_note(p->map, &mine, s->key, &n))
		return 0;
	*rec = n.rec;
	sum = save_sum(rec);
	savefile_clear(rec->path, rec->key, rec->generation);
	kill_point(save_cleared);
	if (rec->stage >= SFSHM_SAVE_LINKING && is_young(s, n.written) &&
	    !strcmp(rec->path, s->file.path) && savefile_found(rec->path, &sum))
		return adopt(s, p, rec, &sum);
	peer_count(p, COUNT_saves_died);
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

	return !f->map || !flight_stands(f);
}

/* Ends a save whose writer has lost the flight: its reservation had run out. */
static int expired(struct save *s, struct peer *p)
{
	savefile_close(&s->file);
	s->open = false;
	peer_count(p, COUNT_saves_expired);
	/* End the flight as well, so that it lets go of its slot. */
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
	/* The link changes the file's time of change. */
	sum.changed = 0;
	save_note_file(rec, &sum);
	rec->stage = SFSHM_SAVE_WRITING;
	r = write_note(s, p, rec);
	rec->stage = SFSHM_SAVE_LINKING;
	return r ? r : write_note(s, p, rec);
}

/* The file is under its path: notes its time of change, and the stage. */
static int note_link(struct save *s, struct peer *p, struct save_record *rec)
{
	struct savefile_sum which;
	int r = savefile_look(s->file.fd, &which);

	rec->changed = which.changed;
	rec->stage = SFSHM_SAVE_LINKED;
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
	/*
	 * A writer that has lost the flight must leave the next writer's
	 * passing name alone.
	 */
	if (r == -EEXIST && !lost(s)) {
		savefile_make_way(&s->file);
		r = savefile_link(&s->file);
	}
	if (r)
		return r;
	kill_point(save_linked);
	if (sync)
		r = savefile_sync_folder(&s->file);
	if (!r)
		r = note_link(s, p, rec);
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
	peer_count(p, !again     ? COUNT_saves :
		      s->missing ? COUNT_saves_missing :
				   COUNT_saves_again);
	savefile_close(&s->file);
	s->open = false;
	return 0;
}

/* Removes the file, and then the stage, so that nobody looks for the file. */
static int give_up(struct save *s, struct peer *p)
{
	savefile_close(&s->file);
	kill_point(save_dropped);
	return flight_open(&s->flight) ? save_reach(s, p, SFSHM_SAVE_NONE) :
					 -ESTALE;
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
	peer_count(p, COUNT_saves_failed);
	return r;
}

/*
 * Announces a dead writer's file whose slot is at rest. Reads the file before
 * it claims the slot, so that no caller waits for the read.
 */
static int announce_late(struct call *c, struct sighting *seen,
			 struct save_note *n)
{
	struct save *s = c->policy->arg;
	struct savefile_sum sum = save_sum(&n->rec);
	struct peer *p = c->self;
	uint32_t left = save_left(n->ttl_ms, n->written);
	int r;

	if (c->resize.asker || !left || !savefile_found(n->rec.path, &sum))
		return -ENODATA;
	r = flight_claim_as(p, seen, c->lease_or_rank, sys.coarse(), false);
	if (r != SFSHM_LEADER)
		return r;
	if (!flight_confirm(p, seen))
		return MOVED;
	flight_lead(p, c->policy, seen, &s->flight);
	s->flight.ttl_ms = left;
	r = adopt(s, p, &n->rec, &sum);
	if (flight_open(&s->flight))
		(void)flight_release(&s->flight, p);
	if (r != SFSHM_CACHED)
		return r == -ESTALE ? AGAIN : r;
	s->adopted = true;
	return save_give(c, &n->rec, n->written) ? r : -ENOMEM;
}

/* Looks for the key's hidden record. Returns 1, 0 or an error. */
static int find_note(struct call *c, struct sighting *seen, struct save_note *n)
{
	struct peer *p = c->self;
	bool noted;
	int r;

	do {
		epoch_enter(p);
		r = table_find(p, &c->key, seen);
		noted = r == 1 &&
			(ctl_busy(seen->ctl) || ctl_at_rest(seen->ctl)) &&
			save_read_note(p->map, seen, c->key.hash, n);
		epoch_leave(p);
	} while (r == -EAGAIN || (noted && !save_is_as_seen(p->map, seen)));
	return r < 0 ? r : noted;
}

static int find_once(struct call *c)
{
	struct save *s = c->policy->arg;
	struct sighting seen;
	struct shm_participant *rec;
	struct save_note n;
	uint64_t end;
	uint32_t word;
	int r = find_note(c, &seen, &n);

	s->stage = SFSHM_SAVE_NONE;
	if (r <= 0)
		return r ? r : -ENODATA;
	if (!ctl_busy(seen.ctl))
		return n.rec.stage < SFSHM_SAVE_LINKING ?
			       -ENODATA :
			       announce_late(c, &seen, &n);
	s->stage = (enum sfshm_save_stage)n.rec.stage;
	if (s->stage < SFSHM_SAVE_LINKING)
		return -ENODATA;
	if (flight_reap_leader(c->self, seen.ctl))
		return AGAIN;
	rec = participant_at(c->self->map, ctl_owner(seen.ctl) - 1);
	if (!rec)
		return -EBADMSG;
	if (leader_look(c, &seen, rec, sys.now(), &word, &end) !=
		    LEADER_OVERDUE ||
	    !save_serves(c, &seen, end))
		return -ENODATA;
	return SFSHM_CACHED;
}

int save_find(struct call *c)
{
	for (int n = 0; n < LOOK_MOST_TRIES; n++) {
		int r = find_once(c);

		if (r != AGAIN)
			return r;
	}
	peer_count(c->self, COUNT_corrupt);
	return -EBADMSG;
}
