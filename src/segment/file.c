/* SPDX-License-Identifier: MIT */
#include "segment/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "os/errno-text.h"
#include "os/hash.h"
#include "os/process.h"
#include "segment/fingerprint.h"
#include "segment/geometry.h"
#include "segment/filesystem.h"
#include "segment/huge.h"
#include "segment/mapping.h"

/* From Linux 6.3 on. An older kernel makes the memfd executable: no harm. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static uint32_t wanted_mode(const struct sfshm_options *o)
{
	return o && o->mode ? o->mode : 0600;
}

static int fill_header(struct shm_header *h, const struct sfshm_options *o,
		       uint64_t predecessor)
{
	struct timespec now;
	int r;

	memset(h, 0, sizeof(*h));
	memcpy(h->magic, SHM_MAGIC, sizeof(h->magic));
	h->version = SHM_VERSION;
	h->header_size = sizeof(*h);
	h->incompatible = SHM_BOOTTIME;
	r = geometry_choose(&h->geometry, o);
	if (r)
		return r;
	r = header_fingerprint(&h->fingerprint, o);
	if (r)
		return r;
	r = process_boot_id(h->boot_id);
	if (r)
		return r;
	h->time_ns = process_time_ns();
	h->seed = hash_random();
	clock_gettime(CLOCK_REALTIME, &now);
	h->created = (uint64_t)now.tv_sec;
	h->predecessor = predecessor;
	if (o && (o->flags & SFSHM_HUGE_PAGES))
		h->compatible |= SHM_HUGE;
	h->checksum = header_checksum(h);
	return 0;
}

/*
 * Reserves the header, the buckets and all that is between the buckets and the
 * slots, because a call may touch any of these. Callers reserve all else as it
 * comes into use.
 */
static int write_segment(int fd, const struct shm_header *h)
{
	const struct shm_geometry *g = &h->geometry;

	if (ftruncate(fd, (off_t)g->file_size))
		return -errno;
	if (fallocate(fd, 0, 0, SHM_HEADER_SIZE))
		return -errno;
	if (fallocate(fd, 0, (off_t)g->buckets_at,
		      (off_t)(g->slots_at - g->buckets_at)))
		return -errno;
	if (pwrite(fd, h, sizeof(*h), 0) != sizeof(*h))
		return -EIO;
	if (h->compatible & SHM_HUGE)
		huge_prepare(fd, g);
	return 0;
}

static int set_access(int fd, const struct sfshm_options *o)
{
	uid_t owner = (uid_t)-1;
	gid_t group = (gid_t)-1;

	if (o && (o->flags & SFSHM_SET_OWNER))
		owner = o->owner;
	if (o && (o->flags & SFSHM_SET_GROUP))
		group = o->group;
	if ((owner != (uid_t)-1 || group != (gid_t)-1) &&
	    fchown(fd, owner, group))
		return -errno;
	return fchmod(fd, wanted_mode(o)) ? -errno : 0;
}

static int fill_file(int fd, const struct sfshm_options *o,
		     uint64_t predecessor)
{
	struct shm_header h;
	int r = fill_header(&h, o, predecessor);

	if (!r)
		r = write_segment(fd, &h);
	if (!r)
		r = set_access(fd, o);
	if (r == -ENOSPC)
		options_explain(o, "no room in the file system for a segment; "
				   "make room, or make it smaller");
	return r;
}

static int open_nameless(const char *path, const struct sfshm_options *o)
{
	char dir[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	int fd;

	if (n >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, n);
	dir[n] = '\0';
	if (slash == path)
		strcpy(dir, "/");
	fd = open(n || slash == path ? dir : ".",
		  O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno == EOPNOTSUPP || errno == EISDIR)
		options_explain(o,
				"the file system of %s cannot make files "
				"without a name; use /dev/shm",
				path);
	return -errno;
}

int file_make(const char *path, const struct sfshm_options *o,
	      uint64_t predecessor)
{
	int fd = open_nameless(path, o);
	int r;

	if (fd < 0)
		return fd;
	r = filesystem_check(fd, path, o);
	if (!r)
		r = fill_file(fd, o, predecessor);
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* Linking by descriptor needs a privilege; linking through /proc does not. */
int file_link(int fd, const char *path)
{
	char self[64];

	if (!linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH))
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) ?
		       -errno :
		       0;
}

int file_create(const char *path, const struct sfshm_options *o,
		uint64_t predecessor)
{
	int fd = file_make(path, o, predecessor);
	int r;

	if (fd < 0)
		return fd;
	r = file_link(fd, path);
	close(fd);
	return r;
}

int file_create_memfd(const char *label, const struct sfshm_options *o)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd, r;

	label = label ? label : "sfshm";
	fd = memfd_create(label, flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(label, flags);

	if (fd < 0)
		return -errno;
	r = fill_file(fd, o, 0);
	if (!r && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		r = -errno;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

int file_check(const struct stat *st, const char *path,
	       const struct sfshm_options *o)
{
	uid_t owner = o && (o->flags & SFSHM_SET_OWNER) ? o->owner : geteuid();

	if (S_ISLNK(st->st_mode)) {
		options_explain(
			o,
			"%s is a symbolic link; give the path that it leads to",
			path);
		return -ELOOP;
	}
	if (!S_ISREG(st->st_mode)) {
		options_explain(o, "%s is not a regular file", path);
		return -EPROTO;
	}
	if (st->st_uid != owner) {
		options_explain(o, "%s belongs to user %u, not %u", path,
				(unsigned)st->st_uid, (unsigned)owner);
		return -EPERM;
	}
	if (st->st_mode & 07777 & ~wanted_mode(o)) {
		options_explain(o, "%s has mode %04o, more open than %04o",
				path, (unsigned)st->st_mode & 07777,
				wanted_mode(o));
		return -EPERM;
	}
	if ((o && (o->flags & SFSHM_SET_GROUP)) && st->st_gid != o->group) {
		options_explain(o, "%s belongs to group %u, not %u", path,
				(unsigned)st->st_gid, (unsigned)o->group);
		return -EPERM;
	}
	return 0;
}

int file_inspect(const char *path, const struct sfshm_options *o,
		 struct stat *st)
{
	if (lstat(path, st)) {
		if (errno == ENOENT)
			options_explain(o, "no segment at %s", path);
		return -errno;
	}
	return file_check(st, path, o);
}

static int why_not_opened(const char *path, const struct sfshm_options *o)
{
	int r = -errno;

	if (r == -ENOENT)
		return -EAGAIN;
	options_explain(o, "%s cannot be opened: %s", path,
			r == -ELOOP       ? "it is a symbolic link" :
			r == -EWOULDBLOCK ? "another process leases it" :
					    errno_text(-r));
	return r == -EWOULDBLOCK ? -EBUSY : r;
}

/*
 * Between file_inspect() and open() another file may have got the name, so this
 * checks the open file anew. O_NONBLOCK keeps a FIFO, or a file with a lease,
 * from holding up the opener. Closing the wrong file is harmless, because the
 * process has no byte locks on it, unless it has mapped that file by another
 * name.
 */
int file_open(const char *path, int flags, const struct sfshm_options *o,
	      struct stat *st)
{
	struct stat seen = *st;
	int fd = open(path,
		      flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return why_not_opened(path, o);
	r = fstat(fd, st) ? -errno : file_check(st, path, o);
	if (!r && (st->st_dev != seen.st_dev || st->st_ino != seen.st_ino ||
		   !st->st_nlink))
		r = -EAGAIN;
	if (!r)
		return fd;
	close(fd);
	return r;
}

/*
 * Whether a process has byte locks on the file, even a process that sees
 * another boot's id.
 */
static bool in_use(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* Removes the file if no process uses it. The caller has it locked by flock. */
static int remove_unused(const char *path, int fd,
			 const struct sfshm_options *o)
{
	struct stat mine, there;

	if (in_use(fd)) {
		options_explain(o,
				"%s is in use by processes that see another "
				"boot's id, perhaps in a container; use "
				"another name",
				path);
		return -EPROTO;
	}
	if (fstat(fd, &mine) || lstat(path, &there) ||
	    mine.st_dev != there.st_dev || mine.st_ino != there.st_ino)
		return 0;
	return unlink(path) ? -errno : 0;
}

int file_remove_stale(const char *path, int fd, const struct sfshm_options *o)
{
	int r;

	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		options_explain(o,
				"%s is left over from before the last boot, "
				"and another process is stuck removing it: "
				"end that process (lslocks names it), or "
				"remove the file",
				path);
		return -EBUSY;
	}
	r = remove_unused(path, fd, o);
	flock(fd, LOCK_UN);
	return r;
}
