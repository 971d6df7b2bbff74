/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/duration.h"
#include "common/owner.h"
#include "common/size.h"

/* '+': the words after COMMAND are COMMAND's. */
#define SHORT_OPTIONS "+" ARGS_SHORT "k:KnvqE:"

enum {
	OPTION_OWNER = 256,
	OPTION_GROUP,
	OPTION_MODE,
	OPTION_TTL,
	OPTION_NEG_TTL,
	OPTION_GRACE,
	OPTION_STALE_IF_ERROR,
	OPTION_BETA,
	OPTION_REFRESH,
	OPTION_LOCK_AGE,
	OPTION_BREAKER,
	OPTION_MAX_WAITERS,
	OPTION_TAG,
	OPTION_ENV,
	OPTION_INPUT,
	OPTION_TIMEOUT,
	OPTION_JSON_STATUS,
	OPTION_FD,
	OPTION_KEEP,
	OPTION_FOLLOW_OUTPUT,
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
	{ "owner", required_argument, NULL, OPTION_OWNER },
	{ "group", required_argument, NULL, OPTION_GROUP },
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "key", required_argument, NULL, 'k' },
	{ "command-key", no_argument, NULL, 'K' },
	{ "env", required_argument, NULL, OPTION_ENV },
	{ "input", required_argument, NULL, OPTION_INPUT },
	{ "ttl", required_argument, NULL, OPTION_TTL },
	{ "neg-ttl", required_argument, NULL, OPTION_NEG_TTL },
	{ "grace", required_argument, NULL, OPTION_GRACE },
	{ "stale-if-error", required_argument, NULL, OPTION_STALE_IF_ERROR },
	{ "beta", required_argument, NULL, OPTION_BETA },
	{ "refresh", no_argument, NULL, OPTION_REFRESH },
	{ "lock-age", required_argument, NULL, OPTION_LOCK_AGE },
	{ "breaker", required_argument, NULL, OPTION_BREAKER },
	{ "max-waiters", required_argument, NULL, OPTION_MAX_WAITERS },
	{ "tag", required_argument, NULL, OPTION_TAG },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "json-status", required_argument, NULL, OPTION_JSON_STATUS },
	{ "keep", no_argument, NULL, OPTION_KEEP },
	{ "follow-output", no_argument, NULL, OPTION_FOLLOW_OUTPUT },
	{ "fd", required_argument, NULL, OPTION_FD },
	{ "file", no_argument, NULL, OPTION_FILE },
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "fleet", required_argument, NULL, OPTION_FLEET },
	{ "lock", required_argument, NULL, OPTION_LOCK },
	{ "semaphore", required_argument, NULL, OPTION_SEMAPHORE },
	{ "shared", no_argument, NULL, OPTION_SHARED },
	{ "no-wait", no_argument, NULL, 'n' },
	{ "busy-status", required_argument, NULL, 'E' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ 0 },
};

#define IN(mode) (1u << (mode))
#define IN_KEY (IN(RUN_SHARED) | IN(RUN_FILED))

/* The options that do not go with every kind of call. */
static const struct {
	const char *name;
	int option;
	unsigned modes;
} limited[] = {
	{ "--env", OPTION_ENV, IN_KEY },
	{ "--input", OPTION_INPUT, IN_KEY },
	{ "--ttl", OPTION_TTL, IN_KEY },
	{ "--neg-ttl", OPTION_NEG_TTL, IN_KEY },
	{ "--refresh", OPTION_REFRESH, IN_KEY },
	{ "--lock-age", OPTION_LOCK_AGE, IN_KEY },
	{ "--keep", OPTION_KEEP, IN_KEY },
	{ "--follow-output", OPTION_FOLLOW_OUTPUT, IN_KEY },
	{ "--file", OPTION_FILE, IN_KEY },
	{ "--dir", OPTION_DIR, IN(RUN_FILED) },
	{ "--grace", OPTION_GRACE, IN(RUN_SHARED) },
	{ "--stale-if-error", OPTION_STALE_IF_ERROR, IN(RUN_SHARED) },
	{ "--beta", OPTION_BETA, IN(RUN_SHARED) },
	{ "--breaker", OPTION_BREAKER, IN(RUN_SHARED) },
	{ "--max-waiters", OPTION_MAX_WAITERS, IN(RUN_SHARED) },
	{ "--tag", OPTION_TAG, IN(RUN_SHARED) },
	{ "--fleet", OPTION_FLEET, IN(RUN_SHARED) },
	{ "--shared", OPTION_SHARED, IN(RUN_HOLD_LOCK) },
	{ "--fd", OPTION_FD, IN(RUN_HOLD_LOCK) | IN(RUN_HOLD_PERMIT) },
};

#define LIMITED (sizeof(limited) / sizeof(limited[0]))

static const char *const mode_names[] = {
	[RUN_SHARED] = "-k without --file",
	[RUN_FILED] = "--file",
	[RUN_HOLD_LOCK] = "--lock",
	[RUN_HOLD_PERMIT] = "--semaphore",
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

static int read_fd(const char *option, int *fd)
{
	uint64_t number;

	if (number_parse(optarg, &number) || number > INT_MAX) {
		complain("%s %s: not a descriptor's number; give that of an "
			 "open one",
			 option, optarg);
		return RUN_EXIT_FAILURE;
	}
	*fd = (int)number;
	if (fcntl(*fd, F_GETFD) >= 0)
		return -1;
	complain("%s %s: %s; open it first, as in %s>file", option, optarg,
		 strerror(errno), optarg);
	return RUN_EXIT_FAILURE;
}

static int read_count(const char *option, uint32_t max, uint32_t *count)
{
	uint64_t number;

	if (number_parse(optarg, &number) || !number || number > max) {
		complain("%s %s: give a number from 1 to %" PRIu32, option,
			 optarg, max);
		return RUN_EXIT_FAILURE;
	}
	*count = (uint32_t)number;
	return -1;
}

static int read_beta(double *beta)
{
	char *end;

	*beta = strtod(optarg, &end);
	if (end != optarg && !*end && *beta > 0 && *beta <= 1000)
		return -1;
	complain("--beta %s: give a number above 0, usually 1", optarg);
	return RUN_EXIT_FAILURE;
}

/* Reads N:DUR. */
static int read_breaker(struct options *options)
{
	char *colon = strchr(optarg, ':'), *whole = optarg;
	int r = RUN_EXIT_FAILURE;

	if (!colon) {
		complain("--breaker %s: give N:DUR, such as 3:1m", optarg);
		return r;
	}
	*colon = '\0';
	r = read_count("--breaker", 31, &options->breaker_deaths);
	*colon = ':';
	if (r >= 0)
		return r;
	optarg = colon + 1;
	r = read_lifetime("--breaker N:", &options->breaker_ms);
	optarg = whole;
	if (r >= 0 || options->breaker_ms)
		return r;
	complain("--breaker %s: the time must be above 0", optarg);
	return RUN_EXIT_FAILURE;
}

static int read_tag(struct options *options)
{
	if (!*optarg) {
		complain("--tag: a tag has at least one byte");
		return RUN_EXIT_FAILURE;
	}
	if (options->tag_count == SFSHM_TAGS_MAX) {
		complain("--tag %s: a result has at most %d tags", optarg,
			 SFSHM_TAGS_MAX);
		return RUN_EXIT_FAILURE;
	}
	options->tags[options->tag_count++] = optarg;
	return -1;
}

static int read_part(struct options *options, bool is_file)
{
	if (options->part_count == OPTIONS_PARTS_MAX) {
		complain("at most %d of --env and --input make a key",
			 OPTIONS_PARTS_MAX);
		return RUN_EXIT_FAILURE;
	}
	options->parts[options->part_count++] =
		(struct options_part){ is_file, optarg };
	return -1;
}

static int read_owner(struct options *options)
{
	options->has_owner = true;
	return owner_read(optarg, &options->owner) ? RUN_EXIT_FAILURE : -1;
}

static int read_group(struct options *options)
{
	options->has_group = true;
	return owner_read_group(optarg, &options->group) ? RUN_EXIT_FAILURE :
							   -1;
}

static int read_mode(struct options *options)
{
	if (!mode_parse(optarg, &options->mode_bits) && options->mode_bits)
		return -1;
	complain("--mode %s: give permission bits, such as 0660", optarg);
	return RUN_EXIT_FAILURE;
}

static int read_busy_status(struct options *options)
{
	uint64_t status;

	if (number_parse(optarg, &status) || status > 255) {
		complain("-E %s: give a status from 0 to 255", optarg);
		return RUN_EXIT_FAILURE;
	}
	options->busy_status = (int)status;
	return -1;
}

/* Reads the key. Only one of -k, --lock and --semaphore may be given. */
static int read_key(struct options *options, enum run_mode mode)
{
	if (options->key) {
		complain("give one of -k, -K, --lock and --semaphore, once; "
			 "see --help");
		return RUN_EXIT_FAILURE;
	}
	options->key = options->command_key ? "" : optarg;
	options->key_len = strlen(options->key);
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
	case OPTION_OWNER: return read_owner(options);
	case OPTION_GROUP: return read_group(options);
	case OPTION_MODE: return read_mode(options);
	case 'K': options->command_key = true; /* fallthrough */
	case 'k': return read_key(options, RUN_SHARED);
	case 'n': options->no_wait = true; return -1;
	case 'E': return read_busy_status(options);
	case 'q': options->quiet = true; return -1;
	case 'v': options->verbose = true; return -1;
	case OPTION_ENV: return read_part(options, false);
	case OPTION_INPUT: return read_part(options, true);
	case OPTION_REFRESH: options->refresh = true; return -1;
	case OPTION_KEEP: options->keep = true; return -1;
	case OPTION_FOLLOW_OUTPUT: options->follow_output = true; return -1;
	case OPTION_BETA: return read_beta(&options->beta);
	case OPTION_BREAKER: return read_breaker(options);
	case OPTION_TAG: return read_tag(options);
	case OPTION_MAX_WAITERS:
		return read_count("--max-waiters", INT32_MAX,
				  &options->max_waiters);
	case OPTION_LOCK: return read_key(options, RUN_HOLD_LOCK);
	case OPTION_SHARED: options->shared = true; return -1;
	case OPTION_SEMAPHORE: return read_semaphore(options);
	case OPTION_DIR: options->dir = optarg; return -1;
	case OPTION_FILE: options->file = true; return -1;
	case OPTION_FLEET: options->fleet = optarg; return -1;
	case 'h':
	case 'V':
		return args_tell(option, options_usage) ? RUN_EXIT_FAILURE : 0;
	case OPTION_TTL: return read_lifetime("--ttl", &options->ttl_ms);
	case OPTION_NEG_TTL:
		return read_lifetime("--neg-ttl", &options->neg_ttl_ms);
	case OPTION_GRACE: return read_lifetime("--grace", &options->grace_ms);
	case OPTION_STALE_IF_ERROR:
		return read_lifetime("--stale-if-error",
				     &options->stale_if_error_ms);
	case OPTION_LOCK_AGE:
		return read_lifetime("--lock-age", &options->lock_age_ms);
	case OPTION_TIMEOUT:
		return read_duration("--timeout", SFSHM_FOREVER - 1,
				     &options->timeout_ms);
	case OPTION_JSON_STATUS:
		return read_fd("--json-status", &options->json_fd);
	case OPTION_FD: return read_fd("--fd", &options->fd);
	default: args_refuse(option, argv); return RUN_EXIT_FAILURE;
	}
}

static int check_key(struct options *options)
{
	if (!options->key) {
		complain("no key; give one with -k KEY, see --help");
		return RUN_EXIT_FAILURE;
	}
	if (options->command_key ||
	    (options->key_len >= 1 && options->key_len <= SFSHM_KEY_MAX))
		return -1;
	complain("-k: a key has 1 to %d bytes, this one has %zu", SFSHM_KEY_MAX,
		 options->key_len);
	return RUN_EXIT_FAILURE;
}

static void note_given(struct options *options, int option)
{
	for (size_t i = 0; i < LIMITED; i++)
		if (limited[i].option == option)
			options->given |= 1u << i;
}

/* Returns the URL of $SFSHM_FLEET, where ps(1) shows other users no password;
   or NULL if there is none, or if an option does not go with --fleet. */
static const char *fleet_of_environment(const struct options *options)
{
	const char *url = getenv("SFSHM_FLEET");

	if (options->mode != RUN_SHARED || options->keep ||
	    options->tag_count || options->stale_if_error_ms ||
	    options->follow_output)
		return NULL;
	return url && *url ? url : NULL;
}

/*
 * Refuses options that do not go together: the user would not see the mistake
 * otherwise.
 */
static int check_mode(struct options *options)
{
	if (options->file && options->mode == RUN_SHARED)
		options->mode = RUN_FILED;
	for (size_t i = 0; i < LIMITED; i++) {
		if (!(options->given >> i & 1) ||
		    limited[i].modes & IN(options->mode))
			continue;
		complain("%s does not go with %s; see --help", limited[i].name,
			 mode_names[options->mode]);
		return RUN_EXIT_FAILURE;
	}
	if (options->follow_output &&
	    (options->fleet || options->stale_if_error_ms)) {
		complain("--follow-output does not go with --fleet or "
			 "--stale-if-error; see --help");
		return RUN_EXIT_FAILURE;
	}
	if (!options->fleet)
		options->fleet = fleet_of_environment(options);
	if (options->fleet && (options->keep || options->tag_count ||
			       options->stale_if_error_ms)) {
		complain("--fleet does not go with --keep, --stale-if-error "
			 "or --tag; see --help");
		return RUN_EXIT_FAILURE;
	}
	return -1;
}

int options_read(struct options *options, int argc, char **argv)
{
	int option, status;

	memset(options, 0, sizeof(*options));
	options->json_fd = -1;
	options->fd = -1;
	options->busy_status = RUN_EXIT_TIMEOUT;
	opterr = 0;
	while ((option = getopt_long(argc, argv, SHORT_OPTIONS, long_options,
				     NULL)) != -1) {
		status = read_option(options, option, argv);
		if (status >= 0)
			return status;
		note_given(options, option);
	}
	status = check_key(options);
	if (status < 0)
		status = check_mode(options);
	if (status >= 0)
		return status;
	options->command = argv + optind;
	if (!*options->command == (options->fd >= 0))
		return -1;
	if (options->fd >= 0) {
		complain("--fd runs no command; leave out one of them");
		return RUN_EXIT_FAILURE;
	}
	complain("no command; give one after --, see --help");
	return RUN_EXIT_FAILURE;
}
