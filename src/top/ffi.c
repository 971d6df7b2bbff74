/* SPDX-License-Identifier: MIT */
/* The calls for foreign function interfaces, which see no macros. */
#include <sfshm/ffi.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Every struct with a `size` begins with it. */
static void init(void *it, size_t size)
{
	memset(it, 0, size);
	memcpy(it, &size, sizeof(size));
}

void sfshm_options_init(struct sfshm_options *options, size_t size)
{
	init(options, size);
}

void sfshm_policy_init(struct sfshm_policy *policy, size_t size)
{
	init(policy, size);
}

void sfshm_result_init(struct sfshm_result *result, size_t size)
{
	init(result, size);
}

void sfshm_walk_init(struct sfshm_walk *walk, size_t size)
{
	init(walk, size);
}

void sfshm_lock_options_init(struct sfshm_lock_options *options, size_t size)
{
	init(options, size);
}

void sfshm_semaphore_options_init(struct sfshm_semaphore_options *options,
				  size_t size)
{
	init(options, size);
}

void sfshm_semaphore_info_init(struct sfshm_semaphore_info *info, size_t size)
{
	init(info, size);
}

void sfshm_save_options_init(struct sfshm_save_options *options, size_t size)
{
	init(options, size);
}

void sfshm_save_info_init(struct sfshm_save_info *info, size_t size)
{
	init(info, size);
}

void sfshm_segment_info_init(struct sfshm_segment_info *info, size_t size)
{
	init(info, size);
}

void sfshm_participant_info_init(struct sfshm_participant_info *info,
				 size_t size)
{
	init(info, size);
}

void sfshm_slot_info_init(struct sfshm_slot_info *info, size_t size)
{
	init(info, size);
}

void sfshm_histogram_info_init(struct sfshm_histogram_info *info, size_t size)
{
	init(info, size);
}

void sfshm_event_info_init(struct sfshm_event_info *info, size_t size)
{
	init(info, size);
}

void sfshm_fleet_options_init(struct sfshm_fleet_options *options, size_t size)
{
	init(options, size);
}

void sfshm_flight_init(struct sfshm_flight *flight)
{
	memset(flight, 0, sizeof(*flight));
}

void sfshm_fleet_flight_init(struct sfshm_fleet_flight *flight)
{
	memset(flight, 0, sizeof(*flight));
}

void sfshm_heartbeat_init(struct sfshm_heartbeat *heartbeat)
{
	memset(heartbeat, 0, sizeof(*heartbeat));
}

void sfshm_lock_init(struct sfshm_lock *lock)
{
	memset(lock, 0, sizeof(*lock));
}

void sfshm_permit_init(struct sfshm_permit *permit)
{
	memset(permit, 0, sizeof(*permit));
}

void sfshm_pin_init(struct sfshm_pin *pin)
{
	memset(pin, 0, sizeof(*pin));
}

void sfshm_save_init(struct sfshm_save *save)
{
	memset(save, 0, sizeof(*save));
}

void sfshm_cancel_init(struct sfshm_cancel *token)
{
	memset(token, 0, sizeof(*token));
}

struct sfshm_result *sfshm_result_new(void)
{
	struct sfshm_result *result = malloc(sizeof(*result));

	if (result)
		sfshm_result_init(result, sizeof(*result));
	return result;
}

void sfshm_result_free(struct sfshm_result *result)
{
	sfshm_result_clear(result);
	free(result);
}

#define FIELD(type, name, field)                                    \
	type sfshm_result_##name(const struct sfshm_result *result) \
	{                                                           \
		return result->field;                               \
	}

FIELD(const void *, data, value.data)
FIELD(size_t, len, value.len)
FIELD(int, source, source)
FIELD(int, code, code)
FIELD(int, leader, leader)
FIELD(int, shared, shared)
FIELD(int, owner_died, owner_died)
FIELD(int, uncached, uncached)
FIELD(int, stale, stale)
FIELD(int, coordinated, coordinated)
FIELD(int, fleet, fleet)
FIELD(uint64_t, generation, generation)
FIELD(uint64_t, age_ns, age_ns)
FIELD(const char *, message, message)

int sfshm_get_into(struct sfshm *h, const void *key, size_t key_len, void *buf,
		   size_t cap, size_t *len)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r;

	if (!len)
		return -EINVAL;
	*len = 0;
	if (cap && !buf)
		return -EINVAL;
	r = sfshm_get(h, key, key_len, &result);
	if (r == SFSHM_CACHED) {
		*len = result.value.len;
		if (*len > cap)
			r = -ERANGE;
		else if (*len)
			memcpy(buf, result.value.data, *len);
	}
	sfshm_result_clear(&result);
	return r;
}
