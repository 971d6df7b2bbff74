/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/size.h"

static const char usage[] =
	"usage: sfshm-ctl create [-s SEGMENT] [--slots N] [--participants N]\n"
	"                        [--bytes SIZE] [--max-value SIZE]\n"
	"                        [--mode MODE]\n"
	"       sfshm-ctl verify [-s SEGMENT]\n"
	"       sfshm-ctl forget [-s SEGMENT] KEY\n"
	"       sfshm-ctl purge  [-s SEGMENT]\n"
	"       sfshm-ctl unlink [-s SEGMENT]\n"
	"\n"
	"Makes, checks and changes a segment.\n"
	"\n"
	"  -s, --segment SEGMENT  a name, or with a slash in it a path;\n"
	"                         \"default\" unless said\n"
	"      --slots N          keys at once, 16384 unless said\n"
	"      --participants N   threads at once, 1024 unless said\n"
	"      --bytes SIZE       for all values, 16M unless said\n"
	"      --max-value SIZE   of the largest value, 1M unless said\n"
	"      --mode MODE        octal permissions, 0600 unless said\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"SIZE is a number of bytes; K, M or G behind it means 1024, its square\n"
	"or its cube.\n";

enum {
	OPTION_SLOTS = 256,
	OPTION_PARTICIPANTS,
	OPTION_BYTES,
	OPTION_MAX_VALUE,
	OPTION_MODE,
};

static const struct option long_options[] = {
	{ ARGS_LONG_SEGMENT },
	{ ARGS_LONG_HELP },
	{ ARGS_LONG_VERSION },
	{ "slots", required_argument, NULL, OPTION_SLOTS },
	{ "participants", required_argument, NULL, OPTION_PARTICIPANTS },
	{ "bytes", required_argument, NULL, OPTION_BYTES },
	{ "max-value", required_argument, NULL, OPTION_MAX_VALUE },
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ 0 },
};

/* The library knows the upper ends, and says so in its refusal. */
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
	complain("--%s %s: give a size from 1, as 65536, 64K, 16M or 1G",
		 option, text);
	return ARGS_EXIT_USAGE;
}

static int mode_read(const char *text, uint32_t *mode)
{
	if (!mode_parse(text, mode) && (*mode & 0600) == 0600)
		return -1;
	complain("--mode %s: give octal permissions that let the owner read "
		 "and write, as 0600 or 0660",
		 text);
	return ARGS_EXIT_USAGE;
}

static int shape_read(struct sfshm_options *shape, int option, char **argv)
{
	uint64_t bytes;
	int status;

	switch (option) {
	case OPTION_SLOTS: return count_read("slots", optarg, &shape->slots);
	case OPTION_PARTICIPANTS:
		return count_read("participants", optarg, &shape->participants);
	case OPTION_BYTES:
		return bytes_read("bytes", optarg, UINT64_MAX, &shape->bytes);
	case OPTION_MAX_VALUE:
		status = bytes_read("max-value", optarg, UINT32_MAX, &bytes);
		if (status < 0)
			shape->max_value = (uint32_t)bytes;
		return status;
	case OPTION_MODE: return mode_read(optarg, &shape->mode);
	default: return args_refuse(option, argv);
	}
}

static int operands_read(struct request *request, int count, char **operands,
			 int shaped)
{
	const struct verb *verb;
	int want;

	if (!count) {
		complain("say what to do: create, verify, forget, purge or "
			 "unlink; see --help");
		return ARGS_EXIT_USAGE;
	}
	verb = verb_find(operands[0]);
	if (!verb) {
		complain("unknown verb '%s'; see --help", operands[0]);
		return ARGS_EXIT_USAGE;
	}
	want = 1 + verb->takes_key;
	if (count < want) {
		complain("%s: say which key", verb->name);
		return ARGS_EXIT_USAGE;
	}
	if (count > want) {
		complain("%s: unexpected '%s'; a segment is given with -s",
			 verb->name, operands[want]);
		return ARGS_EXIT_USAGE;
	}
	if (shaped && !verb->makes) {
		complain("%s: a segment's shape is chosen with create only",
			 verb->name);
		return ARGS_EXIT_USAGE;
	}
	request->verb = verb;
	request->key = verb->takes_key ? operands[1] : NULL;
	return -1;
}

int request_read(struct request *request, int argc, char **argv)
{
	int option, shaped = 0;

	memset(request, 0, sizeof(*request));
	request->shape.size = sizeof(request->shape);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ARGS_SHORT, long_options,
				     NULL)) != -1) {
		int status = -1;

		if (option == 's') {
			request->segment = optarg;
		} else if (option == 'h' || option == 'V') {
			status = args_tell(option, usage);
		} else {
			status = shape_read(&request->shape, option, argv);
			shaped = 1;
		}
		if (status >= 0)
			return status;
	}
	return operands_read(request, argc - optind, argv + optind, shaped);
}
