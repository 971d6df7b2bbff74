/* SPDX-License-Identifier: MIT */
/* Commands about the segment as a whole. */
#include <stdio.h>
#include <string.h>

#include "lane.h"
#include "testing.h"

static void do_open(struct lane *lane, char *rest)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	const char *name = word(&rest);

	for (char *w = word(&rest); *w; w = word(&rest)) {
		if (sscanf(w, "slots=%u", &o.slots) == 1 ||
		    sscanf(w, "participants=%u", &o.participants) == 1 ||
		    sscanf(w, "max=%u", &o.max_value) == 1 ||
		    sscanf(w, "bytes=%lu", &o.bytes) == 1)
			continue;
		_exit(8);
	}
	reply_code(lane, sfshm_open(&handle, name, &o));
}

static void do_open_fd(struct lane *lane, char *rest)
{
	int fd;

	sscanf(rest, "%d", &fd);
	reply_code(lane, sfshm_open_fd(&handle, fd, NULL));
}

static void do_close(struct lane *lane, char *rest)
{
	(void)rest;
	reply_code(lane, sfshm_close(handle));
}

static void do_forget(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_forget(handle, rest, strlen(rest)));
}

static void do_purge(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", sfshm_purge(handle));
}

static void print_finding(const char *line, void *unused)
{
	(void)unused;
	fprintf(stderr, "# %s\n", line);
}

static void do_verify(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", sfshm_verify(handle, print_finding, NULL));
}

const struct command segment_commands[] = {
	{ "open", "NAME [slots=N] [participants=N] [max=N] [bytes=N]",
	  do_open },
	{ "open-fd", "FD", do_open_fd },
	{ "close", "", do_close },
	{ "forget", "KEY", do_forget },
	{ "purge", "", do_purge },
	{ "verify", "findings", do_verify },
	{ NULL, NULL, NULL },
};
