/* SPDX-License-Identifier: MIT */
/*
 * Others notice the death of a process that the kernel kills for want of
 * memory as they notice any death.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "deaths.h"

#define LIMIT "50331648"

static char cgroup[128];

static bool write_file(const char *folder, const char *name, const char *text)
{
	size_t len = strlen(text);
	char path[256];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	if (fd >= 0)
		close(fd);
	return written;
}

/* Either cgroup version; no swap, if there is any. */
static bool make_cgroup(void)
{
	static const char *const roots[] = {
		"/sys/fs/cgroup/memory",
		"/sys/fs/cgroup",
		"/sys/fs/cgroup/unified",
	};

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		write_file(roots[i], "cgroup.subtree_control", "+memory");
		snprintf(cgroup, sizeof(cgroup), "%s/sfshm-test-%d", roots[i],
			 (int)getpid());
		if (mkdir(cgroup, 0755))
			continue;
		write_file(cgroup, "memory.swap.max", "0");
		if (write_file(cgroup, "memory.max", LIMIT) ||
		    write_file(cgroup, "memory.limit_in_bytes", LIMIT))
			return true;
		rmdir(cgroup);
	}
	return false;
}

static void confine(struct cell *c)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)c->victim->pid);
	assert_true(write_file(cgroup, "cgroup.procs", pid));
}

static void is_killed(struct cell *c)
{
	assert_int_equal(victim_gone(c), SIGKILL);
}

static const struct cause causes[] = {
	{
		.name = "out of memory in its cgroup",
		.thread = "",
		.actor = "x",
		.command = "eat 256",
		.strike = is_killed,
		.prepare = confine,
		.unmarked = true,
	},
	{
		.name = "the same, it is not the main thread",
		.thread = "t",
		.actor = "x",
		.command = "eat 256",
		.strike = is_killed,
		.prepare = confine,
		.unmarked = true,
	},
};

int main(int argc, char **argv)
{
	int failed;

	if (!make_cgroup())
		return skip_all("no cgroup whose memory can be limited");
	failed = deaths_main(argc, argv, causes,
			     sizeof(causes) / sizeof(causes[0]));
	/* The last one may be on its way out of it. */
	(void)eventually(!rmdir(cgroup));
	return failed;
}
