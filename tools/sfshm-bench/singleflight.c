/* SPDX-License-Identifier: MIT */
#include "singleflight.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static FILE *to, *from;
static pid_t pid;

static pid_t spawn_between(char *path, int in, int out)
{
	char *argv[] = { path, NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	r = posix_spawn(&child, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		bench_die(path, -r);
	return child;
}

const char *singleflight_start(void)
{
	char path[PATH_MAX];
	int in[2], out[2];

	if (!bench_beside(path, sizeof(path), "bench-singleflight"))
		return "built without Go's singleflight (packages golang-go, "
		       "golang-golang-x-sync-dev)";
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		bench_die("pipe", -errno);
	pid = spawn_between(path, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	to = fdopen(in[1], "w");
	from = fdopen(out[0], "r");
	if (!to || !from)
		bench_die("pipe", -errno);
	return NULL;
}

uint64_t singleflight_run(uint64_t n)
{
	char line[32];

	fprintf(to, "%" PRIu64 "\n", n);
	fflush(to);
	if (!fgets(line, sizeof(line), from))
		bench_die("the Go program ended", -EPIPE);
	return strtoull(line, NULL, 10);
}

void singleflight_stop(void)
{
	if (!pid)
		return;
	fclose(to);
	fclose(from);
	waitpid(pid, NULL, 0);
	pid = 0;
}
