/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/duration.h"
#include "common/owner.h"
#include "common/size.h"
#include "look/notes.h"
#include "look/phase.h"

#define NS_PER_S 1000000000.0
#define WATCH_MIN_S 0.01
#define WATCH_MAX_S 86400.0
#define DURATION_MAX_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)

static const char usage[] =
	"usage: sfshm-dump [-s SEGMENT] [--json] [--watch [SECONDS]] [-a]\n"
	"                  [-o COLUMNS] [--sort COLUMN] [--limit N]\n"
	"                  [--noheadings] [CHOICE...] [--check [LIMITS]]\n"
	"       sfshm-dump -s SEGMENT --html FILE [--limit N] [CHOICE...]\n"
	"       sfshm-dump --metrics[=FORMAT] [-s SEGMENT] [--owner USER]\n"
	"       sfshm-dump -s SEGMENT --events [--follow] [--key PATTERN] [--json]\n"
	"       sfshm-dump -s SEGMENT --trace [--key PATTERN]\n"
	"\n"
	"Shows the content of a segment, or lists the user's segments.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it\n"
	"      --owner USER       the user whose segment it is\n"
	"  -a, --all              idle threads and all counters as well\n"
	"  -o, --output COLUMNS   the keys alone, with these columns\n"
	"      --sort COLUMN      sort the keys; -COLUMN: the largest first\n"
	"      --limit N          show N keys at most; 0: all\n"
	"      --noheadings       print no headings\n"
	"      --json             write JSON, for programs\n"
	"      --watch [SECONDS]  repeat; the default is every second\n"
	"      --abandoned DURATION  mark flights whose leader was idle for so\n"
	"                         long; the default is 60s\n"
	"      --check [LIMITS]   one line and status 0 to 3, as monitoring\n"
	"                         plugins; without LIMITS: does a key match?\n"
	"      --metrics[=FORMAT]  metrics of all the user's segments, in the\n"
	"                         format prometheus (the default) or openmetrics\n"
	"      --html FILE        write a page for a browser; -: to the output\n"
	"      --events           what threads did last: flights, waits, deaths\n"
	"      --follow           and go on with what they do\n"
	"      --trace            the same for a trace viewer, as JSON\n"
	"\n"
	"CHOICE: show only the keys\n"
	"      --key PATTERN      that match, as in the shell\n"
	"      --phase PHASES     that are idle, busy, done, failed or dead\n"
	"      --kind KINDS       of value, claim, lock, semaphore or save\n"
	"      --waiting          that somebody waits for\n"
	"      --pid PID          that this process leads, holds or waits for\n"
	"      --older DURATION   busy for so long, or with so old a result\n"
	"\n"
	"COLUMNS: KEY,KIND,PHASE,WAIT,AGE,TOOK,TTL,SIZE,OWNER,COMMAND,DEATHS,\n"
	"GEN,INDEX,IDLE,LEASE,STALE,ERROR,FILE,NOTES\n"
	"LIMITS: waiters=N, age=DURATION, idle=DURATION, failed=N, dead=N,\n"
	"deaths=N, slots=N%, memory=N%, participants=N%;\n"
	"NAME=WARNING:CRITICAL gives both limits\n"
	"\n"
	"  -h, --help\n"
	"  -V, --version\n";

enum {
	OPTION_JSON = 256,
	OPTION_OWNER,
	OPTION_WATCH,
	OPTION_KEY,
	OPTION_PHASE,
	OPTION_KIND,
	OPTION_WAITING,
	OPTION_PID,
	OPTION_OLDER,
	OPTION_SORT,
	OPTION_LIMIT,
	OPTION_NOHEADINGS,
	OPTION_CHECK,
	OPTION_ABANDONED,
	OPTION_METRICS,
	OPTION_EVENTS,
	OPTION_FOLLOW,
	OPTION_TRACE,
	OPTION_HTML,
};

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ "owner", required_argument, NULL, OPTION_OWNER },
	{ ARGS_LONG_VERSION },
	{ "all", no_argument, NULL, 'a' },
	{ "output", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "phase", required_argument, NULL, OPTION_PHASE },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "waiting", no_argument, NULL, OPTION_WAITING },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "older", required_argument, NULL, OPTION_OLDER },
	{ "sort", required_argument, NULL, OPTION_SORT },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "noheadings", no_argument, NULL, OPTION_NOHEADINGS },
	{ "check", optional_argument, NULL, OPTION_CHECK },
	{ "metrics", optional_argument, NULL, OPTION_METRICS },
	{ "events", no_argument, NULL, OPTION_EVENTS },
	{ "follow", no_argument, NULL, OPTION_FOLLOW },
	{ "trace", no_argument, NULL, OPTION_TRACE },
	{ "html", required_argument, NULL, OPTION_HTML },
	{ "abandoned", required_argument, NULL, OPTION_ABANDONED },
	{ 0 },
};

/*
 * Reads "--watch 2" as well: getopt_long() itself reads "--watch=2" only.
 * Returns the argument, or NULL.
 */
static const char *optional_argument_of(int argc, char **argv)
{
	if (optarg)
		return optarg;
	if (optind < argc && argv[optind][0] != '-')
		return argv[optind++];
	return NULL;
}

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

/* Sets a bit of *set for each word of "a,b,c" that `parse` knows. */
static int set_read(unsigned int *set, const char *text,
		    int (*parse)(const char *), const char *option,
		    const char *words)
{
	char *copy = strdup(text), *place, *word;
	int number = copy && *copy ? 0 : -1;

	for (word = number ? NULL : strtok_r(copy, ",", &place); word;
	     word = strtok_r(NULL, ",", &place)) {
		number = parse(word);
		if (number < 0)
			break;
		*set |= 1u << number;
	}
	free(copy);
	if (number >= 0 && *set)
		return -1;
	complain("--%s %s: give one or more of %s", option, text, words);
	return ARGS_EXIT_USAGE;
}

static int pid_read(struct options *options, const char *text)
{
	uint64_t pid;

	if (number_parse(text, &pid) || !pid || pid > INT32_MAX) {
		complain("--pid %s: give the number of a process", text);
		return ARGS_EXIT_USAGE;
	}
	options->filter.pid = (int32_t)pid;
	return -1;
}

static int duration_read(uint64_t *ms, const char *option, const char *text)
{
	if (!duration_parse(text, DURATION_MAX_MS, ms))
		return -1;
	complain("--%s %s: give a duration of at most a year: %s", option, text,
		 DURATION_FORM);
	return ARGS_EXIT_USAGE;
}

static int sort_read(struct options *options, const char *text)
{
	options->descending = *text == '-';
	options->sort = column_find(text + options->descending);
	if (options->sort)
		return -1;
	complain("--sort %s: give a column, or - and a column; see --help",
		 text);
	return ARGS_EXIT_USAGE;
}

static int limit_read(struct options *options, const char *text)
{
	options->limited = 1;
	if (!number_parse(text, &options->limit))
		return -1;
	complain("--limit %s: give a whole number; 0: no limit", text);
	return ARGS_EXIT_USAGE;
}

static int columns_read(struct options *options, const char *text)
{
	const char *bad;
	size_t len;

	options->table_only = 1;
	if (!column_list_parse(&options->columns, text, &bad, &len))
		return -1;
	complain("-o %s: '%.*s' is no column; see --help", text, (int)len, bad);
	return ARGS_EXIT_USAGE;
}

static int check_read(struct options *options, const char *text)
{
	const char *bad;
	int len;

	options->checking = 1;
	if (!text || !check_parse(&options->check, text, &bad, &len))
		return -1;
	complain("--check %s: '%.*s' is no limit; give limits such as "
		 "waiters=50,age=30s:1m,slots=90%%; see --help",
		 text, len, bad);
	return ARGS_EXIT_USAGE;
}

static int metrics_read(struct options *options, const char *text)
{
	options->metrics = METRICS_PROMETHEUS;
	if (text && strcmp(text, "openmetrics") == 0)
		options->metrics = METRICS_OPENMETRICS;
	else if (text && strcmp(text, "prometheus") != 0) {
		complain("--metrics=%s: give prometheus or openmetrics", text);
		return ARGS_EXIT_USAGE;
	}
	return -1;
}

static int choice_read(struct options *options, int option)
{
	struct filter *filter = &options->filter;

	switch (option) {
	case OPTION_KEY: filter->key_pattern = optarg; return -1;
	case OPTION_PHASE:
		return set_read(&filter->phases, optarg, phase_parse, "phase",
				"idle, busy, done, failed, dead");
	case OPTION_KIND:
		return set_read(&filter->kinds, optarg, kind_parse, "kind",
				"value, claim, lock, semaphore, save");
	case OPTION_WAITING: filter->waiting = 1; return -1;
	case OPTION_PID: return pid_read(options, optarg);
	default: return duration_read(&filter->older_ms, "older", optarg);
	}
}

static int option_read(struct options *options, int option, int argc,
		       char **argv)
{
	switch (option) {
	case 's': options->segment = optarg; return -1;
	case 'h':
	case 'V': return args_tell(option, usage);
	case OPTION_OWNER:
		options->has_owner = 1;
		return owner_read(optarg, &options->owner) ? ARGS_EXIT_USAGE :
							     -1;
	case 'a': options->all = 1; return -1;
	case 'o': return columns_read(options, optarg);
	case OPTION_JSON: options->json = 1; return -1;
	case OPTION_WATCH:
		return watch_read(options, optional_argument_of(argc, argv));
	case OPTION_SORT: return sort_read(options, optarg);
	case OPTION_LIMIT: return limit_read(options, optarg);
	case OPTION_NOHEADINGS: options->noheadings = 1; return -1;
	case OPTION_CHECK:
		return check_read(options, optional_argument_of(argc, argv));
	case OPTION_EVENTS: options->events = 1; return -1;
	case OPTION_FOLLOW: options->following = 1; return -1;
	case OPTION_TRACE: options->tracing = 1; return -1;
	case OPTION_HTML: options->html = optarg; return -1;
	case OPTION_METRICS: return metrics_read(options, optarg);
	case OPTION_ABANDONED:
		return duration_read(&notes_abandoned_ms, "abandoned", optarg);
	case OPTION_KEY:
	case OPTION_PHASE:
	case OPTION_KIND:
	case OPTION_WAITING:
	case OPTION_PID:
	case OPTION_OLDER: return choice_read(options, option);
	default: return args_refuse(option, argv);
	}
}

/* Whether an option is given that only a picture heeds. */
static int is_of_picture(const struct options *options)
{
	struct filter rest = options->filter;

	rest.key_pattern = NULL;
	return filter_chooses(&rest) || options->sort || options->limited ||
	       options->table_only || options->all || options->checking ||
	       options->watch_ns || options->metrics || options->html;
}

/* Complains about options that do not go together. */
static int combination_check(const struct options *options)
{
	const char *why = NULL;

	if ((options->events || options->tracing) &&
	    (is_of_picture(options) || !options->segment))
		why = "--events and --trace need a segment, and of the other "
		      "options take --key, --json, --noheadings and --owner";
	else if (options->tracing && (options->events || options->following ||
				      options->json || options->noheadings))
		why = "--trace is JSON of its own; leave out --events, "
		      "--follow, --json and --noheadings";
	else if (options->following && !options->events)
		why = "--follow goes on with --events; add that";
	else if (options->events)
		return -1;
	else if (!options->segment &&
		 (filter_chooses(&options->filter) || options->sort ||
		  options->limited || options->table_only || options->all ||
		  options->checking || options->html ||
		  (options->has_owner && !options->metrics)))
		why = "choices of keys and columns, --sort, --limit, --all, "
		      "--owner, --html and --check need a segment; give "
		      "one with -s";
	else if (options->html &&
		 (options->json || options->watch_ns || options->metrics ||
		  options->checking || options->table_only || options->sort ||
		  options->noheadings || options->all))
		why = "--html takes a segment, choices of keys, --limit, "
		      "--abandoned and --owner; leave out all other options";
	else if (options->json &&
		 (options->table_only || options->noheadings || options->all))
		why = "--json has all columns, threads and counters; leave out "
		      "-o, --noheadings and --all";
	else if (options->metrics &&
		 (filter_chooses(&options->filter) || options->sort ||
		  options->limited || options->table_only || options->all ||
		  options->noheadings || options->json || options->checking ||
		  options->watch_ns))
		why = "--metrics has all metrics of whole segments; leave out "
		      "all other options but -s and --owner";
	else if (options->checking && (options->json || options->watch_ns))
		why = "--check prints one line; leave out --json and --watch";
	if (!why)
		return -1;
	complain("%s", why);
	return ARGS_EXIT_USAGE;
}

static int command_line_read(struct options *options, int argc, char **argv)
{
	int option, status;

	while ((option = getopt_long(argc, argv, ARGS_SHORT "ao:", long_options,
				     NULL)) != -1) {
		status = option_read(options, option, argc, argv);
		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		complain("unexpected '%s'; give a segment with -s",
			 argv[optind]);
		return ARGS_EXIT_USAGE;
	}
	status = combination_check(options);
	if (status >= 0 || !options->has_owner)
		return status;
	return options->segment ? owner_heed(options->owner, UINT32_MAX,
					     &options->segment, options->path) :
				  owner_become(options->owner, UINT32_MAX);
}

int options_read(struct options *options, int argc, char **argv)
{
	const char *bad;
	size_t len;
	int status;

	memset(options, 0, sizeof(*options));
	column_list_parse(&options->columns, columns_default, &bad, &len);
	opterr = 0;
	status = command_line_read(options, argc, argv);
	/* For a monitor, 2 would be a critical state of the segment. */
	if (status == ARGS_EXIT_USAGE)
		for (int i = 1; i < argc; i++)
			if (strncmp(argv[i], "--check", 7) == 0)
				return CHECK_UNKNOWN;
	return status;
}
