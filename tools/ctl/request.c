/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/duration.h"
#include "common/size.h"

#define TIMEOUT_MAX_MS (UINT64_C(366) * 24 * 60 * 60 * 1000)

static const char usage[] =
	"usage: sfshm-ctl create [-s SEGMENT] [SIZES] [--mode MODE]\n"
	"       sfshm-ctl resize [-s SEGMENT] [SIZES] [--timeout DURATION]\n"
	"       sfshm-ctl verify [-s SEGMENT]\n"
	"       sfshm-ctl forget [-s SEGMENT] KEY\n"
	"       sfshm-ctl purge  [-s SEGMENT]\n"
	"       sfshm-ctl remove-semaphore [-s SEGMENT] NAME\n"
	"       sfshm-ctl unlink [-s SEGMENT]\n"
	"\n"
	"Makes, checks and changes a segment.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or a path if it has a slash in it;\n"
	"                         the default is \"default\"\n"
	"      --mode MODE        octal permissions; the default is 0600\n"
	"      --timeout DURATION how long to wait for flights under way;\n"
	"                         the default is no limit\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
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

static int timeout_read(const char *text, uint64_t *ms)
{
	if (!duration_parse(text, TIMEOUT_MAX_MS, ms))
		return -1;
	complain("--timeout %s: give a duration of at most a year: %s", text,
		 DURATION_FORM);
	return ARGS_EXIT_USAGE;
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
	case OPTION_MODE:
		request->given |= REQUEST_MODE;
		return mode_read(optarg, &request->shape.mode);
	case OPTION_TIMEOUT:
		request->given |= REQUEST_TIMEOUT;
		return timeout_read(optarg, &request->timeout_ms);
	default: return args_refuse(option, argv);
	}
}

/* Complains about an option that the verb does not take. */
static int option_refuse(const struct verb *verb, unsigned int given)
{
	if (given & REQUEST_TIMEOUT)
		complain("%s: only resize takes --timeout", verb->name);
	else if (given & REQUEST_SIZES)
		complain("%s: only create and resize take sizes", verb->name);
	else
		complain("%s: only create takes --mode", verb->name);
	return ARGS_EXIT_USAGE;
}

static int operands_read(struct request *request, int count, char **operands)
{
	const struct verb *verb;
	int want;

	if (!count) {
		complain("no verb; give create, resize, verify, forget, "
			 "purge, remove-semaphore or unlink, see --help");
		return ARGS_EXIT_USAGE;
	}
	verb = verb_find(operands[0]);
	if (!verb) {
		complain("unknown verb '%s'; see --help", operands[0]);
		return ARGS_EXIT_USAGE;
	}
	want = 1 + verb->takes_key;
	if (count < want) {
		complain("%s: no key; give one, see --help", verb->name);
		return ARGS_EXIT_USAGE;
	}
	if (count > want) {
		complain("%s: unexpected '%s'; give a segment with -s",
			 verb->name, operands[want]);
		return ARGS_EXIT_USAGE;
	}
	if (request->given & ~verb->takes)
		return option_refuse(verb, request->given & ~verb->takes);
	request->verb = verb;
	request->key = verb->takes_key ? operands[1] : NULL;
	return -1;
}

int request_read(struct request *request, int argc, char **argv)
{
	int option;

	memset(request, 0, sizeof(*request));
	request->shape.size = sizeof(request->shape);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ARGS_SHORT, long_options,
				     NULL)) != -1) {
		int status = option_read(request, option, argv);

		if (status >= 0)
			return status;
	}
	return operands_read(request, argc - optind, argv + optind);
}
