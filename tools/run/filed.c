/* SPDX-License-Identifier: MIT */
#include "filed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "failure.h"
#include "follow.h"
#include "lead.h"
#include "place.h"
#include "record.h"
#include "signals.h"
#include "stream.h"
#include "sweep.h"
#include "watcher.h"

/* Tries, if others keep removing the file before this process opens it. */
#define ATTEMPTS 8
#define BUFFER 65536

/*
 * The folder must belong to this user, and no other user may write to it,
 * because callers take the files in it as results.
 */
static int check_folder(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return st.st_uid != geteuid() || st.st_mode & 022 ? EPERM : 0;
}

/* Makes the user's own folder if it is missing. Returns 0 or errno. */
static int own_folder(char path[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME");

	if (cache && cache[0] == '/') {
		if (mkdir(cache, 0700) && errno != EEXIST)
			return errno;
		snprintf(path, PATH_MAX, "%s/sfshm-run", cache);
	} else {
		snprintf(path, PATH_MAX, "/var/tmp/sfshm-run.%u",
			 (unsigned int)geteuid());
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return errno;
	return check_folder(path);
}

/* Chooses the file of this segment's key. 0, or -1 with a complaint in *o. */
static int choose_path(const struct invocation *inv, char path[PATH_MAX],
		       struct outcome *o)
{
	const struct options *options = &inv->options;
	char folder[PATH_MAX], segment[PATH_MAX];
	XXH128_hash_t hash;
	int r = 0;

	if (options->dir) {
		snprintf(folder, sizeof(folder), "%s", options->dir);
		r = access(folder, W_OK | X_OK) ? errno : 0;
	} else {
		r = own_folder(folder);
	}
	if (r) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "%s: %s; choose a directory with --dir", folder,
			     r == EPERM ? "others may write to it" :
					  strerror(r));
		return -1;
	}
	if (sfshm_path(options->segment, segment, sizeof(segment)))
		segment[0] = '\0';
	hash = XXH3_128bits_withSeed(options->key, options->key_len,
				     XXH3_64bits(segment, strlen(segment)));
	r = snprintf(path, PATH_MAX,
		     "%s/%016" PRIx64 "%016" PRIx64 SWEEP_SUFFIX, folder,
		     hash.high64, hash.low64);
	if (r < PATH_MAX)
		return 0;
	outcome_fail(o, RUN_EXIT_FAILURE,
		     "--dir: the path is too long; choose a shorter one");
	return -1;
}

/* Writes out `len` bytes of the file. Returns 0 or errno. */
static int send_part(int to, int fd, uint64_t at, uint64_t len)
{
	char buffer[BUFFER];
	ssize_t n;
	int r;

	for (; len; at += (uint64_t)n, len -= (uint64_t)n) {
		n = record_read_at(fd, buffer,
				   len < sizeof(buffer) ? len : sizeof(buffer),
				   at);
		if (n <= 0)
			return n ? (int)-n : EIO;
		r = stream_send(to, buffer, (size_t)n);
		if (r)
			return r;
	}
	return 0;
}

static void send_file(struct invocation *inv, int fd, struct outcome *o)
{
	struct record_header header;
	struct record record;
	uint64_t from;
	int out, err;

	if (record_read(fd, &header, &record)) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "key %s: its file is not from sfshm-run; "
			     "remove it",
			     inv->key_text);
		return;
	}
	outcome_status(o, record.kind, record.code);
	from = invocation_skip(inv->shown_out, record.out_len);
	out = send_part(STDOUT_FILENO, fd, from, record.out_len - from);
	from = invocation_skip(inv->shown_err, record.err_len);
	err = send_part(STDERR_FILENO, fd, record.out_len + from,
			record.err_len - from);
	invocation_write_failed(o, "standard output", out);
	invocation_write_failed(o, "standard error", err);
}

static void tell(struct outcome *o, int r, const struct sfshm_save_info *info)
{
	const struct sfshm_result result = {
		.shared = 1,
		.generation = info->generation,
		.age_ns = info->age_ns,
	};

	outcome_source(o, r, &result);
}

/* Sweeps the program's own folder only: others may use the one of --dir. */
static void sweep_own(const struct invocation *inv)
{
	char folder[PATH_MAX];

	if (!inv->options.dir && !own_folder(folder))
		sweep_folder(folder);
}

/* What begin() returns when *o says why the call goes no further. */
#define FAILED INT_MIN

/*
 * Begins the save. A call that is to tell what it waits for first tries without
 * waiting.
 */
static int begin(struct invocation *inv, const char *path,
		 struct sfshm_save_info *info, struct outcome *o)
{
	const struct options *options = &inv->options;
	bool watched = watcher_wanted(inv) || follow_wanted(inv);
	struct sfshm_save_options how = {
		.size = sizeof(how),
		.flags = (options->no_wait || watched ? SFSHM_SAVE_TRY : 0u) |
			 (options->refresh ? SFSHM_SAVE_AGAIN : 0u),
		.reserve_ms = options->lock_age_ms,
		.ttl_ms = options->ttl_ms,
		.deadline_ns = inv->deadline_ns,
		.cancel = signals_token(),
	};
	int r = sfshm_save_begin(inv->session.handle, options->key,
				 options->key_len, path, &how, &inv->file,
				 info);

	if (r != -EBUSY || !watched)
		return r;
	if (!watcher_start(inv, o))
		return FAILED;
	follow_start(inv);
	how.flags &= ~(uint32_t)SFSHM_SAVE_TRY;
	r = sfshm_save_begin(inv->session.handle, options->key,
			     options->key_len, path, &how, &inv->file, info);
	watcher_end(inv);
	return r;
}

static void lead(struct invocation *inv, const char *path,
		 const struct sfshm_save_info *info, struct outcome *o)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	follow_drop(inv, true);
	inv->save = &inv->file;
	result.owner_died = info->owner_died;
	place_note(inv, path);
	invocation_lead(inv, sfshm_save_flight(inv->save), &result, o);
	sweep_own(inv);
}

static void share_failure(struct invocation *inv,
			  const struct sfshm_save_info *info, struct outcome *o)
{
	tell(o, SFSHM_AWAITED, info);
	if (!follow_finish(inv, info->generation, o) &&
	    !failure_follow(inv, info->code, info->message, o))
		invocation_failed(inv, info->code, info->message, o);
}

/* True: the file was removed before it was opened. */
static bool show(struct invocation *inv, int r,
		 const struct sfshm_save_info *info, struct outcome *o)
{
	int fd = open(info->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		follow_drop(inv, errno == ENOENT);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0) {
		outcome_fail(o, RUN_EXIT_FAILURE, "key %s: %s: %s",
			     inv->key_text, info->path, strerror(errno));
		return false;
	}
	tell(o, r, info);
	if (!follow_finish(inv, info->generation, o) && invocation_may_write(o))
		send_file(inv, fd, o);
	close(fd);
	return false;
}

/* Tries once. True: try again, the file was removed before it was opened. */
static bool ask(struct invocation *inv, const char *path, struct outcome *o)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	int r = begin(inv, path, &info, o);

	if (r == FAILED)
		return false;
	if (r == SFSHM_LEADER) {
		lead(inv, path, &info, o);
	} else if (r == -EREMOTEIO || (r == -ENOENT && info.code)) {
		share_failure(inv, &info, o);
	} else if (r < 0) {
		follow_drop(inv, false);
		invocation_not_begun(inv, r, o);
	} else {
		return show(inv, r, &info, o);
	}
	return false;
}

void invocation_filed(struct invocation *inv, struct outcome *o)
{
	char path[PATH_MAX];

	if (choose_path(inv, path, o))
		return;
	for (int i = 0; i < ATTEMPTS; i++)
		if (!ask(inv, path, o))
			return;
	outcome_fail(o, RUN_EXIT_FAILURE,
		     "key %s: %s cannot be opened: %s; try again",
		     inv->key_text, path, strerror(errno));
}
