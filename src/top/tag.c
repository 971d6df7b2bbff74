/* SPDX-License-Identifier: MIT */
/* The public calls on tags. */
#include <sfshm/tag.h>

#include <errno.h>

#include "top/call.h"

static_assert(SFSHM_TAGS_MAX == SHM_TAGS, "tags");

int sfshm_flight_tag(struct sfshm_flight *flight, const void *tag, size_t len)
{
	struct flight *f = flight_of(flight);

	if (!f || !tag || !len)
		return -EINVAL;
	return flight_open(f) ?
		       tagging_add(&f->tagging, tagging_hash(tag, len)) :
		       -ESTALE;
}

int sfshm_invalidate_tag(struct sfshm *h, const void *tag, size_t len)
{
	struct peer *p;
	int r;

	if (!tag || !len)
		return -EINVAL;
	do {
		r = handle_enter_newest(h, &p);
		if (!r)
			r = flight_invalidate_tag(p, tagging_hash(tag, len));
	} while (r == MOVED);
	return r;
}
