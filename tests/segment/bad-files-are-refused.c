/* SPDX-License-Identifier: MIT */
/*
 * The library refuses a file that is no segment, or one that it cannot use,
 * with a line that says why. It changes nothing and does not crash.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "forge.h"
#include "segment/mapping.h"
#include "watch.h"

static const struct sfshm_options small = { .slots = 64, .bytes = 64 << 10 };

static void empty_short_and_random_ones(void **state)
{
	uint8_t data[20000];

	(void)state;
	assert_int_equal(forge_try(0), -ENOENT);
	for (size_t len = 0; len <= sizeof(data); len += 1000) {
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 2654435761u >> 13);
		forge_replace(data, len);
		assert_int_equal(forge_try(0), -EPROTO);
		assert_int_equal(forge_try(SFSHM_CREATE), -EPROTO);
		memset(data, 0, sizeof(data));
		forge_replace(data, len);
		assert_int_equal(forge_try(0), -EPROTO);
	}
}

static void truncated_and_extended_ones(void **state)
{
	struct stat st;

	(void)state;
	forge_make(&small);
	assert_int_equal(stat(watch_path(), &st), 0);
	assert_int_equal(truncate(watch_path(), st.st_size + 4096), 0);
	assert_int_equal(forge_try(0), -EPROTO);
	assert_int_equal(truncate(watch_path(), st.st_size), 0);
	assert_int_equal(forge_try(0), 0);
	for (off_t size = st.st_size - 1; size > 0; size /= 2) {
		assert_int_equal(truncate(watch_path(), size), 0);
		assert_int_equal(forge_try(0), -EPROTO);
	}
}

/* One bit at a time, in all that the checksum covers and the checksum. */
static void flipped_bits_of_the_header(void **state)
{
	const size_t end = offsetof(struct shm_header, checksum) + 8;
	uint8_t byte, flipped;

	(void)state;
	forge_make(&small);
	for (size_t at = 0; at < end; at++)
		for (int bit = 0; bit < 8; bit++) {
			forge_read(at, &byte, 1);
			flipped = byte ^ (uint8_t)(1 << bit);
			forge_write(at, &flipped, 1);
			assert_int_equal(forge_try(0), -EPROTO);
			forge_write(at, &byte, 1);
		}
	assert_int_equal(forge_try(0), 0);
}

/* A header that is sound in itself, but not this library's. */
static void refused_with(struct shm_header *header)
{
	struct shm_header good;

	forge_read(0, &good, sizeof(good));
	forge_write_header(header);
	assert_int_equal(forge_try(0), -EPROTO);
	forge_write(0, &good, sizeof(good));
	*header = good;
}

static void other_versions_libcs_and_shapes(void **state)
{
	struct shm_header h;

	(void)state;
	forge_make(&small);
	forge_read(0, &h, sizeof(h));
	h.version++;
	refused_with(&h);
	h.version--;
	refused_with(&h);
	h.header_size *= 2;
	refused_with(&h);
	h.incompatible |= 1 << 1;
	refused_with(&h);
	h.incompatible &= ~SHM_BOOTTIME;
	refused_with(&h);
	h.fingerprint.mutex_pattern ^= 1;
	refused_with(&h);
	h.fingerprint.word_offset += 4;
	refused_with(&h);
	h.fingerprint.mutex_size += 8;
	refused_with(&h);
	h.time_ns++;
	refused_with(&h);
	h.geometry.slots++;
	refused_with(&h);
	h.geometry.slots = 0;
	refused_with(&h);
	h.geometry.slots_at += 4096;
	refused_with(&h);
	h.geometry.granules = UINT32_MAX;
	refused_with(&h);
	h.geometry.participants = SHM_MAX_PARTICIPANTS + 1;
	refused_with(&h);
	h.geometry.buckets--;
	refused_with(&h);
	h.geometry.max_value = UINT32_MAX;
	refused_with(&h);
	h.geometry.file_size += 4096;
	refused_with(&h);
	/* Features that may be ignored are. */
	h.compatible = 1;
	forge_write_header(&h);
	assert_int_equal(forge_try(0), 0);
}

/* From before the last boot: refused, or made anew by who may make it. */
static void left_over_ones_are_replaced(void **state)
{
	struct shm_header h, anew;

	(void)state;
	forge_make(&small);
	forge_read(0, &h, sizeof(h));
	h.boot_id[3] ^= 0x55;
	forge_write_header(&h);
	assert_int_equal(forge_try(0), -EPROTO);
	assert_int_equal(forge_try(SFSHM_CREATE), 0);
	forge_read(0, &anew, sizeof(anew));
	assert_memory_not_equal(anew.boot_id, h.boot_id, sizeof(h.boot_id));
	assert_true(anew.seed != h.seed);
}

/* ... but not while somebody uses it. */
static void used_ones_are_not(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct shm_header h;
	struct sfshm *mine;
	pid_t pid;
	int go[2];

	(void)state;
	forge_make(&small);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		mine = segment_open(NULL);
		demand(sfshm_get(mine, "key", 3, &result) == SFSHM_CACHED);
		close(go[1]);
		_exit(read(go[0], &byte, 1) ? 1 : 0);
	}
	await_waiters("nobody", 0);
	assert_true(eventually(({
		uint32_t attached, alive;

		watch_participants(&attached, &alive);
		alive == 1;
	})));
	watch_end();
	forge_read(0, &h, sizeof(h));
	h.boot_id[3] ^= 0x55;
	forge_write_header(&h);
	assert_int_equal(forge_try(SFSHM_CREATE), -EPROTO);
	h.boot_id[3] ^= 0x55;
	forge_write_header(&h);
	assert_int_equal(forge_try(SFSHM_CREATE), 0);
	close(go[0]);
	close(go[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(empty_short_and_random_ones),
		in_segment(truncated_and_extended_ones),
		in_segment(flipped_bits_of_the_header),
		in_segment(other_versions_libcs_and_shapes),
		in_segment(left_over_ones_are_replaced),
		in_segment(used_ones_are_not),
	};

	return test_main(tests);
}
