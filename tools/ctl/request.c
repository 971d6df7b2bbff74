/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/duration.h"
#include "common/owner.h"
#include "common/size.h"
#include "look/phase.h"

#define TIMEOUT_MAX_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)
#define TTL_MAX_MS (UINT64_C(49) * 24 * 60 * 60 * 1000)

static const char usage[] =
	"usage: sfshm-ctl VERB [-s SEGMENT] [OPTION...] [OPERAND...]\n"
	"\n"
	"Makes, checks and changes a segment and what it holds.\n"
	"\n"
	"  create [SIZES] [--mode MODE] [--group GROUP]\n"
	"                                         make a segment\n"
	"  resize [SIZES] [--timeout DURATION]    change its sizes in use\n"
	"  verify                                 check every invariant\n"
	"  reap                                   clean up after the dead\n"
	"  unlink                                 remove its name\n"
	"  list [CHOICE] [-0]                     print the keys of values\n"
	"  get KEY [--stale]                      print a value\n"
	"  put KEY [VALUE] [--ttl DURATION] [--grace DURATION] [--tag TAG]\n"
	"                                         store VALUE or standard input\n"
	"  forget KEY | CHOICE [--dry-run]        remove keys\n"
	"  invalidate KEY | CHOICE | --tag TAG [--hard] [--dry-run]\n"
	"                                         declare values out of date\n"
	"  purge                                  remove all idle keys\n"
	"  break KEY [--kind KIND] [--end] [--yes]\n"
	"                                         take a flight from its leader,\n"
	"                                         or end a leader or holder\n"
	"  semaphore NAME [--max N | --remove]    show, change, remove one\n"
	"  export [--match PATTERN]               write fresh values to stdout\n"
	"  import [--match PATTERN] [--replace]   read them from stdin\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it;\n"
	"                         the default is \"default\"\n"
	"      --owner USER       the user whose segment it is; root acts as\n"
	"                         that user\n"
	"      --mode MODE        the most permissions that another user's\n"
	"                         segment may have; 0664\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"CHOICE: --match PATTERN, as in the shell; --failed: whose work failed\n"
	"SIZES: create uses these defaults. resize keeps the sizes that are not\n"
	"given; without any it finishes a resize that was interrupted.\n"
	"\n"
	"      --slots N          keys at a time; 16384\n"
	"      --participants N   threads at a time; 1024\n"
	"      --bytes SIZE       of all values; 16M\n"
	"      --max-value SIZE   of the largest value; 1M\n"
	"      --huge-pages       use pages of 2 MiB if the kernel has any\n"
	"\n"
	"SIZE is a number of bytes; a suffix K, M or G means 1024, 1024^2 or\n"
	"1024^3. DURATION is a number and ms, s, m, h or d.\n";

enum {
	OPTION_SLOTS = 256,
	OPTION_PARTICIPANTS,
	OPTION_BYTES,
	OPTION_MAX_VALUE,
	OPTION_HUGE_PAGES,
	OPTION_MODE,
	OPTION_TIMEOUT,
	OPTION_MATCH,
	OPTION_FAILED,
	OPTION_TAG,
	OPTION_DRY_RUN,
	OPTION_HARD,
	OPTION_STALE,
	OPTION_TTL,
	OPTION_GRACE,
	OPTION_YES,
	OPTION_KIND,
	OPTION_MAX,
	OPTION_REMOVE,
	OPTION_REPLACE,
	OPTION_END,
	OPTION_OWNER,
	OPTION_GROUP,
};

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ ARGS_LONG_VERSION },
	{ "slots", required_argument, NULL, OPTION_SLOTS },
	{ "participants", required_argument, NULL, OPTION_PARTICIPANTS },
	{ "bytes", required_argument, NULL, OPTION_BYTES },
	{ "max-value", required_argument, NULL, OPTION_MAX_VALUE },
	{ "huge-pages", no_argument, NULL, OPTION_HUGE_PAGES },
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "match", required_argument, NULL, OPTION_MATCH },
	{ "failed", no_argument, NULL, OPTION_FAILED },
	{ "tag", required_argument, NULL, OPTION_TAG },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "hard", no_argument, NULL, OPTION_HARD },
	{ "stale", no_argument, NULL, OPTION_STALE },
	{ "ttl", required_argument, NULL, OPTION_TTL },
	{ "grace", required_argument, NULL, OPTION_GRACE },
	{ "null", no_argument, NULL, '0' },
	{ "yes", no_argument, NULL, OPTION_YES },
	{ "kind", required_argument, NULL, OPTION_KIND },
	{ "max", required_argument, NULL, OPTION_MAX },
	{ "remove", no_argument, NULL, OPTION_REMOVE },
	{ "replace", no_argument, NULL, OPTION_REPLACE },
	{ "end", no_argument, NULL, OPTION_END },
	{ "owner", required_argument, NULL, OPTION_OWNER },
	{ "group", required_argument, NULL, OPTION_GROUP },
	{ 0 },
};

/*
 * Reads a count. The library checks the upper limits, and explains its
 * refusals.
 */
static int count_read(const char *option, const char *text, uint32_t *count)
{
	uint64_t number;

	if (number_parse(text, &number) || !number || number > UINT32_MAX) {
		complain("--%s %s: give a whole number from 1", option, text);
		return ARGS_EXIT_USAGE;
	}
	*count = (uint32_t)number;
	return -1;
}

static int bytes_read(const char *option, const char *text, uint64_t max,
		      uint64_t *bytes)
{
	if (!size_parse(text, bytes) && *bytes && *bytes <= max)
		return -1;
	complain("--%s %s: give a size from 1, such as 65536, 64K, 16M or 1G",
		 option, text);
	return ARGS_EXIT_USAGE;
}

static int mode_read(const char *text, uint32_t *mode)
{
	if (!mode_parse(text, mode) && (*mode & 0600) == 0600)
		return -1;
	complain("--mode %s: give octal permissions that let the owner read "
		 "and write, such as 0600 or 0660",
		 text);
	return ARGS_EXIT_USAGE;
}

static int span_read(const char *option, const char *text, uint64_t max,
		     uint64_t *ms)
{
	if (!duration_parse(text, max, ms))
		return -1;
	complain("--%s %s: give a duration of at most %s: %s", option, text,
		 max == TIMEOUT_MAX_MS ? "a year" : "49 days", DURATION_FORM);
	return ARGS_EXIT_USAGE;
}

static int tag_read(struct request *request, const char *tag)
{
	if (!*tag || request->tags_count == SFSHM_TAGS_MAX) {
		complain("--tag %s: give 1 to %d tags that are not empty", tag,
			 SFSHM_TAGS_MAX);
		return ARGS_EXIT_USAGE;
	}
	request->tags[request->tags_count++] = (struct iovec){
		.iov_base = (void *)(uintptr_t)tag,
		.iov_len = strlen(tag),
	};
	return -1;
}

static int kind_read(struct request *request, const char *text)
{
	request->kind = kind_parse(text);
	if (request->kind >= 0)
		return -1;
	complain("--kind %s: give value or lock", text);
	return ARGS_EXIT_USAGE;
}

static int max_read(struct request *request, const char *text)
{
	int status = count_read("max", text, &request->max);

	if (status < 0 && request->max > SFSHM_PERMITS_MAX) {
		complain("--max %s: give %d at most", text, SFSHM_PERMITS_MAX);
		status = ARGS_EXIT_USAGE;
	}
	return status;
}

static int size_read(struct sfshm_options *shape, int option)
{
	uint64_t bytes;
	int status;

	switch (option) {
	case OPTION_SLOTS: return count_read("slots", optarg, &shape->slots);
	case OPTION_PARTICIPANTS:
		return count_read("participants", optarg, &shape->participants);
	case OPTION_BYTES:
		return bytes_read("bytes", optarg, UINT64_MAX, &shape->bytes);
	case OPTION_HUGE_PAGES: shape->flags |= SFSHM_HUGE_PAGES; return -1;
	default:
		status = bytes_read("max-value", optarg, UINT32_MAX, &bytes);
		if (status < 0)
			shape->max_value = (uint32_t)bytes;
		return status;
	}
}

/* The options other than sizes. */
static const struct {
	int option;
	unsigned int given;
	const char *name;
} others[] = {
	{ OPTION_MODE, REQUEST_MODE, "--mode" },
	{ OPTION_TIMEOUT, REQUEST_TIMEOUT, "--timeout" },
	{ OPTION_MATCH, REQUEST_MATCH, "--match" },
	{ OPTION_FAILED, REQUEST_FAILED, "--failed" },
	{ OPTION_TAG, REQUEST_TAG, "--tag" },
	{ OPTION_DRY_RUN, REQUEST_DRY_RUN, "--dry-run" },
	{ OPTION_HARD, REQUEST_HARD, "--hard" },
	{ OPTION_STALE, REQUEST_STALE, "--stale" },
	{ OPTION_TTL, REQUEST_TTL, "--ttl" },
	{ OPTION_GRACE, REQUEST_GRACE, "--grace" },
	{ '0', REQUEST_NULL, "--null" },
	{ OPTION_YES, REQUEST_YES, "--yes" },
	{ OPTION_KIND, REQUEST_KIND, "--kind" },
	{ OPTION_MAX, REQUEST_MAX, "--max" },
	{ OPTION_REMOVE, REQUEST_REMOVE, "--remove" },
	{ OPTION_REPLACE, REQUEST_REPLACE, "--replace" },
	{ OPTION_END, REQUEST_END, "--end" },
	{ OPTION_OWNER, REQUEST_OWNER, "--owner" },
	{ OPTION_GROUP, REQUEST_GROUP, "--group" },
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

static int other_read(struct request *request, int option, char **argv)
{
	for (size_t i = 0; i < OTHERS; i++)
		if (others[i].option == option)
			request->given |= others[i].given;
	switch (option) {
	case OPTION_MODE: return mode_read(optarg, &request->shape.mode);
	case OPTION_TIMEOUT:
		return span_read("timeout", optarg, TIMEOUT_MAX_MS,
				 &request->timeout_ms);
	case OPTION_TTL:
		return span_read("ttl", optarg, TTL_MAX_MS, &request->ttl_ms);
	case OPTION_GRACE:
		return span_read("grace", optarg, TTL_MAX_MS,
				 &request->grace_ms);
	case OPTION_OWNER:
		return owner_read(optarg, &request->shape.owner) ?
			       ARGS_EXIT_USAGE :
			       -1;
	case OPTION_GROUP:
		request->shape.flags |= SFSHM_SET_GROUP;
		return owner_read_group(optarg, &request->shape.group) ?
			       ARGS_EXIT_USAGE :
			       -1;
	case OPTION_MATCH: request->pattern = optarg; return -1;
	case OPTION_TAG: return tag_read(request, optarg);
	case OPTION_KIND: return kind_read(request, optarg);
	case OPTION_MAX: return max_read(request, optarg);
	case '?':
	case ':': return args_refuse(option, argv);
	default: return -1;
	}
}

static int option_read(struct request *request, int option, char **argv)
{
	switch (option) {
	case 's': request->segment = optarg; return -1;
	case 'h':
	case 'V': return args_tell(option, usage);
	case OPTION_SLOTS:
	case OPTION_PARTICIPANTS:
	case OPTION_BYTES:
	case OPTION_MAX_VALUE:
	case OPTION_HUGE_PAGES:
		request->given |= REQUEST_SIZES;
		return size_read(&request->shape, option);
	default: return other_read(request, option, argv);
	}
}

/* Complains about an option that the verb does not take. */
static int option_refuse(const struct verb *verb, unsigned int given)
{
	const char *name = "sizes";
	unsigned int bit = REQUEST_SIZES;
	char takers[256];

	for (size_t i = 0; i < OTHERS && !(given & REQUEST_SIZES); i++) {
		if (given & others[i].given) {
			name = others[i].name;
			bit = others[i].given;
		}
	}
	verb_names(takers, sizeof(takers), bit);
	complain("%s: only %s take%s %s", verb->name, takers,
		 strchr(takers, ' ') ? "" : "s", name);
	return ARGS_EXIT_USAGE;
}

/* Whether the options and operands go together; complains if not. */
static int request_check(const struct request *request)
{
	const struct verb *verb = request->verb;
	unsigned int choice = request->given & (REQUEST_MATCH | REQUEST_FAILED);
	int subjects = (request->key != NULL) + (choice != 0);
	const char *why = NULL;

	if (verb->run == verb_invalidate)
		subjects += request->tags_count != 0;
	if ((verb->run == verb_forget || verb->run == verb_invalidate) &&
	    subjects != 1)
		why = subjects ? "give only one of a key, a choice and a tag" :
				 "no key; give one, or --match or --failed";
	else if ((request->given & REQUEST_DRY_RUN) && !choice)
		why = "--dry-run shows what --match and --failed choose";
	else if ((request->given & REQUEST_TAG) &&
		 (request->given & REQUEST_HARD))
		why = "--hard needs keys; the segment does not know the keys "
		      "of a tag";
	else if ((request->given & REQUEST_MAX) &&
		 (request->given & REQUEST_REMOVE))
		why = "give --max or --remove";
	if (!why)
		return -1;
	complain("%s: %s; see --help", verb->name, why);
	return ARGS_EXIT_USAGE;
}

static int key_check(const struct request *request)
{
	size_t len = request->key ? strlen(request->key) : 1;

	if (len >= 1 && len <= SFSHM_KEY_MAX)
		return -1;
	complain("a key has 1 to %d bytes, this one has %zu", SFSHM_KEY_MAX,
		 len);
	return ARGS_EXIT_USAGE;
}

static int operands_read(struct request *request, int count, char **operands)
{
	const struct verb *verb;
	unsigned int refused;
	int status;

	if (!count) {
		complain("no verb; give create, list, get, forget, ...; "
			 "see --help");
		return ARGS_EXIT_USAGE;
	}
	verb = verb_find(operands[0]);
	if (!verb) {
		complain("unknown verb '%s'; see --help", operands[0]);
		return ARGS_EXIT_USAGE;
	}
	if (count < 1 + verb->operands - verb->optional) {
		complain("%s: no key; give one, see --help", verb->name);
		return ARGS_EXIT_USAGE;
	}
	if (count > 1 + verb->operands) {
		complain("%s: unexpected '%s'; give a segment with -s",
			 verb->name, operands[1 + verb->operands]);
		return ARGS_EXIT_USAGE;
	}
	refused = request->given & ~verb->takes & ~REQUEST_OWNER;
	/* With --owner each verb takes the mode and the group. */
	if (request->given & REQUEST_OWNER)
		refused &= ~(unsigned int)(REQUEST_MODE | REQUEST_GROUP);
	if (refused)
		return option_refuse(verb, refused);
	request->verb = verb;
	request->key = count > 1 ? operands[1] : NULL;
	request->value = count > 2 ? operands[2] : NULL;
	status = key_check(request);
	return status < 0 ? request_check(request) : status;
}

/* Finds the segment of the user that --owner names. */
static int heed_owner(struct request *request)
{
	uint32_t uid = request->shape.owner, gid = UINT32_MAX;
	int status;

	if (!(request->given & REQUEST_OWNER))
		return -1;
	if (request->given & REQUEST_GROUP)
		gid = request->shape.group;
	status = owner_heed(uid, gid, &request->segment, request->path);
	if (geteuid() != uid)
		request->shape.flags |= SFSHM_SET_OWNER;
	return status;
}

int request_read(struct request *request, int argc, char **argv)
{
	int option, status;

	memset(request, 0, sizeof(*request));
	request->shape.size = sizeof(request->shape);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ARGS_SHORT "0", long_options,
				     NULL)) != -1) {
		status = option_read(request, option, argv);
		if (status >= 0)
			return status;
	}
	status = operands_read(request, argc - optind, argv + optind);
	return status < 0 ? heed_owner(request) : status;
}
