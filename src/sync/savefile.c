/* SPDX-License-Identifier: MIT */
#include "sync/savefile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/hash.h"
#include "os/killpoint.h"
#include "os/process.h"
#include "os/sys.h"

#define HIDDEN ".sfshm-"
/* HIDDEN, the key's 16 digits, '-', up to 16 of the generation, NUL. */
#define HIDDEN_MAX 48
#define BUFFER 65536

bool savefile_named_only;

struct name {
	char text[SFSHM_SAVE_PATH_MAX + HIDDEN_MAX];
};

static int folder_len(const char *path)
{
	return (int)(strrchr(path, '/') - path);
}

static struct name folder_of(const char *path)
{
	struct name n;
	int len = folder_len(path);

	snprintf(n.text, sizeof(n.text), "%.*s", len ? len : 1, path);
	return n;
}

static struct name temporary_name(const char *path, uint64_t key,
				  uint64_t generation)
{
	struct name n;

	snprintf(n.text, sizeof(n.text),
		 "%.*s/" HIDDEN "%016" PRIx64 "-%" PRIx64, folder_len(path),
		 path, key, generation);
	return n;
}

/* The name of a whole file just before it replaces another one (SAVE-3). */
static struct name passing_name(const char *path, uint64_t key)
{
	struct name n;

	snprintf(n.text, sizeof(n.text), "%.*s/" HIDDEN "%016" PRIx64,
		 folder_len(path), path, key);
	return n;
}

int savefile_path(struct savefile *f, const char *path)
{
	char here[SFSHM_SAVE_PATH_MAX] = "";
	const char *base = strrchr(path, '/');
	int n;

	base = base ? base + 1 : path;
	if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return -EINVAL;
	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return errno == ERANGE ? -ENAMETOOLONG : -errno;
	n = snprintf(f->path, sizeof(f->path), "%s%s%s", here,
		     path[0] == '/' ? "" : "/", path);
	return n < (int)sizeof(f->path) ? 0 : -ENAMETOOLONG;
}

/*
 * Whether the name is that of a temporary file of the key's earlier
 * generations.
 */
static bool is_left_over(const char *name, const struct savefile *f)
{
	char mine[HIDDEN_MAX];
	uint64_t generation;
	char *end;
	int n = snprintf(mine, sizeof(mine), HIDDEN "%016" PRIx64 "-", f->key);

	if (strncmp(name, mine, (size_t)n) != 0)
		return false;
	generation = strtoull(name + n, &end, 16);
	return end != name + n && !*end && generation < f->generation;
}

/*
 * Removes the temporary files of the key's earlier generations. Their writers
 * have lost their flights, and may have died.
 */
static void clear_folder(const struct savefile *f)
{
	DIR *dir = opendir(folder_of(f->path).text);
	struct dirent *entry;

	if (!dir)
		return;
	/* The stream is this call's. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((entry = readdir(dir)))
		if (is_left_over(entry->d_name, f))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static int open_named(struct savefile *f, uint32_t mode)
{
	struct name name = temporary_name(f->path, f->key, f->generation);

	clear_folder(f);
	unlink(name.text);
	f->fd = open(name.text,
		     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (f->fd < 0)
		return -errno;
	f->named = true;
	return 0;
}

/* Whether a file without a name can be given one later. */
static bool may_be_unnamed(void)
{
	return !savefile_named_only && !access("/proc/self/fd", X_OK);
}

static int open_temporary(struct savefile *f, uint32_t mode)
{
	f->named = false;
	if (may_be_unnamed()) {
		f->fd = open(folder_of(f->path).text,
			     O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
		if (f->fd >= 0)
			return 0;
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
			return -errno;
	}
	return open_named(f, mode);
}

int savefile_open(struct savefile *f, uint32_t mode)
{
	int state = uncancelled_begin();
	int r = open_temporary(f, mode);

	uncancelled_end(state);
	return r;
}

static void identify(const struct stat *st, struct savefile_sum *sum)
{
	sum->device = st->st_dev;
	sum->inode = st->st_ino;
	sum->changed = (uint64_t)st->st_ctim.tv_sec * NS_PER_S +
		       (uint64_t)st->st_ctim.tv_nsec;
}

int savefile_look(int fd, struct savefile_sum *sum)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	identify(&st, sum);
	return 0;
}

int savefile_sum(int fd, struct savefile_sum *sum)
{
	XXH3_state_t *state = XXH3_createState();
	char *buffer = malloc(BUFFER);
	ssize_t n = 0;
	int r = savefile_look(fd, sum);

	sum->bytes = 0;
	if (!state || !buffer)
		r = -ENOMEM;
	else
		XXH3_64bits_reset(state);
	while (!r) {
		n = pread(fd, buffer, BUFFER, (off_t)sum->bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		XXH3_64bits_update(state, buffer, (size_t)n);
		sum->bytes += (uint64_t)n;
	}
	if (!r && n < 0)
		r = -errno;
	if (!r)
		sum->checksum = XXH3_64bits_digest(state);
	free(buffer);
	XXH3_freeState(state);
	return r;
}

int savefile_sync(const struct savefile *f)
{
	return fsync(f->fd) ? -errno : 0;
}

int savefile_sync_folder(const struct savefile *f)
{
	int fd = open(folder_of(f->path).text,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) ? -errno : 0;
	close(fd);
	return r;
}

static int link_to(int fd, const char *name)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW))
		return -errno;
	return 0;
}

/* Whether the file has this name. */
static bool has_name(const struct savefile *f, const char *name)
{
	struct stat here, there;

	return !fstat(f->fd, &here) && !lstat(name, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* There is a file at the path: a link cannot replace it, a rename can. */
static int replace(struct savefile *f, const char *passing)
{
	int r = has_name(f, passing) ? 0 : link_to(f->fd, passing);

	if (r)
		return r;
	kill_point(save_passing);
	/*
	 * A writer that loses its reservation at this point renames whatever
	 * file has the passing name by then. If another writer has done that
	 * with this file, this rename fails, but the file is under its path.
	 */
	if (!rename(passing, f->path))
		return 0;
	r = -errno;
	return has_name(f, f->path) ? 0 : r;
}

void savefile_make_way(const struct savefile *f)
{
	unlink(passing_name(f->path, f->key).text);
}

/*
 * Removes the passing name, if the file has it. Called only once the file is
 * under its path, or given up: a file that has lost its last name cannot get
 * another.
 */
static void forget_passing(const struct savefile *f)
{
	struct name passing = passing_name(f->path, f->key);

	if (has_name(f, passing.text))
		unlink(passing.text);
}

int savefile_link(struct savefile *f)
{
	struct name name = temporary_name(f->path, f->key, f->generation);
	int r;

	if (has_name(f, f->path))
		return 0;
	if (f->named) {
		f->named = rename(name.text, f->path) != 0;
		return f->named ? -errno : 0;
	}
	r = link_to(f->fd, f->path);
	if (r == -EEXIST)
		r = replace(f, passing_name(f->path, f->key).text);
	if (!r)
		forget_passing(f);
	return r;
}

void savefile_close(struct savefile *f)
{
	if (f->fd < 0)
		return;
	if (f->named)
		unlink(temporary_name(f->path, f->key, f->generation).text);
	else
		forget_passing(f);
	close(f->fd);
	f->fd = -1;
}

void savefile_clear(const char *path, uint64_t key, uint64_t generation)
{
	unlink(temporary_name(path, key, generation).text);
	unlink(passing_name(path, key).text);
}

static bool found_at(const char *path, struct savefile_sum *sum)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct savefile_sum is;
	struct stat st;
	bool found;

	if (fd < 0)
		return false;
	found = !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		(uint64_t)st.st_size == sum->bytes && !savefile_sum(fd, &is) &&
		is.bytes == sum->bytes && is.checksum == sum->checksum;
	if (found)
		*sum = is;
	close(fd);
	return found;
}

bool savefile_found(const char *path, struct savefile_sum *sum)
{
	int state = uncancelled_begin();
	bool found = found_at(path, sum);

	uncancelled_end(state);
	return found;
}

bool savefile_seen(const char *path, const struct savefile_sum *sum)
{
	struct savefile_sum is;
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	identify(&st, &is);
	return (uint64_t)st.st_size == sum->bytes && is.device == sum->device &&
	       is.inode == sum->inode && is.changed == sum->changed;
}
