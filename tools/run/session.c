/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runlock.h"

/* Tries, if others keep removing the segment while this process opens it. */
#define ATTEMPTS 8

/*
 * Opens or makes the segment. An existing segment of this user may be open to
 * other users, because its maker chose its mode; one that is made here is not.
 */
static int open_or_make(struct session *session, const char *segment, char *why,
			size_t why_size)
{
	struct sfshm_options options = {
		.size = sizeof(options),
		.mode = 0666,
		.why = why,
		.why_size = why_size,
	};
	int r = sfshm_open(&session->handle, segment, &options);

	if (r != -ENOENT)
		return r;
	options.mode = 0;
	options.flags = SFSHM_CREATE;
	return sfshm_open(&session->handle, segment, &options);
}

/*
 * Reads the geometry. Opening a view drops this process's byte locks on the
 * file for a moment, so this comes before the first use of the handle, which
 * takes one.
 */
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

static int session_try(struct session *session, const char *segment, char *why,
		       size_t why_size)
{
	int r = open_or_make(session, segment, why, why_size);

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

/* Adds what to do to an error that users meet, where the line says little. */
static void add_advice(int error, const char *segment, char *why,
		       size_t why_size)
{
	char path[PATH_MAX], *slash;
	struct stat st;

	if (error == -EFBIG) {
		snprintf(why, why_size,
			 "the limit on the size of files is too low for a "
			 "segment; raise it with ulimit -f");
		return;
	}
	if (error != -ENOENT || sfshm_path(segment, path, sizeof(path)))
		return;
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	*slash = '\0';
	if (stat(path, &st))
		snprintf(why, why_size, "there is no directory %.150s; %s",
			 path,
			 strcmp(path, "/dev/shm") ?
				 "make it, or choose another one" :
				 "mount a tmpfs there, or give a path with -s");
}

int session_open(struct session *session, const char *segment, char *why,
		 size_t why_size)
{
	int r = -ENOENT;

	for (int i = 0; i < ATTEMPTS && r == -ENOENT; i++) {
		*why = '\0';
		r = session_try(session, segment, why, why_size);
	}
	if (r)
		add_advice(r, segment, why, why_size);
	if (r && !*why)
		snprintf(why, why_size, "%s", sfshm_strerror(r));
	return r;
}
