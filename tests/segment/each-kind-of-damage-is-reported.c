/* SPDX-License-Identifier: MIT */
/*
 * sfshm_verify() finds each kind of damage that only stray bytes can do, and
 * says which; a view refuses to show it.
 */
#include "forge.h"
#include "store/ctl.h"
#include "watch.h"

static const struct sfshm_options small = {
	.size = sizeof(small),
	.slots = 64,
	.participants = 90,
	.bytes = 64 << 10,
	.max_value = 4096,
};

static const struct sfshm_policy again = {
	.size = sizeof(again),
	.flags = SFSHM_REFRESH,
	.ttl_ms = SFSHM_FOREVER,
};

static struct shm_header header;
static uint64_t slot_at_byte, cold_at_byte;
static uint32_t slot_index;

/* A segment with one value, which nobody has open. */
static void make(void)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };

	forge_make(&small);
	assert_true(watch_key("key", &info));
	watch_end();
	slot_index = info.index;
	forge_read(0, &header, sizeof(header));
	slot_at_byte =
		header.geometry.slots_at + slot_index * sizeof(struct shm_slot);
	cold_at_byte =
		header.geometry.desks_at + slot_index * sizeof(struct shm_desk);
}

static uint64_t read_ctl(void)
{
	uint64_t ctl;

	forge_read(slot_at_byte + offsetof(struct shm_slot, ctl), &ctl,
		   sizeof(ctl));
	return ctl;
}

static void write_ctl(uint64_t ctl)
{
	forge_write(slot_at_byte + offsetof(struct shm_slot, ctl), &ctl,
		    sizeof(ctl));
}

static void write_participant(uint32_t index, size_t offset, const void *data,
			      size_t len)
{
	const uint32_t all = small.participants;

	forge_write(offsetof(struct shm_header, participants_used), &all,
		    sizeof(all));
	forge_write(header.geometry.participants_at +
			    index * sizeof(struct shm_participant) + offset,
		    data, len);
}

static void keep_if_like(const char *finding, void *wanted)
{
	char **text = wanted;

	if (*text && strstr(finding, *text))
		*text = NULL;
}

/* How many findings; one of them has these words. */
static int findings(const char *words)
{
	struct sfshm *h = segment_open(NULL);
	const char *left = words;
	int n = sfshm_verify(h, keep_if_like, &left);

	if (left)
		fail_msg("%d findings, none of them has \"%s\"", n, words);
	assert_int_equal(sfshm_close(h), 0);
	return n;
}

static void a_leader_that_nobody_is(void **state)
{
	(void)state;
	make();
	write_ctl(ctl_make(ctl_gen(read_ctl()), 0, PHASE_BUSY, 0));
	assert_in_range(findings("is busy and has no owner"), 1, 10);
}

static void a_mutex_of_noise(void **state)
{
	uint8_t noise[48];

	(void)state;
	make();
	memset(noise, 0x5a, sizeof(noise));
	write_participant(30, 0, noise, sizeof(noise));
	assert_in_range(findings("participant 30's mutex is damaged"), 1, 10);
}

static void notes_of_nobody(void **state)
{
	const uint32_t noted = 6;

	(void)state;
	make();
	write_participant(30, offsetof(struct shm_participant, owned), &noted,
			  sizeof(noted));
	assert_int_equal(
		findings(
			"participant 30 is gone, though its record notes slot 5"),
		1);
}

/* More than are told are counted all the same. */
static void a_great_many(void **state)
{
	uint32_t owned[SHM_OWNED];

	(void)state;
	make();
	for (int i = 0; i < SHM_OWNED; i++)
		owned[i] = 6;
	for (uint32_t i = 10; i < small.participants; i++)
		write_participant(i, offsetof(struct shm_participant, owned),
				  owned, sizeof(owned));
	assert_int_equal(
		findings(
			"participant 10 is gone, though its record notes slot 5"),
		(small.participants - 10) * SHM_OWNED);
}

static int view_slot(void)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *v;
	int r;

	assert_int_equal(sfshm_view_open(&v, segment, NULL, 0), 0);
	r = sfshm_view_slot(v, slot_index, &info);
	sfshm_view_close(v);
	return r;
}

static uint64_t back_at(unsigned int which)
{
	return cold_at_byte + offsetof(struct shm_desk, back) +
	       which * sizeof(struct shm_back);
}

static void write_back(unsigned int which, uint32_t len, uint32_t ref)
{
	const uint32_t both[] = { ref, len };

	forge_write(back_at(which), both, sizeof(both));
}

static void lengths_and_places_beyond_all_bounds(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	const uint8_t data[1000] = { 0 };
	struct sfshm_flight flight;
	struct shm_back value;
	struct sfshm *h;
	uint64_t ctl;

	(void)state;
	make();
	h = segment_open(NULL);
	assert_int_equal(sfshm_begin(h, "key", 3, &again, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, data, sizeof(data)), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(view_slot(), 0);
	ctl = read_ctl();
	forge_read(back_at(ctl_cur(ctl)), &value, sizeof(value));
	write_back(ctl_cur(ctl), small.max_value + 1, 1);
	assert_int_equal(view_slot(), -EBADMSG);
	/* A failure's message. */
	write_back(ctl_cur(ctl), sizeof(data), value.ref);
	write_ctl(ctl_with(ctl, PHASE_FAILED, 0));
	write_back(!ctl_cur(ctl), sizeof(data), value.ref);
	assert_int_equal(view_slot(), -EBADMSG);
	write_back(!ctl_cur(ctl), 5, UINT32_MAX);
	assert_int_equal(view_slot(), -EBADMSG);
	write_back(!ctl_cur(ctl), 0, 0);
	assert_int_equal(view_slot(), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(a_leader_that_nobody_is),
		in_segment(a_mutex_of_noise),
		in_segment(notes_of_nobody),
		in_segment(a_great_many),
		in_segment(lengths_and_places_beyond_all_bounds),
	};

	return test_main(tests);
}
