/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel.h"
#include "sync/savenote.h"

__thread struct peer *scene_self;
struct sfshm scene_handle;
struct scene_flight scene_led, scene_other;
static uint32_t closing;
static __thread uint8_t bytes[64];

struct peer *scene_attach(void)
{
	int r = peer_attach(&twin_map, &scene_self);

	if (r)
		oracle_fail("P%d cannot attach: %s", fiber_current,
			    strerror(-r));
	scene_handle.magic = HANDLE_OPEN;
	scene_handle.map = &twin_map;
	scene_handle.cookie = process_cookie();
	return scene_self;
}

void scene_leave(void)
{
	/* Flights of a process do not end with one of its threads. */
	for (unsigned int key = 0; key < 8 && !fiber_has_company; key++)
		oracle_ends(key);
	peer_detach(&twin_map);
	scene_self = NULL;
}

static void start(struct call *c, unsigned int key, enum shm_kind kind,
		  const struct sfshm_policy *policy, struct sfshm_result *r)
{
	r->size = sizeof(*r);
	r->value.data = bytes;
	r->value.cap = sizeof(bytes);
	*c = (struct call){
		.self = scene_self,
		.key = key_make(&twin_map, kind, oracle_key(key), 8),
		.closing = &closing,
		.policy = policy,
		.flags = policy->flags,
		.lease_or_rank = policy->lock_age_ms,
		.result = r,
	};
}

/* ORACLE-4: two words, of one publisher and of this key. */
static void check_value(unsigned int key, const struct sfshm_result *r)
{
	uint64_t w[2];

	if (r->value.len != sizeof(w)) {
		oracle_fail("P%d got %zu bytes for key %u", fiber_current,
			    r->value.len, key);
		return;
	}
	memcpy(w, r->value.data, sizeof(w));
	if (w[0] != w[1])
		oracle_fail("P%d got a torn value: %llx %llx", fiber_current,
			    (unsigned long long)w[0], (unsigned long long)w[1]);
	if (w[0] >> 56 != key + 1)
		oracle_fail("P%d got another key's value for key %u: %llx",
			    fiber_current, key, (unsigned long long)w[0]);
}

static int undamaged(int r)
{
	if (r == -EBADMSG)
		oracle_fail("P%d was told that the segment is damaged",
			    fiber_current);
	return r;
}

static int answered(unsigned int key, int r, const struct sfshm_result *result)
{
	if (r == SFSHM_CACHED || r == SFSHM_AWAITED)
		check_value(key, result);
	return undamaged(r);
}

int scene_begin(struct scene_flight *sf, unsigned int key,
		const struct sfshm_policy *policy)
{
	struct call c;
	int r;

	start(&c, key, SHM_VALUE, policy, &sf->r);
	sf->key = key;
	sf->f.has_claim = false;
	r = policy->claim_key ?
		    AGAIN :
		    fast_begin(scene_self, &c.key, policy, &sf->f, &sf->r);
	if (r == AGAIN)
		r = flight_begin(&c, &sf->f);
	sf->source = world.source;
	if (r == SFSHM_LEADER)
		oracle_leads(key, policy->lock_age_ms ?
					  world.now + policy->lock_age_ms * MS :
					  0);
	return answered(key, r, &sf->r);
}

static int ended(struct scene_flight *sf, int r)
{
	if (sf->f.has_claim)
		(void)flight_release(&sf->claim, scene_self);
	return r;
}

static void make_value(uint64_t value[2], unsigned int key, uint8_t source)
{
	static uint8_t count;

	value[0] = value[1] = (uint64_t)(key + 1) << 56 |
			      (uint64_t)(fiber_current + 1) << 48 |
			      (uint64_t)source << 40 | ++count;
}

int scene_publish(struct scene_flight *sf)
{
	uint64_t value[2];
	struct iovec iov = { .iov_base = value, .iov_len = sizeof(value) };

	make_value(value, sf->key, sf->source);
	oracle_ends(sf->key);
	return ended(sf, flight_publish(&sf->f, scene_self, &iov, 1));
}

int scene_fail(struct scene_flight *sf, int code)
{
	oracle_ends(sf->key);
	return ended(sf, flight_fail(&sf->f, scene_self, code, "no luck"));
}

int scene_release(struct scene_flight *sf)
{
	oracle_ends(sf->key);
	return ended(sf, flight_release(&sf->f, scene_self));
}

int scene_do(unsigned int key, const struct sfshm_policy *policy)
{
	struct scene_flight sf;
	int r = scene_begin(&sf, key, policy);

	return r == SFSHM_LEADER ? scene_publish(&sf) : r;
}

int scene_get(unsigned int key)
{
	struct sfshm_result result;
	struct call c;

	start(&c, key, SHM_VALUE, POLICY(), &result);
	if (fast_get(scene_self, &c.key, &result))
		return answered(key, SFSHM_CACHED, &result);
	return answered(key, flight_peek(&c), &result);
}

uint64_t scene_generation(unsigned int key)
{
	struct sfshm_result result;
	struct call c;

	start(&c, key, SHM_VALUE, POLICY(), &result);
	return flight_peek(&c) == SFSHM_CACHED ? result.generation : 0;
}

int scene_invalidate(unsigned int key, uint32_t flags)
{
	struct sfshm_result result;
	struct call c;

	start(&c, key, SHM_VALUE, POLICY(), &result);
	if (flags & SFSHM_HARD)
		oracle_invalidated(key);
	return undamaged(flight_invalidate(&c, flags));
}

int scene_forget(unsigned int key)
{
	struct sfshm_result result;
	struct call c;

	start(&c, key, SHM_VALUE, POLICY(), &result);
	return undamaged(flight_forget(&c));
}

int scene_put(unsigned int key, const uint64_t *needed)
{
	const struct sfshm_policy *policy =
		POLICY(.ttl_ms = FOREVER,
		       .flags = SFSHM_TRY | SFSHM_REFRESH | SFSHM_KEEP);
	struct scene_flight sf = { .key = key };
	struct call c;
	int r;

	start(&c, key, SHM_VALUE, policy, &sf.r);
	oracle_robs(key, true);
	r = flight_take(&c, &sf.f, needed);
	oracle_robs(key, false);
	if (r == SFSHM_LEADER) {
		oracle_leads(key, 0);
		r = scene_publish(&sf);
	}
	return undamaged(r);
}

/* Any that is not 0; its word is the first. */
#define TAG ((uint64_t)SHM_TAG_WORDS)

void scene_tag(struct scene_flight *sf)
{
	if (tagging_add(&sf->f.tagging, TAG))
		oracle_fail("P%d cannot add a tag", fiber_current);
}

void scene_change_source(void)
{
	uint8_t version = ++world.source;

	undamaged(flight_invalidate_tag(scene_self, TAG));
	if (world.told < version)
		world.told = version;
}

int scene_publisher(void)
{
	uint64_t w;

	memcpy(&w, bytes, sizeof(w));
	return (int)(w >> 48 & 0xff) - 1;
}

uint8_t scene_source(void)
{
	uint64_t w;

	memcpy(&w, bytes, sizeof(w));
	return (uint8_t)(w >> 40);
}

void scene_expect(const char *what, int got, int one, int other)
{
	if (got != one && got != other)
		oracle_fail("P%d: %s answered %d, which is neither %d nor %d",
			    fiber_current, what, got, one, other);
}

void scene_sleep(uint64_t ns)
{
	kernel_sleep(NULL, NULL, 0, world.now + ns);
}

void scene_result(struct sfshm_result *r)
{
	*r = (struct sfshm_result){
		.size = sizeof(*r),
		.value = { .data = bytes, .cap = sizeof(bytes) },
	};
}

int scene_answered(unsigned int key, int r, const struct sfshm_result *result,
		   const struct sfshm_policy *policy)
{
	if (r == SFSHM_LEADER)
		oracle_leads(key, policy->lock_age_ms ?
					  world.now + policy->lock_age_ms * MS :
					  0);
	return answered(key, r, result);
}

int scene_begin_detached(struct sfshm_flight *f, unsigned int key,
			 const struct sfshm_policy *policy)
{
	struct sfshm_result result;
	int r;

	scene_result(&result);
	r = sfshm_begin(&scene_handle, oracle_key(key), 8, policy, f, &result);
	return scene_answered(key, r, &result, policy);
}

int scene_end_detached(struct sfshm_flight *f, unsigned int key,
		       enum scene_end how)
{
	uint64_t gen = sfshm_flight_generation(f), value[2];
	int r;

	make_value(value, key, 0);
	if (how == SCENE_PUBLISH)
		r = sfshm_publish(f, value, sizeof(value));
	else if (how == SCENE_FAIL)
		r = sfshm_fail(f, 5, "no luck");
	else
		r = sfshm_release(f);
	if (r >= 0)
		oracle_ended(key, gen);
	else if (r != -ESTALE)
		oracle_fail("P%d ends a flight and gets %d", fiber_current, r);
	return undamaged(r);
}

/* No scenario saves a file, and the code for files is not built in. */
bool save_serves(struct call *c, const struct sighting *seen, uint64_t end)
{
	(void)c;
	(void)seen;
	(void)end;
	return false;
}
