/* SPDX-License-Identifier: MIT */
/* Commands about the segment as a whole. */
#include <stdio.h>
#include <string.h>

#include <sfshm/inspect.h>
#include <sfshm/resize.h>

#include "lane.h"
#include "testing.h"

static char why[256];

static void parse_options(struct sfshm_options *o, char *rest)
{
	for (char *w = word(&rest); *w; w = word(&rest)) {
		if (sscanf(w, "slots=%u", &o->slots) == 1 ||
		    sscanf(w, "participants=%u", &o->participants) == 1 ||
		    sscanf(w, "max=%u", &o->max_value) == 1 ||
		    sscanf(w, "bytes=%lu", &o->bytes) == 1 ||
		    sscanf(w, "mode=%o", &o->mode) == 1)
			continue;
		if (sscanf(w, "owner=%u", &o->owner) == 1)
			o->flags |= SFSHM_SET_OWNER;
		else if (sscanf(w, "group=%u", &o->group) == 1)
			o->flags |= SFSHM_SET_GROUP;
		else if (!strcmp(w, "existing"))
			o->flags &= ~(uint32_t)SFSHM_CREATE;
		else
			_exit(8);
	}
	o->why = why;
	o->why_size = sizeof(why);
	why[0] = '\0';
}

static void do_open(struct lane *lane, char *rest)
{
	struct sfshm_options o = { .size = sizeof(o), .flags = SFSHM_CREATE };
	const char *name = word(&rest);

	parse_options(&o, rest);
	reply_code(lane, sfshm_open(&handle, name, &o));
}

static void do_why(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%s", why);
}

static void do_unlink(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_unlink(word(&rest)));
}

static void do_resize(struct lane *lane, char *rest)
{
	struct sfshm_options o = { .size = sizeof(o) };
	const char *name = word(&rest);

	parse_options(&o, rest);
	reply_code(lane, sfshm_resize(name, &o, sfshm_deadline_ms(PATIENCE_MS),
				      NULL, NULL));
}

static void do_view(struct lane *lane, char *rest)
{
	struct sfshm_view *view;
	int r;

	why[0] = '\0';
	r = sfshm_view_open(&view, word(&rest), why, sizeof(why));
	if (!r)
		sfshm_view_close(view);
	reply_code(lane, r);
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
	{ "open",
	  "NAME [slots=N] [participants=N] [max=N] [bytes=N] [mode=OCTAL] "
	  "[owner=UID] [group=GID] [existing]",
	  do_open },
	{ "why", "the line about the last failure to open or resize", do_why },
	{ "unlink", "NAME", do_unlink },
	{ "resize", "NAME [as for open]", do_resize },
	{ "view", "NAME: opens a view of it and closes it", do_view },
	{ "open-fd", "FD", do_open_fd },
	{ "close", "", do_close },
	{ "forget", "KEY", do_forget },
	{ "purge", "", do_purge },
	{ "verify", "findings", do_verify },
	{ NULL, NULL, NULL },
};
