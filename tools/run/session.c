/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/owner.h"
#include "runlock.h"

/* Tries, if others keep removing the segment while this process opens it. */
#define ATTEMPTS 8

void session_resolve(struct options *options, char *path)
{
	if (options->has_owner)
		options->segment =
			owner_path(options->segment, options->owner, path);
}

static bool is_others(const struct options *o)
{
	return o->has_owner && o->owner != geteuid();
}

/* Whether this process could not make a segment of that owner. */
static bool is_for_owner(const struct options *o)
{
	return is_others(o) && geteuid();
}

/*
 * Returns the most permissions that an existing segment may have. A user who
 * may write to the segment can harm this process. This user's own segment may
 * be open to others, because this user chose its mode. Another user's segment,
 * even root's, is different: this user did not choose its mode; and in a
 * directory where all may write, anybody may have given a second name to a
 * segment that is open to all. So only the caller can accept a segment of
 * another user that is open to all.
 */
static uint32_t widest_mode(const struct options *o)
{
	if (o->mode_bits)
		return o->mode_bits;
	return is_others(o) ? 0664 : 0666;
}

/*
 * Opens or makes the segment. One that is made here has the permissions of
 * --mode, or is this user's alone.
 */
static int open_or_make(struct session *session, const struct options *o,
			char *why, size_t why_size)
{
	struct sfshm_options options = {
		.size = sizeof(options),
		.flags = (o->has_owner ? SFSHM_SET_OWNER : 0u) |
			 (o->has_group ? SFSHM_SET_GROUP : 0u),
		.mode = widest_mode(o),
		.owner = o->owner,
		.group = o->group,
		.why = why,
		.why_size = why_size,
	};
	int r = sfshm_open(&session->handle, o->segment, &options);

	if (r != -ENOENT || is_for_owner(o))
		return r;
	options.mode = o->mode_bits;
	options.flags |= SFSHM_CREATE;
	return sfshm_open(&session->handle, o->segment, &options);
}

static int read_geometry(struct session *session, const char *segment,
			 char *why, size_t why_size)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	int r = sfshm_view_open(&view, segment, why, why_size);

	if (r)
		return r;
	r = sfshm_view_segment(view, &info);
	sfshm_view_close(view);
	session->max_value = info.max_value;
	return r;
}

static int session_try(struct session *session, const struct options *o,
		       char *why, size_t why_size)
{
	const char *segment = o->segment;
	int r = open_or_make(session, o, why, why_size);

	if (r)
		return r;
	r = read_geometry(session, segment, why, why_size);
	if (!r) {
		session->lock_fd = runlock_open(segment);
		r = session->lock_fd < 0 ? session->lock_fd : 0;
	}
	if (r && sfshm_close(session->handle))
		snprintf(why, why_size, "the handle cannot be closed");
	return r;
}

/* Appends text to the line. */
static void append(char *why, size_t why_size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *why, size_t why_size, const char *format, ...)
{
	size_t len = strlen(why);
	va_list args;

	va_start(args, format);
	vsnprintf(why + len, why_size - len, format, args);
	va_end(args);
}

/* Appends the option that accepts a segment of that user. */
static void append_owner(uid_t uid, char *why, size_t why_size)
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		append(why, why_size, " --owner %s", user->pw_name);
	else
		append(why, why_size, " --owner %u", (unsigned)uid);
}

/* Says which options would accept the file. */
static void advise_on_owner(const struct options *o, const struct stat *st,
			    char *why, size_t why_size)
{
	struct options accepting = *o;
	unsigned mode = (unsigned)st->st_mode & 0777;
	bool open_to_all;

	accepting.has_owner = true;
	accepting.owner = st->st_uid;
	open_to_all = mode & ~widest_mode(&accepting);
	append(why, why_size, "; if you trust %s, say",
	       mode & 0002 ? "all users" :
	       mode & 0020 ? "that user and the group" :
			     "that user");
	if (st->st_uid != (o->has_owner ? o->owner : geteuid()))
		append_owner(st->st_uid, why, why_size);
	if (open_to_all)
		append(why, why_size, " --mode %04o", mode);
	if (o->has_group && o->group != st->st_gid)
		append(why, why_size, " --group %u", (unsigned)st->st_gid);
}

static void advise_on_missing(const struct options *o, char *path, char *why,
			      size_t why_size)
{
	char *slash = strrchr(path, '/');
	struct stat st;

	if (is_for_owner(o)) {
		append(why, why_size,
		       "; its owner makes it, with sfshm-ctl create --mode");
		return;
	}
	if (!slash || slash == path)
		return;
	*slash = '\0';
	if (!stat(path, &st))
		return;
	*why = '\0';
	append(why, why_size, "there is no directory %.150s; %s", path,
	       strcmp(path, "/dev/shm") ?
		       "make it, or choose another one" :
		       "mount a tmpfs there, or give a path with -s");
}

/* Adds what to do to an error that users meet. */
static void add_advice(int error, const struct options *o, char *why,
		       size_t why_size)
{
	char path[PATH_MAX];
	struct stat st;

	if (!*why)
		snprintf(why, why_size, "%s", sfshm_strerror(error));
	if (sfshm_path(o->segment, path, sizeof(path)))
		return;
	if (error == -EFBIG)
		snprintf(why, why_size,
			 "the limit on the size of files is too low for a "
			 "segment; raise it with ulimit -f");
	else if (error == -ENOENT)
		advise_on_missing(o, path, why, why_size);
	else if (error == -EPERM && !lstat(path, &st) && S_ISREG(st.st_mode))
		advise_on_owner(o, &st, why, why_size);
	else if (error == -EACCES)
		append(why, why_size,
		       "; its owner opens it to others with chmod, or with "
		       "--mode when making it");
}

int session_open(struct session *session, const struct options *options,
		 char *why, size_t why_size)
{
	int r = -ENOENT;

	for (int i = 0; i < ATTEMPTS && r == -ENOENT; i++) {
		*why = '\0';
		r = session_try(session, options, why, why_size);
		if (r == -ENOENT && is_for_owner(options))
			break;
	}
	if (r)
		add_advice(r, options, why, why_size);
	return r;
}
