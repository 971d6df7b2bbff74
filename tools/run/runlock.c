/* SPDX-License-Identifier: MIT */
#include "runlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sfshm/segment.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clock.h"

/* About the time that a killed run's processes need to end. */
#define RETRY_MS 1

int runlock_open(const char *segment)
{
	char path[PATH_MAX];
	int r = sfshm_path(segment, path, sizeof(path));
	int fd;

	if (r)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return -errno;
	return fd;
}

/*
 * The run locks have the offsets from 2^61 on, behind the locks of records and
 * before those of doors, which begin at 2^62.
 */
static struct flock key_lock(short type, const void *key, size_t key_len)
{
	uint64_t hash = XXH3_64bits(key, key_len);

	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)((UINT64_C(1) << 61) | (hash >> 3)),
		.l_len = 1,
	};
}

int runlock_take(int fd, const void *key, size_t key_len, bool shared,
		 uint64_t deadline_ns, int wake_fd)
{
	short type = shared ? F_RDLCK : F_WRLCK;
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };

	for (int wait_ms = 0;; wait_ms = RETRY_MS) {
		struct flock lock = key_lock(type, key, key_len);

		if (poll(&wake, 1, wait_ms) > 0)
			return -ECANCELED;
		if (!fcntl(fd, F_OFD_SETLK, &lock))
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return -errno;
		if (deadline_ns && clock_now_ns() >= deadline_ns)
			return -ETIMEDOUT;
	}
}

void runlock_drop(int fd, const void *key, size_t key_len)
{
	struct flock lock = key_lock(F_UNLCK, key, key_len);

	fcntl(fd, F_OFD_SETLK, &lock);
}
