/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "phase.h"

#define NS_PER_S 1000000000.0
#define WATCH_MIN_S 0.01
#define WATCH_MAX_S 86400.0

static const char usage[] =
	"usage: sfshm-dump [-s SEGMENT] [--json] [--watch [SECONDS]]\n"
	"                  [--key PATTERN] [--phase PHASE] [--kind KIND]\n"
	"\n"
	"Shows the content of a segment, or lists the user's segments.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it\n"
	"      --json             write JSON, for programs\n"
	"      --watch [SECONDS]  repeat; the default is every second\n"
	"      --key PATTERN      show only keys that match, as in the shell\n"
	"      --phase PHASE      show only idle, busy, done or failed\n"
	"      --kind KIND        show only value, claim, lock, semaphore or save\n"
	"  -h, --help\n"
	"  -V, --version\n";

enum { OPTION_JSON = 256, OPTION_WATCH, OPTION_KEY, OPTION_PHASE, OPTION_KIND };

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ ARGS_LONG_VERSION },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "phase", required_argument, NULL, OPTION_PHASE },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ 0 },
};

static int watch_read(struct options *options, const char *text)
{
	char *end;
	double seconds = text ? strtod(text, &end) : 1;

	if (text && (end == text || *end || !isdigit(end[-1])))
		seconds = 0;
	if (!(seconds >= WATCH_MIN_S && seconds <= WATCH_MAX_S)) {
		complain("--watch %s: give seconds from 0.01 to 86400", text);
		return ARGS_EXIT_USAGE;
	}
	options->watch_ns = (uint64_t)(seconds * NS_PER_S);
	return -1;
}

/* Reads "--watch 2" as well: getopt_long() itself reads "--watch=2" only. */
static const char *watch_argument(int argc, char **argv)
{
	if (optarg)
		return optarg;
	if (optind < argc && argv[optind][0] != '-')
		return argv[optind++];
	return NULL;
}

static int phase_read(struct options *options, const char *text)
{
	options->phase = phase_parse(text);
	if (options->phase >= 0)
		return -1;
	complain("--phase %s: give one of idle, busy, done, failed", text);
	return ARGS_EXIT_USAGE;
}

static int kind_read(struct options *options, const char *text)
{
	options->kind = kind_parse(text);
	if (options->kind >= 0)
		return -1;
	complain("--kind %s: give one of value, claim, lock, semaphore, save",
		 text);
	return ARGS_EXIT_USAGE;
}

static int option_read(struct options *options, int option, int argc,
		       char **argv)
{
	switch (option) {
	case 's': options->segment = optarg; return -1;
	case 'h':
	case 'V': return args_tell(option, usage);
	case OPTION_JSON: options->json = 1; return -1;
	case OPTION_WATCH:
		return watch_read(options, watch_argument(argc, argv));
	case OPTION_KEY: options->key_pattern = optarg; return -1;
	case OPTION_PHASE: return phase_read(options, optarg);
	case OPTION_KIND: return kind_read(options, optarg);
	default: return args_refuse(option, argv);
	}
}

int options_read(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->phase = -1;
	options->kind = -1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ARGS_SHORT, long_options,
				     NULL)) != -1) {
		int status = option_read(options, option, argc, argv);

		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		complain("unexpected '%s'; give a segment with -s",
			 argv[optind]);
		return ARGS_EXIT_USAGE;
	}
	if (!options->segment && (options->key_pattern || options->phase >= 0 ||
				  options->kind >= 0)) {
		complain("--key, --phase and --kind need a segment; "
			 "give one with -s");
		return ARGS_EXIT_USAGE;
	}
	return -1;
}
