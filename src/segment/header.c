/* SPDX-License-Identifier: MIT */
/* Checks a file's header before this library maps the file. */
#include <errno.h>
#include <string.h>

#include <sfshm/segment.h>

#include "os/hash.h"
#include "os/process.h"
#include "segment/fingerprint.h"
#include "segment/geometry.h"
#include "segment/mapping.h"

uint64_t header_checksum(const struct shm_header *h)
{
	return hash_bytes(h, offsetof(struct shm_header, checksum), 0);
}

static int check_format(const struct shm_header *h,
			const struct sfshm_options *o)
{
	if (memcmp(h->magic, SHM_MAGIC, sizeof(h->magic))) {
		options_explain(o, "not a segment: the file does not begin "
				   "with a segment's mark");
		return -EPROTO;
	}
	if (h->version != SHM_VERSION || h->header_size != sizeof(*h)) {
		options_explain(o,
				"layout version %u, this library uses %u: "
				"remove the segment or use the other library",
				h->version, SHM_VERSION);
		return -EPROTO;
	}
	if (h->checksum != header_checksum(h)) {
		options_explain(o, "damaged: the header's checksum does not "
				   "match; remove the segment");
		return -EPROTO;
	}
	if (!(h->incompatible & SHM_BOOTTIME)) {
		options_explain(o, "made by an older library, whose values do "
				   "not age while the host is suspended; "
				   "remove the segment or use that library");
		return -EPROTO;
	}
	if (h->incompatible & ~SHM_BOOTTIME) {
		options_explain(o,
				"made with features (0x%llx) that this "
				"library does not know; use a newer library",
				(unsigned long long)(h->incompatible &
						     ~SHM_BOOTTIME));
		return -EPROTO;
	}
	return 0;
}

/* Without /proc the boot is unknown, and not compared. */
static bool known(const uint8_t boot[16])
{
	static const uint8_t unknown[16];

	return memcmp(boot, unknown, sizeof(unknown)) != 0;
}

int header_fingerprint(struct shm_fingerprint *f, const struct sfshm_options *o)
{
	int r = fingerprint_read(f);

	if (r == -ENOSYS)
		options_explain(o, "robust mutexes do not work here: this "
				   "kernel, or what emulates it, has no "
				   "get_robust_list(2); run on Linux itself");
	return r;
}

static int check_host(const struct shm_header *h, const struct sfshm_options *o)
{
	struct shm_fingerprint mine;
	uint8_t boot[16];
	uint64_t time_ns = process_time_ns();
	int r = header_fingerprint(&mine, o);

	if (r)
		return r;
	if (memcmp(&mine, &h->fingerprint, sizeof(mine))) {
		options_explain(o, "made with another libc, whose mutexes "
				   "differ; use one libc for one segment");
		return -EPROTO;
	}
	r = process_boot_id(boot);
	if (r) {
		options_explain(o, "cannot read this boot's id");
		return r;
	}
	if (known(boot) && known(h->boot_id) &&
	    memcmp(boot, h->boot_id, sizeof(boot))) {
		options_explain(o, "made before the last boot; open it with "
				   "SFSHM_CREATE to make it anew");
		return -ESTALE;
	}
	if (h->time_ns && time_ns && h->time_ns != time_ns) {
		options_explain(o, "made in another time namespace, where "
				   "clocks differ; use another name");
		return -EPROTO;
	}
	return 0;
}

int header_check(const struct shm_header *h, uint64_t file_size,
		 const struct sfshm_options *o)
{
	int r = check_format(h, o);

	if (r)
		return r;
	if (geometry_check(&h->geometry) ||
	    h->geometry.file_size != file_size) {
		options_explain(o,
				"damaged: %llu bytes where the header asks for "
				"%llu, or its regions are impossible; remove "
				"the segment",
				(unsigned long long)file_size,
				(unsigned long long)h->geometry.file_size);
		return -EPROTO;
	}
	return check_host(h, o);
}
