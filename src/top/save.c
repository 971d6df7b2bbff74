/* SPDX-License-Identifier: MIT */
/*
 * The public calls on saves. They check the arguments, and find the calling
 * thread's peer; sync/save.c does the rest.
 */
#include <sfshm/save.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys.h"
#include "sync/consult.h"
#include "sync/save.h"
#include "top/call.h"

#define ALL_FLAGS (SFSHM_SAVE_TRY | SFSHM_SAVE_AGAIN | SFSHM_SAVE_SYNC)

/* Copies the record from a result; false: the record is damaged. */
static bool record_of(const struct sfshm_result *result,
		      struct save_record *rec)
{
	if (result->value.len >= sizeof(*rec))
		return false;
	memcpy(rec, result->value.data, result->value.len);
	return save_parse(rec, result->value.len);
}

/* The policy's `fresh`: the recorded file must be at the caller's path. */
static int still_there(const struct sfshm_result *result, void *save)
{
	struct save *s = save;
	struct save_record rec;

	s->missing = !record_of(result, &rec) ||
		     !save_is_there(&rec, s->file.path);
	return !s->missing;
}

static void tell(struct sfshm_save_info *info, const struct save_record *rec)
{
	info->bytes = rec->bytes;
	info->checksum = rec->checksum;
	info->generation = rec->generation;
	info->stage = (int32_t)rec->stage;
	memcpy(info->path, rec->path, rec->path_len + 1);
}

static void tell_failure(struct sfshm_save_info *info,
			 const struct sfshm_result *result)
{
	info->generation = result->generation;
	info->code = result->code;
	memcpy(info->message, result->message, sizeof(info->message));
}

static bool good_options(const struct sfshm_save_options *o)
{
	return !(o->flags & ~(uint32_t)ALL_FLAGS) &&
	       !(o->mode & ~(uint32_t)07777) &&
	       (!o->semaphore || o->semaphore_len);
}

static struct sfshm_policy policy_of(const struct sfshm_save_options *o,
				     struct save *s)
{
	return (struct sfshm_policy){
		.size = sizeof(struct sfshm_policy),
		.flags = SFSHM_KEEP |
			 (o->flags & SFSHM_SAVE_TRY ? SFSHM_TRY : 0u) |
			 (o->flags & SFSHM_SAVE_AGAIN ? SFSHM_REFRESH : 0u),
		.ttl_ms = o->ttl_ms,
		.deadline_ns = s->deadline,
		.cancel = o->cancel,
		/* With a semaphore, acquire() starts the lease. */
		.lock_age_ms = o->semaphore ? 0 : o->reserve_ms,
		.fresh = still_there,
		.arg = s,
	};
}

/*
 * Takes the permit, if the save needs one, and then starts the reservation's
 * lease. The reservation comes before the permit, so that callers that wait for
 * the same file take no permits from writers of other files.
 */
static int acquire(struct save *s, struct sfshm *h,
		   const struct sfshm_save_options *o)
{
	const struct sfshm_semaphore_options how = {
		.size = sizeof(how),
		.flags = o->flags & SFSHM_SAVE_TRY ? SFSHM_SEMAPHORE_TRY : 0u,
		.deadline_ns = s->deadline,
		.cancel = o->cancel,
	};
	int r;

	if (!o->semaphore)
		return 0;
	r = sfshm_acquire(h, o->semaphore, o->semaphore_len, &how, &s->permit);
	s->flight.lock_age_ms = o->reserve_ms;
	return r || !o->reserve_ms ? r :
				     flight_extend(&s->flight, o->reserve_ms);
}

/*
 * If the save has ended, releases its permit. Returns `r`; but -ESHUTDOWN if
 * the save ended as asked and another caller may have written the file, too.
 */
static int ended(struct save *s, int r)
{
	if (!s->open)
		(void)sfshm_permit_release(&s->permit);
	return !s->open && !r && s->flight.doubtful ? -ESHUTDOWN : r;
}

/*
 * Makes this thread, which has the reservation, the writer: takes the permit
 * and opens the temporary file. Returns SFSHM_CACHED if it announced a dead
 * writer's file instead.
 */
static int lead(struct save *s, struct sfshm *h,
		const struct sfshm_save_options *o,
		struct sfshm_save_info *info)
{
	struct peer *p = peer_attached(s->flight.map, s->flight.serial);
	struct save_record rec;
	int r;

	if (!p)
		return -EBADF;
	r = save_inherit(s, p, &rec);
	if (r == SFSHM_CACHED && !flight_open(&s->flight)) {
		tell(info, &rec);
		info->adopted = 1;
		return r;
	}
	if (!r)
		r = save_reach(s, p, SFSHM_SAVE_RESERVED);
	if (!r)
		r = acquire(s, h, o);
	if (!r)
		r = save_reach(s, p, SFSHM_SAVE_ACQUIRED);
	if (!r)
		r = save_open(s, p, o->mode ? o->mode : 0600);
	/* sfshm_release_all() leaves saves alone, but renews p->life. */
	s->flight.life = p->born;
	if (!r)
		return SFSHM_LEADER;
	(void)save_abort(s, p);
	return ended(s, r);
}

static int begin_once(struct sfshm *h, const void *key, size_t len,
		      const struct sfshm_save_options *o, struct save *s,
		      struct sfshm_save_info *info)
{
	struct sfshm_policy policy = policy_of(o, s);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct save_record rec;
	struct mapping *map;
	int r = call_begin(h, SHM_SAVE, key, len, &policy, &s->flight, &result);

	if (r == SFSHM_LEADER) {
		map = s->flight.map;
		s->key = key_make(map, SHM_SAVE, key, len).hash;
		s->file.key = s->key;
		s->file.generation = ctl_gen(s->flight.ctl);
		info->owner_died = result.owner_died;
		r = lead(s, h, o, info);
	} else if (r >= 0 && !record_of(&result, &rec)) {
		r = -EBADMSG;
	} else if (r >= 0) {
		tell(info, &rec);
		memcpy(info->path, s->file.path, sizeof(info->path));
		info->age_ns = result.age_ns;
	} else if (r == -EREMOTEIO || r == -ENOENT) {
		tell_failure(info, &result);
	}
	sfshm_result_clear(&result);
	return r;
}

/* Counts a save whose file was there already. */
static void count_present(const struct sfshm *h)
{
	struct peer *p = peer_if_current(load_acquire(&h->map));

	if (p)
		peer_count(p, COUNT_saves_present);
}

static int begin(struct sfshm *h, const void *key, size_t len, const char *path,
		 const struct sfshm_save_options *o, struct save *s,
		 struct sfshm_save_info *info)
{
	int r = savefile_path(&s->file, path);

	if (r)
		return r;
	s->file.fd = -1;
	s->since = sys.boot();
	s->came = sys.now();
	/* One deadline for all waits of the call, in each segment. */
	s->deadline = call_deadline(o->wait_timeout_ms, o->deadline_ns);
	s->flags = o->flags;
	s->ttl_ms = o->ttl_ms;
	s->reserve_ms = o->reserve_ms;
	do
		r = begin_once(h, key, len, o, s, info);
	while (r == -ESTALE);
	if (r == SFSHM_LEADER) {
		s->open = true;
		return r;
	}
	savefile_close(&s->file);
	if (r >= 0)
		count_present(h);
	return r;
}

int sfshm_save_begin(struct sfshm *handle, const void *key, size_t key_len,
		     const char *path, const struct sfshm_save_options *options,
		     struct sfshm_save *save, struct sfshm_save_info *info)
{
	static const struct sfshm_save_options none = SFSHM_SAVE_OPTIONS_INIT;
	struct sfshm_save_options own;
	struct sfshm_save_info told = { 0 };
	int r;

	if (!save)
		return -EINVAL;
	memset(save, 0, sizeof(*save));
	options = options ? options : &none;
	r = sized_adopt(&options, &own);
	if (r)
		return r;
	if (!path || !good_options(options) ||
	    (info && !sized_is_valid(info, sizeof(told))))
		return -EINVAL;
	r = begin(handle, key, key_len, path, options, save_of(save), &told);
	if (info)
		sized_write(info, &told, sizeof(told));
	return r;
}

int sfshm_save_fd(const struct sfshm_save *save)
{
	const struct save *s = save_of(save);

	return s && s->open ? s->file.fd : -EBADF;
}

struct sfshm_flight *sfshm_save_flight(struct sfshm_save *save)
{
	return &save_of(save)->handle;
}

/*
 * Finds the calling thread's peer before the thread ends the save. Notes in
 * s->flight.doubtful whether another caller may have written the file, too.
 * Returns 0, or an error if this thread is not the writer.
 */
static int writer(struct sfshm_save *save, struct peer **out)
{
	struct save *s = save_of(save);

	if (!s)
		return -EINVAL;
	if (!s->open)
		return -ESTALE;
	if (s->flight.cookie != process_cookie())
		return -ECHILD;
	*out = peer_of_birth(s->flight.life);
	if (!*out)
		return -EPERM;
	s->flight.doubtful = flight_is_doubtful(s->flight.map, s->flight.slot,
						s->flight.ctl);
	handle_warn_newcomers(s->flight.map);
	return 0;
}

int sfshm_save_publish(struct sfshm_save *save)
{
	int state = uncancelled_begin();
	struct peer *p;
	int r = writer(save, &p);

	if (!r)
		r = ended(save_of(save), save_publish(save_of(save), p));
	uncancelled_end(state);
	return r;
}

int sfshm_save_abort(struct sfshm_save *save)
{
	int state = uncancelled_begin();
	struct peer *p;
	int r = writer(save, &p);

	if (!r)
		r = ended(save_of(save), save_abort(save_of(save), p));
	uncancelled_end(state);
	return r;
}

int sfshm_save_fail(struct sfshm_save *save, int code, const char *message)
{
	int state = uncancelled_begin();
	struct peer *p;
	int r = flight_may_fail_with(code) ? writer(save, &p) : -EINVAL;

	if (!r)
		r = ended(save_of(save),
			  save_fail(save_of(save), p, code, message));
	uncancelled_end(state);
	return r;
}

void sfshm_save_cleanup(struct sfshm_save *save)
{
	if (save && save_of(save)->open)
		(void)sfshm_save_abort(save);
}

/*
 * The policy under which sfshm_save_get() announces a dead writer's file. Its
 * lease limits how long other callers wait for this process if this process is
 * stopped.
 */
static struct sfshm_policy policy_of_get(struct save *s)
{
	return (struct sfshm_policy){
		.size = sizeof(struct sfshm_policy),
		.flags = SFSHM_KEEP,
		.lock_age_ms = 1000,
		.arg = s,
	};
}

/* Looks for the record of a file that is there. SFSHM_CACHED or an error. */
static int find_announced(struct call *c)
{
	struct save_record rec;
	int r = flight_peek(c);

	if (r != SFSHM_CACHED)
		return r;
	if (!record_of(c->result, &rec))
		return -EBADMSG;
	return save_is_there(&rec, rec.path) ? r : -ENODATA;
}

/* Looks once. MOVED: the segment has a successor now. */
static int get_once(struct sfshm *h, const void *key, size_t len,
		    struct save *s, struct sfshm_result *result)
{
	const struct sfshm_policy policy = policy_of_get(s);
	struct call c;
	int r = call_start(&c, h, SHM_SAVE, key, len, &policy, result);

	if (!r)
		r = find_announced(&c);
	if (r == -ENODATA)
		r = save_find(&c);
	if (r == -ENODATA && s->stage == SFSHM_SAVE_NONE)
		r = flight_consult(&c, save_find);
	return r;
}

int sfshm_save_get(struct sfshm *handle, const void *key, size_t key_len,
		   struct sfshm_save_info *info)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_save_info told = { 0 };
	struct save_record rec;
	struct save s;
	int r;

	if (!sized_is_valid(info, sizeof(told)))
		return -EINVAL;
	memset(&s, 0, sizeof(s));
	s.since = sys.boot();
	s.came = sys.now();
	do
		r = get_once(handle, key, key_len, &s, &result);
	while (r == MOVED);
	if (r == SFSHM_CACHED && record_of(&result, &rec)) {
		tell(&told, &rec);
		told.age_ns = result.age_ns;
		told.adopted = told.owner_died = s.adopted;
	} else if (r == -ENODATA) {
		told.stage = (int32_t)s.stage;
	} else if (r == -EREMOTEIO || r == -ENOENT) {
		tell_failure(&told, &result);
	}
	sfshm_result_clear(&result);
	sized_write(info, &told, sizeof(told));
	return r;
}
