/* SPDX-License-Identifier: MIT */
/*
 * crashtest: kills processes at every instruction of every operation, and
 * shows that nothing is stuck and nothing leaks.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/atomics.h"
#include "parts.h"
#include "stage.h"

static const struct part {
	const char *name;
	int (*run)(const struct options *opt);
} parts[] = {
	{ "steps", part_steps },
	{ "double", part_double },
	{ "crowd", part_crowd },
	{ "reader", part_reader },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static const char usage_text[] =
	"usage: crashtest [--full] [--seconds N] [--part PART] [--only WORDS]\n"
	"Kills processes at every instruction of each operation and looks at\n"
	"what the others find. The parts are steps, double, crowd and reader;\n"
	"all of them unless one is named. --full leaves nothing out; after\n"
	"--seconds no more samples are taken; --only takes the operations\n"
	"whose names hold the words. Exit status: 0 all is well, 1 something\n"
	"was stuck or leaked, 2 it could not be run.\n";

static pid_t main_pid;

static void clear_up(void)
{
	if (getpid() == main_pid)
		stage_folder_remove();
}

static void interrupt(int signal)
{
	store_relaxed(&interrupted_by, signal);
}

static void prepare(void)
{
	const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	main_pid = getpid();
	stage_folder();
	atexit(clear_up);
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
}

static uint64_t parse_seconds(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || !n || n > 1000000) {
		fprintf(stderr,
			"crashtest: --seconds takes a number of seconds, not "
			"'%s'\n",
			text);
		exit(2);
	}
	return clock_ns() + n * UINT64_C(1000000000);
}

static const struct part *parse_part(const char *name)
{
	for (size_t i = 0; i < PARTS; i++)
		if (!strcmp(parts[i].name, name))
			return &parts[i];
	fprintf(stderr, "crashtest: no part '%s'; see --help\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "full", no_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "part", required_argument, NULL, 'p' },
		{ "only", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { 0 };
	const struct part *only = NULL;
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'f': opt.full = true; break;
		case 's': opt.deadline_ns = parse_seconds(optarg); break;
		case 'p': only = parse_part(optarg); break;
		case 'o': opt.only = optarg; break;
		case 'h': fputs(usage_text, stdout); return 0;
		default: fputs(usage_text, stderr); return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"crashtest: unknown argument '%s'; see --help\n",
			argv[optind]);
		return 2;
	}
	prepare();
	for (size_t i = 0; i < PARTS; i++)
		if (!only || only == &parts[i])
			bad += parts[i].run(&opt);
	return bad != 0;
}
