/* SPDX-License-Identifier: MIT */
/*
 * Shared handles: one for each name in a process, from its first use to the
 * process's end.
 *
 *  SHARED-1. An entry is complete before it is linked, and is never changed or
 *      unlinked. So a look-up takes no lock, a thread may stop in it for ever,
 *      and a child that is forked meanwhile finds each entry whole.
 *  SHARED-2. Entries are linked with handle_lock held, after a look for the
 *      name: no name has two entries. A thread that finds an entry of another
 *      thread there discards its own handle, which nobody has seen.
 *
 *   found        options          the call
 *   no entry     valid            opens a handle; links or discards it
 *   no entry     refused          opens nothing; links nothing
 *   an entry     NULL, or same    returns its handle
 *   an entry     another wish     refuses
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/segment.h>

#include "os/hash.h"
#include "segment/geometry.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/succession.h"

#define BUCKETS 64

struct entry {
	struct sfshm *handle;
	struct entry *next;
	struct sfshm_options first; /* of the first caller, as it passed them */
	struct sfshm_options options; /* whole() of the first caller's */
	size_t len;                   /* of the name */
	char name[];
};

static struct entry *table[BUCKETS];

/* Whether two callers passed the same bytes, as they usually do. */
static bool same_bytes(const struct sfshm_options *a,
		       const struct sfshm_options *b)
{
	const size_t at = offsetof(struct sfshm_options, flags);
	const size_t end =
		offsetof(struct sfshm_options, group) + sizeof(a->group);

	return !memcmp((const char *)a + at, (const char *)b + at, end - at);
}

static struct entry **chain_of(const char *name, size_t len)
{
	return &table[hash_bytes(name, len, 0) % BUCKETS];
}

/* SHARED-1: takes no lock. */
static struct entry *find(const char *name, size_t len)
{
	/* ORDER-H5 pairs ORDER-H6 */
	struct entry *e = load_acquire(chain_of(name, len));

	while (e && (e->len != len || memcmp(e->name, name, len)))
		e = e->next;
	return e;
}

/* Copies the fields that count, with their defaults filled in. */
static struct sfshm_options whole(const struct sfshm_options *o)
{
	struct sfshm_options all;

	memset(&all, 0, sizeof(all));
	all.size = sizeof(all);
	all.flags = o->flags | SFSHM_FOLLOW_FORK;
	all.slots = o->slots;
	all.participants = o->participants;
	all.max_value = o->max_value;
	all.bytes = o->bytes;
	all.mode = o->mode ? o->mode : 0600;
	all.owner = o->flags & SFSHM_SET_OWNER ? o->owner : 0;
	all.group = o->flags & SFSHM_SET_GROUP ? o->group : 0;
	return all;
}

static bool same_shape(const struct sfshm_options *a,
		       const struct sfshm_options *b)
{
	struct shm_geometry left, right;

	return !geometry_choose(&left, a) && !geometry_choose(&right, b) &&
	       !memcmp(&left, &right, sizeof(left));
}

/* Whether the caller asks for what the first one asked for. */
static bool agrees(const struct entry *e, const struct sfshm_options *o)
{
	struct sfshm_options wish = whole(o);

	return wish.flags == e->options.flags && wish.mode == e->options.mode &&
	       wish.owner == e->options.owner &&
	       wish.group == e->options.group && same_shape(&wish, &e->options);
}

static struct sfshm *refuse(const struct sfshm_options *o, const char *why)
{
	options_explain(o, "%s", why);
	return NULL;
}

static struct sfshm *take(const struct entry *e, const struct sfshm_options *o)
{
	if (!o || same_bytes(o, &e->first) || agrees(e, o))
		return e->handle;
	return refuse(o, "another caller in this process has the shared handle "
			 "with other options; pass the same ones, or none");
}

/*
 * SHARED-2: links the entry unless the name has one. Returns the name's entry.
 */
static struct entry *link_first(struct entry *mine)
{
	struct entry **at = chain_of(mine->name, mine->len), *e;
	int state = uncancelled_begin();

	pthread_mutex_lock(&handle_lock);
	e = find(mine->name, mine->len);
	if (!e) {
		mine->next = *at;
		/* ORDER-H6 pairs ORDER-H5 */
		store_release(at, mine);
	}
	pthread_mutex_unlock(&handle_lock);
	uncancelled_end(state);
	return e ? e : mine;
}

static struct sfshm *open_first(struct entry *mine,
				const struct sfshm_options *o)
{
	struct sfshm_options wish = mine->options;
	struct sfshm *opened = NULL;
	struct entry *e;

	if (o) {
		wish.why = o->why;
		wish.why_size = o->why_size;
	}
	if (sfshm_open(&opened, mine->name, &wish)) {
		free(mine);
		return NULL;
	}
	mine->handle = opened;
	opened->shared = true;
	if (wish.flags & SFSHM_CREATE)
		opened->anew = &mine->options;
	e = link_first(mine);
	if (e == mine)
		return opened;
	handle_discard(opened);
	free(mine);
	return take(e, o);
}

static struct sfshm *first(const char *name, size_t len,
			   const struct sfshm_options *o)
{
	static const struct sfshm_options none = {
		.size = sizeof(none),
	};
	struct entry *mine = malloc(sizeof(*mine) + len + 1);

	if (!mine)
		return refuse(o, "there is no memory for a shared handle");
	mine->first = o ? *o : none;
	mine->options = whole(&mine->first);
	mine->len = len;
	memcpy(mine->name, name, len + 1);
	return open_first(mine, o);
}

struct sfshm *sfshm_shared(const char *name, const struct sfshm_options *o)
{
	struct sfshm_options own;
	struct entry *e;
	size_t len;

	name = name ? name : "default";
	len = strlen(name);
	e = find(name, len);
	if (o && sized_adopt_options(&o, &own))
		return NULL;
	if (likely(e))
		return take(e, o);
	if (o && (o->flags & SFSHM_EXCLUSIVE))
		return refuse(o, "a shared handle cannot be exclusive; open "
				 "the segment by sfshm_open()");
	return first(name, len, o);
}
