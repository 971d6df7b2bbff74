/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/owner.h"
#include "top.h"

#define DELAY_MIN_S 0.05
#define DELAY_MAX_S 3600.0

static const char usage[] =
	"usage: sfshm-top [-s SEGMENT] [-d SECONDS] [--sort COLUMN]\n"
	"                 [--key PATTERN] [--tree] [--no-colour]\n"
	"\n"
	"Shows a segment in use on a terminal, again and again.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it;\n"
	"                         the default is \"default\"\n"
	"      --owner USER       the user whose segment it is\n"
	"  -d, --delay SECONDS    between two pictures; the default is 2\n"
	"      --sort COLUMN      as sfshm-dump; the default is by urgency\n"
	"      --key PATTERN      show only keys that match, as in the shell\n"
	"      --tree             begin with holders and their waiters\n"
	"      --no-colour        no colours; NO_COLOR does the same\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"Type h for the keys of the keyboard.\n";

enum {
	OPTION_SORT = 256,
	OPTION_KEY,
	OPTION_TREE,
	OPTION_NO_COLOUR,
	OPTION_OWNER
};

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ "owner", required_argument, NULL, OPTION_OWNER },
	{ ARGS_LONG_VERSION },
	{ "delay", required_argument, NULL, 'd' },
	{ "sort", required_argument, NULL, OPTION_SORT },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "no-colour", no_argument, NULL, OPTION_NO_COLOUR },
	{ "no-color", no_argument, NULL, OPTION_NO_COLOUR },
	{ 0 },
};

static int delay_read(struct top *top, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !isdigit((unsigned char)end[-1]) ||
	    !(seconds >= DELAY_MIN_S && seconds <= DELAY_MAX_S)) {
		complain("-d %s: give seconds from 0.05 to 3600", text);
		return ARGS_EXIT_USAGE;
	}
	top->delay_ms = (uint64_t)(seconds * 1000);
	return -1;
}

static int sort_read(struct top *top, const char *text)
{
	top->descending = *text == '-';
	top->sort = column_find(text + top->descending);
	if (top->sort)
		return -1;
	complain("--sort %s: give a column, or - and a column; "
		 "see sfshm-dump --help",
		 text);
	return ARGS_EXIT_USAGE;
}

static int key_read(struct top *top, const char *text)
{
	if (strlen(text) < sizeof(top->pattern)) {
		memcpy(top->pattern, text, strlen(text) + 1);
		return -1;
	}
	complain("--key: give a pattern of less than %d bytes",
		 TOP_PATTERN_MAX);
	return ARGS_EXIT_USAGE;
}

static int option_read(struct top *top, int option, char **argv)
{
	switch (option) {
	case 's': top->segment = optarg; return -1;
	case 'h':
	case 'V': return args_tell(option, usage);
	case 'd': return delay_read(top, optarg);
	case OPTION_SORT: return sort_read(top, optarg);
	case OPTION_KEY: return key_read(top, optarg);
	case OPTION_OWNER:
		top->has_owner = 1;
		return owner_read(optarg, &top->owner) ? ARGS_EXIT_USAGE : -1;
	case OPTION_TREE: top->mode = TOP_TREE; return -1;
	case OPTION_NO_COLOUR: top->colour = 0; return -1;
	default: return args_refuse(option, argv);
	}
}

int top_options(struct top *top, int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	int option;

	top->segment = "default";
	top->delay_ms = 2000;
	top->colour = !no_color || !*no_color;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ARGS_SHORT "d:", long_options,
				     NULL)) != -1) {
		int status = option_read(top, option, argv);

		if (status >= 0)
			return status;
	}
	if (optind == argc && top->has_owner)
		return owner_heed(top->owner, UINT32_MAX, &top->segment,
				  top->path);
	if (optind == argc)
		return -1;
	complain("unexpected '%s'; give a segment with -s", argv[optind]);
	return ARGS_EXIT_USAGE;
}
