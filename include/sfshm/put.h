/* SPDX-License-Identifier: MIT */
/*
 * Storing a value without leading its key, and renewing an old value that is
 * still good. The ideas are write-through caches and HTTP's 304.
 */
#ifndef SFSHM_PUT_H
#define SFSHM_PUT_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/*
 * Stores a value of `len` bytes (0 is allowed) for a key, even while another
 * caller leads the key: a caller that has just changed the original data makes
 * the new value known. Of the policy, which may be NULL, only ttl_ms, grace_ms
 * and stale_if_error_ms count, as if this caller had published the value. If
 * ttl_ms is 0, only the callers that wait for the key get the value.
 *
 * The call takes a flight under way from its leader, whose publish then returns
 * -ESTALE; the callers that wait for the flight get this value. While a resize
 * moves values, one of these callers may become the leader first; that leader
 * is fenced, too. From the taking of a flight to the end of this call the key
 * has no value, and sfshm_get() returns -ENODATA. Returns
 *
 *   0             The segment has the value.
 *   SFSHM_INVALIDATED  The segment has the value, but it is stale from the
 *                 start: another caller invalidated the key meanwhile.
 *   -ESTALE       A later put or SFSHM_HARD invalidation came before this value
 *                 was visible. The key is as that call left it.
 *   -EDEADLK      This thread leads the key. End that flight with the value:
 *                 sfshm_publish().
 *   -EMSGSIZE, -ENOSPC  The value is larger than the segment's max_value, or
 *                 there is no room to keep it. The key has been removed, as by
 *                 sfshm_invalidate() with SFSHM_HARD, so that no caller gets
 *                 the older value; the next caller leads.
 *   -EBUSY        Other callers took the lead 1000 times in between. Try again.
 *   -ESHUTDOWN    The segment has the value, but the segment's file was
 *                 removed; or as in <sfshm/errors.h>.
 *   -EINVAL, -E2BIG, -ENAMETOOLONG, -EUSERS, -EBADMSG, -EBADF, -ECHILD,
 *   -ENOMEM       As in <sfshm/errors.h>.
 *
 * Waits for another put of the same key, but no longer than 100 ms in all.
 * Waits for no other caller, and takes no claim; otherwise blocks as
 * sfshm_publish() does. If the caller dies inside, the key has either its old
 * value or the new one. But if the caller dies or is stopped after it took a
 * flight from the leader, the key has no value, and after 125 ms at the most a
 * follower leads.
 */
int sfshm_put(struct sfshm *handle, const void *key, size_t key_len,
	      const struct sfshm_policy *policy, const void *data,
	      size_t len) SFSHM_CHECKED;

/*
 * sfshm_put() on a condition. If `generation` is not 0, the key's value, fresh
 * or past its lifetime, must have that generation, which an earlier result
 * gave. If `generation` is 0, the key must have no fresh value. If the
 * condition does not hold, returns -ESTALE and changes nothing, except that a
 * stored failure may be gone. Returns as sfshm_put(); but after -EMSGSIZE the
 * key keeps its value, and after -ENOSPC it may. While a resize moves values
 * the call returns -EBUSY. After the resize it returns -ESTALE for a
 * generation from before.
 *
 * Waits for a flight under way, but no longer than 100 ms: the flight may be
 * another conditional put, which is about to end. Takes the flight from its
 * leader only after that, and only if the condition still holds; if the call
 * then fails, the key has no value.
 *
 * The new value has no tags, even if the old one had some: to invalidate such a
 * tag later leaves the new value as it is.
 */
int sfshm_put_if(struct sfshm *handle, const void *key, size_t key_len,
		 const struct sfshm_policy *policy, const void *data,
		 size_t len, uint64_t generation) SFSHM_CHECKED;

/*
 * Copies into *result the value that the leader's flight is to replace, fresh
 * or past its lifetime; `stale`, `generation` and `age_ns` describe that value.
 * The value stays visible to other callers, as their policies say, until the
 * flight ends. Returns 0; -ENODATA, there is none, or policy.fits refused it;
 * -ESTALE, another caller took the flight; -EPERM, another thread leads it,
 * without SFSHM_DETACHED; -ECHILD, -EINVAL, -EBADMSG or -ENOMEM. After -ESTALE
 * the caller has lost the flight; after any other code the flight goes on as
 * before. After a resize the new segment may lack the value. Never blocks.
 */
int sfshm_flight_value(const struct sfshm_flight *flight,
		       struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with the value that sfshm_flight_value() gives. The value
 * starts a new lifetime: the work has found that it is still right. Followers
 * get it as the flight's result, with the flight's generation. The value keeps
 * its tags, unless the leader has named others (<sfshm/tag.h>). Returns as
 * sfshm_publish(), or -ENODATA: there is no such value, and the flight is still
 * yours. The call copies the bytes within the segment, so for a moment the
 * segment must have room for both copies. Blocks as sfshm_publish() does. If
 * the leader dies inside, the old value is as it was, or it is renewed.
 */
int sfshm_touch(struct sfshm_flight *flight) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
