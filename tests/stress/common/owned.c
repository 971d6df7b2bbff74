/* SPDX-License-Identifier: MIT */
#include "owned.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <sfshm/inspect.h>

static bool is_of(pid_t pid, const struct sfshm_slot_info *info)
{
	return info->kind == SFSHM_KIND_VALUE &&
	       info->phase == SFSHM_PHASE_BUSY && info->owner_pid == pid;
}

int flights_owned(const char *segment)
{
	static struct sfshm_slot_info info = { .size = sizeof(info) };
	struct sfshm_view *view;
	int n = 0, r;

	if (sfshm_view_open(&view, segment, NULL, 0))
		return 0;
	for (uint32_t i = 0; (r = sfshm_view_slot(view, i, &info)) != -ERANGE;
	     i++)
		n += !r && !info.torn && is_of(getpid(), &info);
	sfshm_view_close(view);
	return n;
}
