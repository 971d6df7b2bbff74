/* SPDX-License-Identifier: MIT */
#include "forge.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "segment/mapping.h"
#include "watch.h"

void forge_make(const struct sfshm_options *o)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(o);
	struct sfshm_flight flight;

	assert_int_equal(sfshm_begin(h, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static int open_file(int flags)
{
	int fd = open(watch_path(), flags | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

void forge_write(uint64_t at, const void *data, size_t len)
{
	int fd = open_file(O_RDWR);

	assert_int_equal(pwrite(fd, data, len, (off_t)at), len);
	close(fd);
}

void forge_read(uint64_t at, void *data, size_t len)
{
	int fd = open_file(O_RDONLY);

	assert_int_equal(pread(fd, data, len, (off_t)at), len);
	close(fd);
}

void forge_write_header(struct shm_header *header)
{
	header->checksum = header_checksum(header);
	forge_write(0, header, sizeof(*header));
}

void forge_replace(const void *data, size_t len)
{
	int fd = open_file(O_RDWR | O_CREAT | O_TRUNC);

	if (len)
		assert_int_equal(write(fd, data, len), len);
	close(fd);
}

int forge_try(uint32_t flags)
{
	char why[256] = "";
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = flags,
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *h;
	int r = sfshm_open(&h, segment, &o);

	if (r == 0) {
		assert_int_equal(sfshm_close(h), 0);
		return 0;
	}
	assert_null(h);
	assert_true(strlen(why) > 0);
	assert_null(strchr(why, '\n'));
	return r;
}

/* The mapping of the last header. */
static struct shm_header *mapped;

void forge_map(struct forge_record *out)
{
	const size_t size = SHM_HEADER_SIZE + sizeof(*out->record);
	int fd = open_file(O_RDWR);

	if (mapped)
		munmap(mapped, size);
	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(mapped != MAP_FAILED);
	close(fd);
	out->record = (void *)((uint8_t *)mapped + SHM_HEADER_SIZE);
	out->word = (void *)(out->record->mutex_bytes +
			     mapped->fingerprint.word_offset);
}
