/* SPDX-License-Identifier: MIT */
#include "core.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char folder[] = "/tmp/sfshm-test.XXXXXX";

/*
 * Whether cores stay in the folder: the test cannot fill a pipe or another
 * folder.
 */
static bool cores_stay_in_the_folder(void)
{
	char pattern[256] = "|";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!read(fd, pattern, sizeof(pattern) - 1);
		close(fd);
	}
	return pattern[0] != '|' && !strchr(pattern, '/');
}

const char *core_impossible(void)
{
	struct rlimit core;

	if (SLOWNESS > 1)
		return "sanitizers forbid core dumps";
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max != RLIM_INFINITY)
		return "core dumps are limited (ulimit -c)";
	if (!cores_stay_in_the_folder())
		return "kernel.core_pattern sends cores elsewhere";
	return mkdtemp(folder) ? NULL : "no folder for cores";
}

/* Removes the cores of earlier deaths. */
static void core_clean(void)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

void core_prepare(struct agent *a, int mebibytes)
{
	core_clean();
	agent_expect(a, "ok", "default-signals");
	agent_expect(a, "ok", "chdir %s", folder);
	agent_expect(a, "ok", "limit core");
	agent_expect(a, "ok", "eat %d", mebibytes);
}

bool core_is_written(struct agent *a)
{
	char path[64], text[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)a->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strstr(text, "CoreDumping:\t1") != NULL;
}

void core_done(struct agent *a)
{
	int status = agent_gone(a);

	if (!WIFSIGNALED(status) || !WCOREDUMP(status))
		fail_msg("no core was dumped (status %x)", (unsigned)status);
}

void core_end(void)
{
	core_clean();
	rmdir(folder);
}
