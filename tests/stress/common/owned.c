/* SPDX-License-Identifier: MIT */
#include "owned.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm/inspect.h>

static bool is_of(pid_t pid, const struct sfshm_slot_info *info)
{
	return info->kind == SFSHM_KIND_VALUE &&
	       info->phase == SFSHM_PHASE_BUSY && info->owner_pid == pid;
}

static int count(const char *segment, pid_t pid)
{
	static struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	int n = 0, r;

	if (sfshm_view_open(&view, segment, NULL, 0))
		return 0;
	for (uint32_t i = 0; (r = sfshm_view_slot(view, i, &info)) != -ERANGE;
	     i++)
		n += !r && !info.torn && is_of(pid, &info);
	sfshm_view_close(view);
	return n;
}

/*
 * In a child: a process that opens a view of a segment drops the byte locks that
 * it has there, for a moment, and others may then take it for dead.
 */
int flights_owned(const char *segment)
{
	pid_t mine = getpid(), pid = fork();
	int status = 0;

	if (!pid)
		_exit(count(segment, mine));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 0;
	return WEXITSTATUS(status);
}
