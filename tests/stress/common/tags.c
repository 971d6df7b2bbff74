/* SPDX-License-Identifier: MIT */
#include "tags.h"

#include "os/atomics.h"
#include "random.h"

static const char names[TAGS][4] = { "t0", "t1", "t2", "t3",
				     "t4", "t5", "t6", "t7" };

struct tags *tags;

/* What was past as this process last began to ask. */
static uint64_t before[TAGS];

void raise_to(uint64_t *word, uint64_t to)
{
	uint64_t at = load_acquire(word);

	while (at < to && !cas_acq_rel(word, at, to))
		at = load_acquire(word);
}

uint64_t tags_clock(void)
{
	return fetch_add_acq_rel(&tags->clock, 1) + 1;
}

uint32_t tags_choose(void)
{
	uint32_t mask = 0;

	if (random_below(2))
		for (uint32_t n = 1 + random_below(SFSHM_TAGS_MAX); n; n--)
			mask |= 1u << random_below(TAGS);
	return mask;
}

int tags_to_flight(struct sfshm_flight *f, uint32_t mask)
{
	int r = 0;

	for (uint32_t i = 0; i < TAGS && !r; i++)
		if (mask & 1u << i)
			r = sfshm_flight_tag(f, names[i], 2);
	return r;
}

int tags_to_iov(struct iovec *iov, uint32_t mask)
{
	int n = 0;

	for (uint32_t i = 0; i < TAGS; i++)
		if (mask & 1u << i)
			iov[n++] = (struct iovec){
				.iov_base = (char *)(uintptr_t)names[i],
				.iov_len = 2,
			};
	return n;
}

/* The time first: whoever finds the mark finds this time, or a later one. */
void tags_put(uint64_t mark)
{
	uint64_t i = mark % TAGGED_PUTS;

	store_release(&tags->puts[i].at, tags_clock());
	store_release(&tags->puts[i].mark, mark);
}

/* UINT64_MAX: it is not known. */
static uint64_t returned(uint64_t mark)
{
	uint64_t i = mark % TAGGED_PUTS;

	return load_acquire(&tags->puts[i].mark) == mark ?
		       load_acquire(&tags->puts[i].at) :
		       UINT64_MAX;
}

int tags_invalidate(struct sfshm *h)
{
	uint32_t tag = random_below(TAGS);
	uint64_t now = tags_clock();
	int r = sfshm_invalidate_tag(h, names[tag], 2);

	if (!r)
		raise_to(&tags->past[tag], now);
	return r;
}

void tags_before_call(void)
{
	for (uint32_t i = 0; i < TAGS; i++)
		before[i] = load_acquire(&tags->past[i]);
}

bool tags_outdate(const struct stamp *s, uint64_t renewed)
{
	uint64_t begun = s->begun;

	if (s->generation & PUT_MARK)
		begun = returned(s->generation);
	if (begun < renewed)
		begun = renewed;
	for (uint32_t i = 0; i < TAGS; i++)
		if (s->tags & 1u << i && begun < before[i])
			return true;
	return false;
}
