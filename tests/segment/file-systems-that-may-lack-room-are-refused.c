/* SPDX-License-Identifier: MIT */
/*
 * The library neither makes nor opens a segment where a page that has its room
 * may need other room when it is written again: if there is none, the write is
 * a SIGBUS.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include "crowd.h"
#include "testing.h"

/* In a place of this process's own. */
static char folder[] = "/var/tmp/sfshm-test.XXXXXX";
static char image[64], mounted[64], name[128];
static char why[256];

/* What a shell says of it; its output is shown if it fails. */
static bool shell(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	return system(command) == 0;
}

/* Makes that file system and mounts it; false: it cannot be had here. */
static bool mount_new(const char *type)
{
	char make[64];

	umount2(mounted, MNT_DETACH);
	unlink(image);
	snprintf(make, sizeof(make), "mkfs.%s -q", type);
	return shell("truncate -s 400M %s && %s", image, "true") &&
	       shell("PATH=$PATH:/usr/sbin:/sbin; %s %s >/dev/null 2>&1", make,
		     image) &&
	       shell("mount -o loop %s %s 2>/dev/null", image, mounted);
}

static int try_open(uint32_t flags)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = flags,
		.slots = 64,
		.bytes = 1 << 20,
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *h;
	int r = sfshm_open(&h, name, &o);

	return r ? r : sfshm_close(h);
}

/* A segment that somebody has copied there. */
static void copy_there(void)
{
	const struct sfshm_options o = { .slots = 64, .bytes = 1 << 20 };
	char path[256];

	assert_int_equal(sfshm_close(segment_open(&o)), 0);
	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	assert_true(shell("cp -p %s %s", path, name));
}

static void is_refused(const char *type)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *h;

	assert_int_equal(try_open(SFSHM_CREATE), -EOPNOTSUPP);
	assert_non_null(strstr(why, type));
	assert_non_null(strstr(why, "/dev/shm"));
	assert_int_equal(access(name, F_OK), -1);
	copy_there();
	assert_int_equal(try_open(0), -EOPNOTSUPP);
	assert_non_null(strstr(why, type));
	assert_int_equal(sfshm_open_fd(&h, open(name, O_RDWR), &o),
			 -EOPNOTSUPP);
	assert_non_null(strstr(why, type));
}

static void btrfs(void **state)
{
	(void)state;
	if (!mount_new("btrfs"))
		skip();
	is_refused("btrfs");
}

/* What is below it may be anything. */
static void overlayfs(void **state)
{
	(void)state;
	umount2(mounted, MNT_DETACH);
	if (mount("none", mounted, "tmpfs", 0, NULL) ||
	    !shell("mkdir %s/lower %s/upper", mounted, mounted) ||
	    !shell("mkdir %s/work %s/all", mounted, mounted) ||
	    !shell("cd %s && mount -t overlay none -o lowerdir=lower,"
		   "upperdir=upper,workdir=work %s/all 2>/dev/null",
		   mounted, mounted))
		skip();
	snprintf(name, sizeof(name), "%s/all/segment", mounted);
	is_refused("overlayfs");
	snprintf(name, sizeof(name), "%s/segment", mounted);
}

/* Unless the file shares its blocks with another one. */
static void not_xfs(void **state)
{
	char copy[140];
	int from, to, r;

	(void)state;
	if (!mount_new("xfs"))
		skip();
	assert_int_equal(try_open(SFSHM_CREATE), 0);
	assert_int_equal(try_open(0), 0);
	snprintf(copy, sizeof(copy), "%s.copy", name);
	from = open(name, O_RDONLY);
	to = open(copy, O_RDWR | O_CREAT, 0600);
	assert_true(from >= 0 && to >= 0);
	r = ioctl(to, FICLONE, from);
	close(from);
	close(to);
	if (r)
		skip();
	assert_int_equal(try_open(0), -EOPNOTSUPP);
	assert_non_null(strstr(why, "shares blocks"));
	assert_int_equal(unlink(copy), 0);
	/* It lets go of the blocks in its own time. */
	assert_true(eventually(try_open(0) == 0));
}

static void not_ext4(void **state)
{
	(void)state;
	if (!mount_new("ext4"))
		skip();
	assert_int_equal(try_open(SFSHM_CREATE), 0);
	assert_int_equal(try_open(0), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(btrfs),
		in_segment(overlayfs),
		in_segment(not_xfs),
		in_segment(not_ext4),
	};
	int failed;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return skip_all("to mount file systems takes root");
	if (!mkdtemp(folder))
		return 1;
	snprintf(image, sizeof(image), "%s/image", folder);
	snprintf(mounted, sizeof(mounted), "%s/mounted", folder);
	snprintf(name, sizeof(name), "%s/segment", mounted);
	if (mkdir(mounted, 0700))
		return 1;
	failed = test_main(tests);
	umount2(mounted, MNT_DETACH);
	unlink(image);
	rmdir(mounted);
	rmdir(folder);
	return failed;
}
