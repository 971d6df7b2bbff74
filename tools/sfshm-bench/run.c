/* SPDX-License-Identifier: MIT */
/* A hit of sfshm-run as a whole process, against flock(1) with cat(1). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static char tool[PATH_MAX], name[64], folder[64], lock[80], cached[80];
static posix_spawn_file_actions_t quiet;

static void spawn(char *const *argv)
{
	int status, r;
	pid_t pid;

	r = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
	if (r)
		bench_die(argv[0], -r);
	if (waitpid(pid, &status, 0) != pid || status)
		bench_die(argv[0], -EREMOTEIO);
}

static void run_ours(void)
{
	char *argv[] = { tool, "-s", name,  "-k",   "key", "--ttl",
			 "1h", "--", "cat", cached, NULL };

	spawn(argv);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64 };
	char value[BENCH_VALUE];
	int fd;

	(void)b;
	if (!bench_beside(tool, sizeof(tool), "sfshm-run"))
		return "there is no sfshm-run beside this program";
	bench_folder(folder, sizeof(folder));
	snprintf(lock, sizeof(lock), "%s/lock", folder);
	snprintf(cached, sizeof(cached), "%s/cached", folder);
	memset(value, 'v', sizeof(value));
	fd = open(cached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, value, sizeof(value)) != sizeof(value) ||
	    close(fd))
		bench_die(cached, -errno);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	bench_segment(&o);
	snprintf(name, sizeof(name), "%s", bench_segment_name());
	run_ours();
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	while (n--)
		run_ours();
	return bench_now() - start;
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	char *argv[] = { "flock", lock, "cat", cached, NULL };
	uint64_t start = bench_now();

	(void)b;
	while (n--)
		spawn(argv);
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	posix_spawn_file_actions_destroy(&quiet);
	bench_folder_remove(folder);
	bench_segment_close();
}

const struct bench run_benches[] = {
	{
		.name = "run",
		.peer = "flock FILE cat CACHED",
		.what = "a hit of sfshm-run as a whole process",
		.target = 1.2,
		.batch = 1,
		.turns = 20,
		.prepare = prepare,
		.ours = ours,
		.theirs = theirs,
		.clean_up = clean_up,
	},
	{ 0 },
};
