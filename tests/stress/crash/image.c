/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/atomics.h"
#include "segment/fingerprint.h"
#include "store/key.h"
#include "store/ctl.h"

/* What a semaphore takes of value memory. */
#define PERMITS_GRANULES (1 + SHM_PERMITS * sizeof(uint32_t) / SHM_GRANULE)
/* The kernel gives up on a longer list. */
#define LIST_LIMIT 2048

bool image_open(struct image *im, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	const struct shm_header *h;
	struct stat st;
	void *at;

	memset(im, 0, sizeof(*im));
	if (fd < 0 || fstat(fd, &st))
		return false;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		  fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return false;
	im->live = at;
	im->size = (size_t)st.st_size;
	h = at;
	im->geometry = h->geometry;
	im->word_offset = h->fingerprint.word_offset;
	im->seen = calloc(1, im->size);
	return im->seen != NULL;
}

void image_close(struct image *im)
{
	if (im->live)
		munmap(im->live, im->size);
	free(im->seen);
	memset(im, 0, sizeof(*im));
}

static const struct shm_header *header(const struct image *im)
{
	return (const void *)im->live;
}

uint32_t image_participants(const struct image *im)
{
	return load_acquire(&header(im)->participants_used);
}

struct shm_participant *image_participant(const struct image *im,
					  uint32_t index)
{
	void *first = im->live + im->geometry.participants_at;

	return (struct shm_participant *)first + index;
}

uint32_t *image_word(const struct image *im, uint32_t index)
{
	struct shm_participant *rec = image_participant(im, index);

	return (uint32_t *)(void *)(rec->mutex_bytes + im->word_offset);
}

/* Compares a range with what was seen, and takes it over. */
static bool differs(struct image *im, uint64_t from, uint64_t len)
{
	if (!memcmp(im->live + from, im->seen + from, len))
		return false;
	memcpy(im->seen + from, im->live + from, len);
	return true;
}

/* Of all values, only the bytes of semaphores matter to other participants. */
static bool semaphore_at(const struct image *im, uint32_t index)
{
	const void *slots = im->live + im->geometry.slots_at;
	const struct shm_slot *s = (const struct shm_slot *)slots + index;
	uint64_t ctl = load_seq(&s->ctl);

	return slot_kind(s) == SHM_SEMAPHORE && ctl_has(ctl);
}

static uint32_t semaphores(const struct image *im)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < im->geometry.slots; i++)
		n += semaphore_at(im, i);
	return n;
}

bool image_changed(struct image *im, const struct victim *v)
{
	const struct shm_geometry *g = &im->geometry;
	void *list[3] = { NULL };
	bool any = differs(im, 0, sizeof(struct shm_header));

	for (uint32_t i = 0; i < image_participants(im); i++) {
		uint64_t at =
			g->participants_at + i * sizeof(struct shm_participant);

		any |= differs(im, at, offsetof(struct shm_participant, hits));
		any |= differs(
			im, at + offsetof(struct shm_participant, shared),
			offsetof(struct shm_participant, counters) -
				offsetof(struct shm_participant, shared));
		any |= differs(im, at + offsetof(struct shm_participant, pins),
			       sizeof(uint32_t) * SHM_PINS);
	}
	any |= differs(im, g->buckets_at, g->slots_at - g->buckets_at);
	for (uint32_t i = 0; i < g->slots; i++)
		any |= differs(im, g->slots_at + i * sizeof(struct shm_slot),
			       offsetof(struct shm_slot, inline_granule));
	any |= differs(im, g->desks_at, g->tags_at - g->desks_at);
	any |= differs(im, g->tags_at, g->granules_at - g->tags_at);
	if (semaphores(im)) {
		any |= differs(im, g->slots_at, g->tags_at - g->slots_at);
		any |= differs(im, g->granules_at, im->size - g->granules_at);
	}
	victim_read(v, v->robust, list, sizeof(list));
	any |= list[0] != im->list_seen[0] || list[2] != im->list_seen[1];
	im->list_seen[0] = list[0];
	im->list_seen[1] = list[2];
	return any;
}

bool image_copy(const struct image *im, const char *path, struct image *copy)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool whole;

	if (fd < 0)
		return false;
	whole = write(fd, im->live, im->size) == (ssize_t)im->size;
	close(fd);
	return whole && image_open(copy, path);
}

/* handle_futex_death() in the kernel. */
static void mark(uint32_t *word, pid_t tid)
{
	uint32_t w = load_acquire(word);

	if ((w & FUTEX_TID_MASK) == (uint32_t)tid)
		store_release(word,
			      (w & FUTEX_WAITERS) | (uint32_t)FUTEX_OWNER_DIED);
}

/* Marks the word of an entry of the victim's list, if it is in the segment. */
static void mark_entry(struct image *copy, const struct victim *v,
		       uint64_t base, const void *entry, int64_t offset)
{
	uint64_t at = (uintptr_t)entry + (uint64_t)offset;

	if (base && at >= base && at - base <= copy->size - sizeof(uint32_t))
		mark((void *)(copy->live + (at - base)), v->pid);
}

/* exit_robust_list() in the kernel. */
void image_mark_victim(struct image *copy, const struct victim *v,
		       const char *path)
{
	uint64_t base = victim_mapping(v, path);
	struct robust_head head;
	void *entry, *next;

	if (!victim_read(v, v->robust, &head, sizeof(head)))
		return;
	entry = head.next;
	for (int i = 0; i < LIST_LIMIT && entry != v->robust; i++) {
		bool more = victim_read(v, entry, &next, sizeof(next));

		if (entry != head.list_op_pending)
			mark_entry(copy, v, base, entry, head.futex_offset);
		if (!more)
			return;
		entry = next;
	}
	if (head.list_op_pending)
		mark_entry(copy, v, base, head.list_op_pending,
			   head.futex_offset);
}

void image_mark_others(struct image *copy, pid_t survivor)
{
	for (uint32_t i = 0; i < image_participants(copy); i++) {
		uint32_t *word = image_word(copy, i);
		pid_t tid = (pid_t)(load_acquire(word) & FUTEX_TID_MASK);

		if (tid && tid != survivor)
			mark(word, tid);
	}
}

static const char *census_participant(const struct image *im, uint32_t i)
{
	const struct shm_participant *rec = image_participant(im, i);

	for (int n = 0; n < SHM_OWNED; n++)
		if (rec->owned[n])
			return "a noted slot is left with nobody";
	for (int n = 0; n < SHM_PINS; n++)
		if (rec->pins[n])
			return "a pin is left with nobody";
	for (int n = 0; n < SHM_SHARED; n++)
		if (rec->shared[n])
			return "a shared hold is left with nobody";
	if (rec->build || rec->build_pending || rec->doomed ||
	    rec->doomed_pending)
		return "memory is left in a record with nobody";
	return NULL;
}

/* A participant that is gone must have left nothing, and a free record. */
static const char *census_participants(const struct image *im, pid_t survivor)
{
	const char *wrong = NULL;

	for (uint32_t i = 0; !wrong && i < image_participants(im); i++) {
		uint32_t w = load_acquire(image_word(im, i));

		if ((w & FUTEX_TID_MASK) == (uint32_t)survivor)
			continue;
		if (w)
			return "a record is not free";
		wrong = census_participant(im, i);
	}
	return wrong;
}

const char *image_census(const struct image *im, pid_t survivor,
			 const char *prefix)
{
	const struct shm_geometry *g = &im->geometry;
	const struct shm_slot *slots = (const void *)(im->live + g->slots_at);
	const uint64_t *tags = (const void *)(im->live + g->tags_at);
	uint32_t in_use = 0, granules = 0;

	for (uint32_t i = 0; i < load_acquire(&header(im)->slots_used); i++) {
		const struct shm_slot *s = &slots[i];

		if (ctl_phase(load_seq(&s->ctl)) == PHASE_FREE)
			continue;
		/* A semaphore keeps its slot. */
		if (slot_kind(s) == SHM_SEMAPHORE)
			continue;
		if (slot_key_len(s) > SHM_INLINE_KEY ||
		    memcmp(s->key, prefix, strlen(prefix)) != 0)
			return "a slot was not used again";
		in_use++;
	}
	for (uint32_t i = 0; i < g->granules; i++)
		granules += load_acquire(&tags[i]) != 0;
	in_use += semaphores(im) * PERMITS_GRANULES;
	if (granules > in_use)
		return "value memory is taken that nothing needs";
	if (granules < in_use)
		return "values have less memory than they need";
	return census_participants(im, survivor);
}
