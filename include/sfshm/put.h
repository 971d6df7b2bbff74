/* SPDX-License-Identifier: MIT */
/*
 * Values that come from elsewhere than a flight's work, and flights whose old
 * value is still good. The ideas are write-through caches and HTTP's 304.
 */
#ifndef SFSHM_PUT_H
#define SFSHM_PUT_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/*
 * Stores a value of `len` bytes (0 is allowed) for a key, whoever leads the
 * key: a caller that has just changed the original makes the new value known.
 * Of the policy, which may be NULL, only ttl_ms, grace_ms and stale_if_error_ms
 * count, as if this caller had published the value. With a ttl_ms of 0 only
 * those get the value who wait for the key.
 *
 * A flight under way is taken from its leader, whose publish returns -ESTALE;
 * the callers that wait for it get this value. While a resize moves values, one
 * of them may lead for a moment before that, and is fenced, too. Returns
 *
 *   0             The value is there.
 *   SFSHM_INVALIDATED  It is there, but stale from the start: another caller
 *                 invalidated the key meanwhile.
 *   -ESTALE       A later put or SFSHM_HARD invalidation came before this value
 *                 was visible. What it left counts.
 *   -EDEADLK      This thread leads the key. End that flight with the value:
 *                 sfshm_publish().
 *   -EMSGSIZE, -ENOSPC  The value is larger than the segment's max_value, or
 *                 there is no room to keep it. The key has been removed, as by
 *                 sfshm_invalidate() with SFSHM_HARD, so that no caller gets
 *                 the older value; the next one leads.
 *   -EBUSY        Other callers took the lead 1000 times in between. Try again.
 *   -ESHUTDOWN    The value is there, but the segment's file was removed; or
 *                 as in <sfshm/errors.h>.
 *   -EINVAL, -E2BIG, -ENAMETOOLONG, -EUSERS, -EBADMSG, -EBADF, -ECHILD,
 *   -ENOMEM       As in <sfshm/errors.h>.
 *
 * Never waits for another caller, and takes no claim; else blocks as
 * sfshm_publish() does. If the caller dies inside, the key has what it had or
 * the new value; if it dies or stops after it took a flight from its leader,
 * the key has no value, and after 125 ms at the most a follower leads.
 */
int sfshm_put(struct sfshm *handle, const void *key, size_t key_len,
	      const struct sfshm_policy *policy, const void *data,
	      size_t len) SFSHM_CHECKED;

/*
 * sfshm_put() if the key's value is the one of `generation`, as a result told
 * it, fresh or past its lifetime; 0: if the key has no fresh value. Else
 * returns -ESTALE and changes nothing, but that a stored failure may be gone. A
 * flight under way is taken from its leader only if the value is the right one.
 * If the call then fails, the key has no value. Returns as sfshm_put(), and
 * -EBUSY also while a resize moves values. Generations from before a resize do
 * not count after it.
 */
int sfshm_put_if(struct sfshm *handle, const void *key, size_t key_len,
		 const struct sfshm_policy *policy, const void *data,
		 size_t len, uint64_t generation) SFSHM_CHECKED;

/*
 * Copies into *result the value that the leader's flight is to replace, fresh
 * or past its lifetime: `stale`, `generation` and `age_ns` say which one it is.
 * It stays visible to other callers, as their policies say, until the flight
 * ends. Returns 0; -ENODATA, there is none, or policy.fits refused it; -ESTALE,
 * another caller took the flight; -EPERM, another thread leads it; -ECHILD,
 * -EINVAL, -EBADMSG or -ENOMEM. The flight is still the caller's after all but
 * -ESTALE. After a resize the value may not have come to the new segment. Never
 * blocks.
 */
int sfshm_flight_value(const struct sfshm_flight *flight,
		       struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with the value that sfshm_flight_value() gives, for another
 * lifetime: the work has found that it is still right. Followers get it as the
 * flight's result, with the flight's generation. Returns as sfshm_publish(), or
 * -ENODATA: there is no such value, and the flight is still yours. The bytes
 * are copied within the segment, so for a moment there must be room for both.
 * Blocks as sfshm_publish() does. If the leader dies inside, the old value is
 * as it was, or it is renewed.
 */
int sfshm_touch(struct sfshm_flight *flight) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
