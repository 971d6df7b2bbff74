/* SPDX-License-Identifier: MIT */
/*
 * Tags: names that values carry, so that one call makes all values of a name
 * stale, however many they are. Varnish's xkey and the tags of Symfony's and
 * Drupal's caches do the same.
 *
 * A tag is 1 byte or more, of any content. The segment keeps a hash of it,
 * whose lower 12 bits choose one of 4096 words. Tags that share a word are
 * invalidated together, so the call may make too many values stale, but never
 * too few. A value with tags takes 40 bytes more of the segment's memory,
 * however many tags it has. Failures carry no tags.
 *
 * Each call here is thread-safe and must not be made in a signal handler. A
 * call with a handle returns -ECHILD in a forked child, unless the handle
 * follows forks.
 */
#ifndef SFSHM_TAG_H
#define SFSHM_TAG_H

#include <sfshm/flight.h>

SFSHM_BEGIN_DECLS

/* The tags that one value may carry. */
#define SFSHM_TAGS_MAX 4

/*
 * Names a tag of `len` bytes for the value that the leader is going to publish.
 * A tag that is named twice counts once. Only the leader calls this, before it
 * ends the flight. Returns 0; -ENOSPC, the value has SFSHM_TAGS_MAX tags
 * already, and keeps them; -ESTALE, the flight has ended; or -EINVAL. Never
 * blocks.
 *
 * sfshm_touch() renews a value with the tags that it has, unless the leader has
 * named others.
 */
int sfshm_flight_tag(struct sfshm_flight *flight, const void *tag,
		     size_t len) SFSHM_CHECKED;

/*
 * sfshm_put() of a value with `count` tags, 0 to SFSHM_TAGS_MAX, from tags[].
 * An invalidation that came before this call does not count for the value.
 * Returns as sfshm_put().
 */
int sfshm_put_tagged(struct sfshm *handle, const void *key, size_t key_len,
		     const struct sfshm_policy *policy, const void *data,
		     size_t len, const struct iovec *tags,
		     int count) SFSHM_CHECKED;

/*
 * Declares all values that carry the tag to be out of date, however many there
 * are: the call writes two words, and four while a resize is under way. As
 * after sfshm_invalidate() without SFSHM_HARD, callers whose policy accepts
 * stale values still get them, and the next caller leads. But here the policy's
 * grace_ms and stale_if_error_ms count from the end of each value's lifetime,
 * not from this call, because the call notes no time in the values.
 *
 * If a flight is under way whose value has the tag, or gets the tag later, the
 * value is stale from the start, and the publish returns SFSHM_INVALIDATED.
 * Callers that were waiting before this call get the value all the same, unless
 * any tag at all was invalidated between the flight's begin and their wait's
 * begin.
 *
 * Returns 0, whether there are such values or not, or an error as sfshm_get().
 * Never waits for another caller. If the caller dies inside, the call may or
 * may not have made values stale.
 */
int sfshm_invalidate_tag(struct sfshm *handle, const void *tag,
			 size_t len) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
