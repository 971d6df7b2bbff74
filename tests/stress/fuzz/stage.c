/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sfshm/flight.h>

#include "guard.h"
#include "image.h"
#include "os/sys.h"
#include "outside.h"
#include "segment/fingerprint.h"
#include "segment/mapping.h"

struct stage stage;

void stage_fault(const char *what, int number)
{
	fprintf(stderr, "FAULT: %s (%d)\n", what, number);
	abort();
}

static void demand(bool so, const char *what)
{
	if (!so)
		stage_fault(what, 0);
}

/* The number that the next descriptor gets. */
static int lowest_fd(void)
{
	int fd = dup(STDERR_FILENO), number = fd;

	close(fd);
	return number;
}

static void remove_files(void)
{
	static const char *const suffixes[] = { "", "~", "~new" };
	char path[sizeof(stage.path) + 4];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", stage.path, suffixes[i]);
		unlink(path);
	}
}

void stage_begin(const uint8_t *bytes, size_t size)
{
	struct stat st;
	int fd;

	stage.lowest_fd = lowest_fd();
	snprintf(stage.path, sizeof(stage.path), "/dev/shm/sfshm-fuzz.%d",
		 (int)getpid());
	remove_files();
	fd = open(stage.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || fstat(fd, &st))
		stage_fault("cannot write in /dev/shm", fd);
	stage.ino = st.st_ino;
	stage.size = size;
	stage.bytes = size ? guard_map_plainly(fd, size) : NULL;
	demand(!size || stage.bytes, "cannot map the file");
	memset(&stage.geometry, 0, sizeof(stage.geometry));
	if (size >= SHM_HEADER_SIZE)
		memcpy(&stage.geometry,
		       bytes + offsetof(struct shm_header, geometry),
		       sizeof(stage.geometry));
	close(fd);
}

void stage_grow(int more)
{
	off_t size = (off_t)stage.size + more;

	demand(!truncate(stage.path, size > 0 ? size : 0), "cannot truncate");
}

void stage_sign(void)
{
	struct shm_header *h = (void *)stage.bytes;

	h->checksum = header_checksum(h);
}

static int robust_left(void)
{
	struct robust_head *head = robust_head();

	return head && (void *)head->next != (void *)head;
}

/* A thread whose record says that it leads, pins or shares does not leave. */
static void forget_owned(void)
{
	struct shm_participant *p =
		(void *)(stage.bytes + stage.geometry.participants_at);

	for (uint32_t i = 0; i < stage.geometry.participants; i++) {
		p[i].owned_overflow = 0;
		memset(p[i].owned, 0, sizeof(p[i].owned));
		memset(p[i].pins, 0, sizeof(p[i].pins));
		memset(p[i].shared, 0, sizeof(p[i].shared));
	}
}

/* A thread leaves a segment that others have closed at its next call on any. */
static void sweep(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h;
	int fd = sfshm_memfd("sweep", &image_shape);

	if (fd < 0 || sfshm_open_fd(&h, fd, NULL))
		stage_fault("cannot make a segment", fd);
	(void)!sfshm_get(h, "key", 3, &result);
	sfshm_close(h);
}

void stage_end(void)
{
	/* A mapping that goes may hold another, which goes at the next call. */
	for (int i = 0; i < 3 && guard_count(); i++) {
		forget_owned();
		sweep();
	}
	if (stage.bytes)
		guard_unmap_plainly(stage.bytes, stage.size);
	remove_files();
	demand(guard_count() == 0, "a mapping is left");
	demand(lowest_fd() == stage.lowest_fd, "a descriptor is left");
	demand(!robust_left(), "a mutex is left in the robust list");
}
