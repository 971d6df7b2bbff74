/* SPDX-License-Identifier: MIT */
#include "common/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sfshm.h>

#include "common/complain.h"

int args_refuse(int answer, char **argv)
{
	const char *given = argv[optind - 1];
	/* For a letter inside "-abc", `given` is the word before "-abc". */
	int is_long = strncmp(given, "--", 2) == 0 &&
		      (answer == ':' || !optopt || strchr(given, '='));
	const char letter[] = { '-', (char)optopt, '\0' };
	const char *option = is_long ? given : letter;

	if (answer == ':')
		complain("%s needs an argument; see --help", option);
	else if (is_long && optopt)
		complain("%s takes no argument; see --help", option);
	else
		complain("unknown option '%s'; see --help", option);
	return ARGS_EXIT_USAGE;
}

int args_tell(int option, const char *usage)
{
	if (option == 'h')
		fputs(usage, stdout);
	else
		printf("%s %s\n", program_invocation_short_name,
		       sfshm_version());
	return args_flush();
}

const char *args_segment(const char *segment)
{
	return segment ? segment : "default";
}

static const char *advice(int error)
{
	switch (error) {
	case -ENOENT:
		return "; sfshm-dump lists your segments, "
		       "sfshm-ctl create makes one";
	case -EEXIST:
		return "; remove it first with sfshm-ctl unlink, or use it";
	default: return "";
	}
}

int args_segment_failed(const char *segment, int error, const char *why)
{
	if (!why || !*why)
		why = sfshm_strerror(error);
	complain("%s: %s%s", args_segment(segment), why, advice(error));
	return ARGS_EXIT_FAILURE;
}

int args_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	complain("cannot write the output: %s", strerror(errno));
	return ARGS_EXIT_FAILURE;
}
