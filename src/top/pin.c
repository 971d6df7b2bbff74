/* SPDX-License-Identifier: MIT */
#include <sfshm/pin.h>

#include <errno.h>
#include <string.h>

#include "os/overlay.h"
#include "store/pin.h"
#include "sync/flight.h"
#include "top/call.h"

struct pin {
	struct mapping *map;
	uint64_t life; /* identifies the holder's attached thread */
	uint64_t len;
	uint32_t ref;
	int32_t place; /* index in the record's pins[]; -1: an empty value */
	uint32_t held;
	uint32_t skip; /* bytes of tags in the chain, before the value */
} overlay;
OVERLAY_FITS(struct pin, struct sfshm_pin);

static struct pin *pin_of(const struct sfshm_pin *pin)
{
	return (struct pin *)(uintptr_t)pin;
}

int sfshm_pin(struct sfshm *h, const void *key, size_t key_len,
	      struct sfshm_pin *pin, struct sfshm_result *result)
{
	struct pin *pn = pin_of(pin);
	struct call c;
	int r;

	if (!pin)
		return -EINVAL;
	memset(pin, 0, sizeof(*pin));
	do {
		r = call_start(&c, h, SHM_VALUE, key, key_len, NULL, result);
		if (r)
			return r;
		c.pin = &pn->ref;
		c.pin_place = -1;
		r = flight_peek(&c);
	} while (r == MOVED);
	if (r == -EREMOTEIO || r == -ENOENT)
		return -ENODATA;
	if (r)
		return r;
	pn->map = c.self->map;
	pn->life = c.self->life;
	pn->len = result->value.len;
	pn->place = c.pin_place;
	pn->skip = c.skip;
	pn->held = 1;
	return SFSHM_CACHED;
}

/* The calling thread's peer, if that thread took the pin and still holds it. */
static struct peer *holder(const struct pin *pn)
{
	return pn->held ? peer_of(pn->life) : NULL;
}

int sfshm_pin_iov(const struct sfshm_pin *pin, uint64_t offset,
		  struct iovec *iov, int max)
{
	const struct pin *pn = pin_of(pin);

	if (!pin || !iov || max < 1 || !holder(pn))
		return -EINVAL;
	if (offset >= pn->len)
		return 0;
	return arena_pieces(pn->map, pn->ref, offset + pn->skip,
			    pn->len - offset, iov, max);
}

int sfshm_unpin(struct sfshm_pin *pin)
{
	struct pin *pn = pin_of(pin);
	struct peer *p;

	p = pin ? holder(pn) : NULL;
	if (!p)
		return -EINVAL;
	pn->held = 0;
	if (pn->place >= 0)
		pin_drop(p, pn->place, pn->ref);
	return 0;
}
