/* SPDX-License-Identifier: MIT */
/*
 * Whatever bytes a segment has, no call crashes or hangs: the library checks
 * everything that it reads from a segment before it uses it.
 */
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/pin.h>

#include "crowd.h"
#include "forge.h"
#include "watch.h"

#define ROUNDS (400 / SLOWNESS)
#define DAMAGES 30

static const struct sfshm_options small = {
	.slots = 32,
	.participants = 8,
	.bytes = 64 << 10,
};

static uint64_t state_of_chance = 1;

static uint32_t draw(uint32_t below)
{
	state_of_chance =
		state_of_chance * UINT64_C(6364136223846793005) + 1442695041;
	return (uint32_t)(state_of_chance >> 33) % below;
}

/* Results do not matter; that there are some does. */
static void use_key(struct sfshm *h, int i)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = SFSHM_FOREVER,
		.flags = i % 2 ? SFSHM_REFRESH : 0,
		.deadline_ns = sfshm_deadline_ms(2),
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint8_t data[4000];
	struct sfshm_flight flight;
	struct sfshm_pin pin;
	struct iovec iov[4];
	char key[64];
	int n = snprintf(key, sizeof(key),
			 i % 3 ? "%d" : "a key that is somewhat long, %d",
			 i % 12);

	if (!sfshm_pin(h, key, (size_t)n, &pin, &result)) {
		int pieces = sfshm_pin_iov(&pin, 0, iov, 4);

		for (int p = 0; p < pieces; p++)
			memcpy(data, iov[p].iov_base,
			       iov[p].iov_len < sizeof(data) ? iov[p].iov_len :
							       sizeof(data));
		(void)!sfshm_unpin(&pin);
	}
	(void)!sfshm_get(h, key, (size_t)n, &result);
	if (sfshm_begin(h, key, (size_t)n, &policy, &flight, &result) ==
		    SFSHM_LEADER &&
	    sfshm_publish(&flight, data, (size_t)(i * 331 % 4000)) < 0)
		(void)!sfshm_fail(&flight, -5, "some message of some length");
	if (i % 5 == 0)
		(void)!sfshm_forget(h, key, (size_t)n);
	sfshm_result_clear(&result);
}

static void use_everything(int unused, void *arg)
{
	struct sfshm_options o = { .size = sizeof(o) };
	struct sfshm *h;

	(void)unused;
	(void)arg;
	alarm(20 * SLOWNESS);
	if (sfshm_open(&h, segment, &o))
		return;
	for (int i = 0; i < 40; i++)
		use_key(h, i);
	(void)!sfshm_verify(h, NULL, NULL);
	(void)!sfshm_purge(h);
	for (int i = 0; i < 40; i++)
		use_key(h, i);
	(void)!sfshm_close(h);
}

static void lead_and_die(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)unused;
	(void)arg;
	(void)!sfshm_begin(h, "1", 1, NULL, &flight, &result);
	raise(SIGKILL);
}

/* Some bytes become others: noise, small numbers, or all ones. */
static void damage(const struct shm_geometry *g, const uint64_t *at,
		   const uint64_t *len)
{
	uint32_t region = draw(5);
	uint64_t place =
		at[region] + draw((uint32_t)len[region]) / 4 * UINT64_C(4);
	uint32_t value = draw(3) == 0 ? draw(UINT32_MAX) :
			 draw(2)      ? draw(40) :
					UINT32_MAX;

	(void)g;
	forge_write(place, &value, draw(4) ? 4 : 1);
}

/* What is in use of each region; of records all but the mutex. */
static void damage_all(void)
{
	struct shm_header h;

	forge_read(0, &h, sizeof(h));
	{
		const uint64_t at[] = {
			h.geometry.participants_at + 48,
			h.geometry.buckets_at,
			h.geometry.slots_at,
			h.geometry.tags_at,
			offsetof(struct shm_header, epoch),
		};
		const uint64_t len[] = {
			1024 - 48,
			(uint64_t)h.geometry.buckets * 8,
			(uint64_t)h.geometry.slots * 128,
			(uint64_t)h.geometry.granules,
			sizeof(h) - offsetof(struct shm_header, epoch),
		};

		for (uint32_t i = draw(DAMAGES); i < DAMAGES; i++)
			damage(&h.geometry, at, len);
	}
}

static void of_any_kind(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int status;

		state_of_chance = (uint64_t)i + 1;
		forge_make(&small);
		child_gone(child_start(use_everything, 0, NULL));
		child_gone(child_start(lead_and_die, 0, NULL));
		damage_all();
		status = child_gone(child_start(use_everything, 0, NULL));
		if (status)
			fail_msg("round %d: status %x", i, status);
		watch_end();
		assert_int_equal(sfshm_unlink(segment), 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_any_kind),
	};

	return test_main(tests);
}
