/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/duration.h"
#include "common/size.h"

static const char usage[] =
	"usage: sfshm-run [-s SEGMENT] -k KEY [--ttl DUR] [--neg-ttl DUR]\n"
	"                 [--file [--dir DIR] | --fleet URL] [--timeout DUR]\n"
	"                 [--json-status FD] -- COMMAND [ARG...]\n"
	"       sfshm-run [-s SEGMENT] --lock KEY [--shared] [-nv]\n"
	"                 [--timeout DUR] [--json-status FD] -- COMMAND [ARG...]\n"
	"       sfshm-run [-s SEGMENT] --semaphore NAME[:MAX] [-n]\n"
	"                 [--timeout DUR] [--json-status FD] -- COMMAND [ARG...]\n"
	"\n"
	"With -k, runs COMMAND once for all callers that ask for KEY at the same\n"
	"time; each gets its output and exit status. With --lock, holds the lock\n"
	"KEY while COMMAND runs; with --semaphore, holds one of NAME's permits.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it\n"
	"  -k, --key KEY          the name of COMMAND's result\n"
	"      --ttl DUR          keep a success for later callers so long\n"
	"      --neg-ttl DUR      keep a failure for later callers so long\n"
	"      --file             keep the output, of any size, in a file\n"
	"      --dir DIR          the directory of that file\n"
	"      --fleet URL        one run for all hosts that give this URL\n"
	"      --lock KEY         hold this lock while COMMAND runs\n"
	"      --shared           hold it together with others that give --shared\n"
	"      --semaphore NAME[:MAX]\n"
	"                         hold one of MAX permits while COMMAND runs\n"
	"  -n, --no-wait          do not wait for a lock or permit: exit with 124\n"
	"  -v, --verbose          say if the lock's last holder died\n"
	"      --timeout DUR      give up after this time, with status 124\n"
	"      --json-status FD   write a line of JSON to descriptor FD\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"DUR is a number and ms, s, m, h or d. COMMAND's standard input is\n"
	"/dev/null. Exit status: COMMAND's; 124 time-out; 125 sfshm-run "
	"failed;\n"
	"126 COMMAND cannot be executed; 127 COMMAND is not found; 128+N\n"
	"COMMAND was killed by signal N.\n";

/* '+': the words after COMMAND are COMMAND's. */
#define SHORT_OPTIONS "+" ARGS_SHORT "k:nv"

enum {
	OPTION_TTL = 256,
	OPTION_NEG_TTL,
	OPTION_TIMEOUT,
	OPTION_JSON_STATUS,
	OPTION_FILE,
	OPTION_DIR,
	OPTION_FLEET,
	OPTION_LOCK,
	OPTION_SEMAPHORE,
	OPTION_SHARED,
};

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ ARGS_LONG_VERSION },
	{ "key", required_argument, NULL, 'k' },
	{ "ttl", required_argument, NULL, OPTION_TTL },
	{ "neg-ttl", required_argument, NULL, OPTION_NEG_TTL },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "json-status", required_argument, NULL, OPTION_JSON_STATUS },
	{ "file", no_argument, NULL, OPTION_FILE },
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "fleet", required_argument, NULL, OPTION_FLEET },
	{ "lock", required_argument, NULL, OPTION_LOCK },
	{ "semaphore", required_argument, NULL, OPTION_SEMAPHORE },
	{ "shared", no_argument, NULL, OPTION_SHARED },
	{ "no-wait", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ 0 },
};

static int read_duration(const char *option, uint64_t max, uint64_t *ms)
{
	int r = duration_parse(optarg, max, ms);

	if (!r)
		return -1;
	if (r == -ERANGE)
		complain("%s %s: too long; give at most %llu days", option,
			 optarg, (unsigned long long)(max / 86400000));
	else
		complain("%s %s: not a duration; give " DURATION_FORM, option,
			 optarg);
	return RUN_EXIT_FAILURE;
}

static int read_lifetime(const char *option, uint32_t *ms)
{
	uint64_t value = 0;
	int r = read_duration(option, SFSHM_FOREVER - 1, &value);

	*ms = (uint32_t)value;
	return r;
}

static int read_json_fd(struct options *options)
{
	uint64_t fd;

	if (number_parse(optarg, &fd) || fd > INT_MAX) {
		complain("--json-status %s: not a descriptor's number; give "
			 "that of an open one",
			 optarg);
		return RUN_EXIT_FAILURE;
	}
	options->json_fd = (int)fd;
	if (fcntl(options->json_fd, F_GETFD) >= 0)
		return -1;
	complain("--json-status %s: %s; open it first, as in %s>status.json",
		 optarg, strerror(errno), optarg);
	return RUN_EXIT_FAILURE;
}

/* Reads the key. Only one of -k, --lock and --semaphore may be given. */
static int read_key(struct options *options, enum run_mode mode)
{
	if (options->key) {
		complain("give one of -k, --lock and --semaphore, once; "
			 "see --help");
		return RUN_EXIT_FAILURE;
	}
	options->key = optarg;
	options->key_len = strlen(optarg);
	if (mode != RUN_SHARED)
		options->mode = mode;
	return -1;
}

/* Reads NAME or NAME:MAX; a name may have colons in it. */
static int read_semaphore(struct options *options)
{
	char *colon = strrchr(optarg, ':');
	uint64_t max = 0;
	int r = read_key(options, RUN_HOLD_PERMIT);

	if (r >= 0 || !colon)
		return r;
	if (number_parse(colon + 1, &max) || !max || max > SFSHM_PERMITS_MAX) {
		complain("--semaphore %s: after the colon, give a number of "
			 "permits from 1 to %d",
			 optarg, SFSHM_PERMITS_MAX);
		return RUN_EXIT_FAILURE;
	}
	options->key_len = (size_t)(colon - optarg);
	options->max = (uint32_t)max;
	return -1;
}

static int read_option(struct options *options, int option, char **argv)
{
	switch (option) {
	case 's': options->segment = optarg; return -1;
	case 'k': return read_key(options, RUN_SHARED);
	case 'n': options->no_wait = 1; return -1;
	case 'v': options->verbose = 1; return -1;
	case OPTION_LOCK: return read_key(options, RUN_HOLD_LOCK);
	case OPTION_SHARED: options->shared = 1; return -1;
	case OPTION_SEMAPHORE: return read_semaphore(options);
	case OPTION_DIR: options->dir = optarg; return -1;
	case OPTION_FILE: options->file = 1; return -1;
	case OPTION_FLEET: options->fleet = optarg; return -1;
	case 'h':
	case 'V': return args_tell(option, usage) ? RUN_EXIT_FAILURE : 0;
	case OPTION_TTL: return read_lifetime("--ttl", &options->ttl_ms);
	case OPTION_NEG_TTL:
		return read_lifetime("--neg-ttl", &options->neg_ttl_ms);
	case OPTION_TIMEOUT:
		return read_duration("--timeout", SFSHM_FOREVER - 1,
				     &options->timeout_ms);
	case OPTION_JSON_STATUS: return read_json_fd(options);
	default: args_refuse(option, argv); return RUN_EXIT_FAILURE;
	}
}

static int check_key(struct options *options)
{
	if (!options->key) {
		complain("no key; give one with -k KEY, see --help");
		return RUN_EXIT_FAILURE;
	}
	if (options->key_len >= 1 && options->key_len <= SFSHM_KEY_MAX)
		return -1;
	complain("-k: a key has 1 to %d bytes, this one has %zu", SFSHM_KEY_MAX,
		 options->key_len);
	return RUN_EXIT_FAILURE;
}

/*
 * Refuses options that do not go together: the user would not see the mistake
 * otherwise.
 */
static int check_mode(struct options *options)
{
	bool holds = options->mode != RUN_SHARED;
	const char *odd = NULL;

	if (holds && (options->ttl_ms || options->neg_ttl_ms))
		odd = "--ttl and --neg-ttl go with -k";
	else if (holds && (options->file || options->dir))
		odd = "--file and --dir go with -k";
	else if (!holds && (options->no_wait || options->verbose))
		odd = "-n and -v go with --lock and --semaphore";
	else if (options->shared && options->mode != RUN_HOLD_LOCK)
		odd = "--shared goes with --lock";
	else if (options->fleet && (holds || options->file))
		odd = "--fleet goes with -k, and without --file";
	else if (options->dir && !options->file)
		odd = "--dir goes with --file";
	if (odd) {
		complain("%s; see --help", odd);
		return RUN_EXIT_FAILURE;
	}
	if (options->file)
		options->mode = RUN_FILED;
	return -1;
}

int options_read(struct options *options, int argc, char **argv)
{
	int option, status;

	memset(options, 0, sizeof(*options));
	options->json_fd = -1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, SHORT_OPTIONS, long_options,
				     NULL)) != -1) {
		status = read_option(options, option, argv);
		if (status >= 0)
			return status;
	}
	status = check_key(options);
	if (status < 0)
		status = check_mode(options);
	if (status >= 0)
		return status;
	options->command = argv + optind;
	if (*options->command)
		return -1;
	complain("no command; give one after --, see --help");
	return RUN_EXIT_FAILURE;
}
