/* SPDX-License-Identifier: MIT */
/*
 * Tags, and the claim that a tag's invalidation reaches every value that was
 * begun before it.
 *
 * All processes share a clock that counts. A leader reads it once it leads,
 * and notes that time and the tags in the value itself. An invalidator reads
 * it before its call; once the call has returned, the tag is past that time.
 * A caller notes what is past before it asks. So if a value is fresh for this
 * caller, its time is not below what was past for any of its tags.
 */
#ifndef STRESS_TAGS_H
#define STRESS_TAGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <sfshm/tag.h>

#include "value.h"

#define TAGS 8
/* In a value's stamp: put, under this number, and not by a flight. */
#define PUT_MARK (UINT64_C(1) << 63)
/* Puts whose ends are remembered. */
#define TAGGED_PUTS 4096

/* In memory that all processes share; all zeroes at first. */
struct tags {
	uint64_t clock;
	uint64_t past[TAGS];
	/*
	 * When a put had returned, at its number's place. An invalidation may
	 * come before the put and after its value was made: what counts is that
	 * the put has returned.
	 */
	struct {
		uint64_t mark, at;
	} puts[TAGGED_PUTS];
};

/* Each process sets it as its life begins. */
extern struct tags *tags;

/* Raises *word to `to`, never lowers it. */
void raise_to(uint64_t *word, uint64_t to);

uint64_t tags_clock(void);

/* None, or up to four at random: bit n stands for tag n. */
uint32_t tags_choose(void);
int tags_to_flight(struct sfshm_flight *f, uint32_t mask);
/* Returns how many there are, SFSHM_TAGS_MAX at most. */
int tags_to_iov(struct iovec *iov, uint32_t mask);

/* A put of this mark has returned. */
void tags_put(uint64_t mark);

/* Invalidates one of them. Returns as sfshm_invalidate_tag(). */
int tags_invalidate(struct sfshm *h);

/* The caller is about to ask for a value, or to publish one. */
void tags_before_call(void);

/*
 * Whether a value was out of date before the last tags_before_call(). `renewed`
 * is the time of the key's last renewal, which makes older values fresh.
 */
bool tags_outdate(const struct stamp *s, uint64_t renewed);

#endif
