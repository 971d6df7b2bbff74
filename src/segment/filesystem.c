/* SPDX-License-Identifier: MIT */
/*
 * A segment's pages get their room before they are first touched, and must
 * keep it: if a later write finds no room, the writer gets a SIGBUS.
 *
 * A file system cannot promise that if it writes each change to a new place
 * (btrfs, ZFS, bcachefs), or keeps its files on another file system that this
 * process does not see (overlayfs, FUSE, a network). So this file lists the
 * file systems that can promise it, and refuses all others. xfs writes to a new
 * place only if a file shares its blocks with a copy.
 */
#include "segment/filesystem.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "segment/geometry.h"

#define XFS_MAGIC 0x58465342
#define BCACHEFS_MAGIC 0xca451a4e
#define ZFS_MAGIC 0x2fc12fc1

static const struct {
	unsigned int magic;
	const char *name; /* NULL: segments may live there */
} known[] = {
	{ TMPFS_MAGIC, NULL },
	{ RAMFS_MAGIC, NULL },
	{ EXT4_SUPER_MAGIC, NULL }, /* ext2 and ext3, too */
	{ XFS_MAGIC, NULL },
	{ BTRFS_SUPER_MAGIC, "btrfs" },
	{ BCACHEFS_MAGIC, "bcachefs" },
	{ ZFS_MAGIC, "ZFS" },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs" },
	{ FUSE_SUPER_MAGIC, "a FUSE file system" },
	{ NFS_SUPER_MAGIC, "NFS" },
	{ HUGETLBFS_MAGIC, "hugetlbfs" },
};

/* Whether the file shares blocks with another, as after `cp --reflink`. */
static bool shares_blocks(int fd)
{
	union {
		struct fiemap head;
		uint8_t room[sizeof(struct fiemap) +
			     32 * sizeof(struct fiemap_extent)];
	} map;
	struct fiemap_extent *e = map.head.fm_extents;
	uint64_t from = 0;

	for (;;) {
		memset(map.room, 0, sizeof(map.room));
		map.head.fm_start = from;
		map.head.fm_length = FIEMAP_MAX_OFFSET - from;
		map.head.fm_extent_count = 32;
		if (ioctl(fd, FS_IOC_FIEMAP, &map) ||
		    !map.head.fm_mapped_extents)
			return false;
		for (uint32_t i = 0; i < map.head.fm_mapped_extents; i++) {
			if (e[i].fe_flags & FIEMAP_EXTENT_SHARED)
				return true;
			if (e[i].fe_flags & FIEMAP_EXTENT_LAST)
				return false;
			from = e[i].fe_logical + e[i].fe_length;
		}
	}
}

static int refuse(const char *path, const char *name, unsigned int magic,
		  const struct sfshm_options *o)
{
	char number[32];

	if (!name) {
		snprintf(number, sizeof(number), "file system 0x%x", magic);
		name = number;
	}
	options_explain(o,
			"%s is on %s, which may have to find room when a page "
			"is written again (SIGBUS if it is full); use /dev/shm "
			"or another tmpfs, ext4 or xfs",
			path, name);
	return -EOPNOTSUPP;
}

int filesystem_check(int fd, const char *path, const struct sfshm_options *o)
{
	const char *name = NULL;
	bool allowed = false;
	unsigned int magic;
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return -errno;
	magic = (unsigned int)fs.f_type;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].magic != magic)
			continue;
		name = known[i].name;
		allowed = !name;
	}
	if (!allowed)
		return refuse(path, name, magic, o);
	if (magic != XFS_MAGIC || !shares_blocks(fd))
		return 0;
	options_explain(o,
			"%s shares blocks with a copy (cp --reflink), and may "
			"have to find room when a page is written again "
			"(SIGBUS if there is none): remove the copy, or use "
			"/dev/shm",
			path);
	return -EOPNOTSUPP;
}
