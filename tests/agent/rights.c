/* SPDX-License-Identifier: MIT */
/* Commands that change what the agent may do, and what it has. */
#include <errno.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lane.h"
#include "testing.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* From now on the filter ends this system call with `end`. */
static int filter_call(uint32_t number, uint32_t end)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, end),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ?
		       -errno :
		       0;
}

/* Denies system calls as some containers' profiles do. */
static void do_deny(struct lane *lane, char *rest)
{
	static const struct {
		const char *name;
		uint32_t number;
	} calls[] = {
		{ "waitv", SYS_futex_waitv },
		{ "madvise", SYS_madvise },
		{ "fallocate", SYS_fallocate },
	};
	const char *name = word(&rest);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name)) {
			reply_code(lane,
				   filter_call(calls[i].number,
					       SECCOMP_RET_ERRNO | EPERM));
			return;
		}
	reply(lane, "no such call");
}

static void do_forbidden(struct lane *lane, char *rest)
{
	int r = filter_call(SYS_getpgid, !strcmp(rest, "thread") ?
						 SECCOMP_RET_KILL_THREAD :
						 SECCOMP_RET_KILL_PROCESS);

	if (r)
		reply_code(lane, r);
	else
		reply(lane, "alive: %ld", syscall(SYS_getpgid, 0));
}

/* Sets user and group, and drops all other groups. */
static void do_setuid(struct lane *lane, char *rest)
{
	uid_t uid = (uid_t)atoi(word(&rest));
	gid_t gid = (gid_t)atoi(word(&rest));

	if (setgroups(0, NULL) || setgid(gid) || setuid(uid))
		reply_code(lane, -errno);
	else
		/* A change of user has cleared the parent-death signal. */
		reply_code(lane, prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0);
}

static void do_limit(struct lane *lane, char *rest)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{ "nofile", RLIMIT_NOFILE },
		{ "as", RLIMIT_AS },
		{ "fsize", RLIMIT_FSIZE },
		{ "core", RLIMIT_CORE },
	};
	const char *name = word(&rest), *value = word(&rest);
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (strcmp(limits[i].name, name) != 0)
			continue;
		if (limits[i].resource == RLIMIT_CORE)
			prctl(PR_SET_DUMPABLE, 1);
		getrlimit((__rlimit_resource_t)limits[i].resource, &limit);
		limit.rlim_cur = *value ? strtoul(value, NULL, 10) :
					  limit.rlim_max;
		reply_code(lane,
			   setrlimit((__rlimit_resource_t)limits[i].resource,
				     &limit) ?
				   -errno :
				   0);
		return;
	}
	reply(lane, "no such limit");
}

static void do_chdir(struct lane *lane, char *rest)
{
	reply_code(lane, chdir(rest) ? -errno : 0);
}

/* Takes memory and keeps it, which makes the process large. */
static void do_eat(struct lane *lane, char *rest)
{
	size_t size = strtoul(rest, NULL, 10) << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		reply_code(lane, -errno);
		return;
	}
	memset(p, 1, size);
	reply(lane, "ok");
}

const struct command rights_commands[] = {
	{ "deny", "waitv|madvise|fallocate: by a seccomp filter", do_deny },
	{ "forbidden",
	  "thread|process: makes a call that a filter punishes with its death",
	  do_forbidden },
	{ "setuid", "UID GID: becomes that user", do_setuid },
	{ "limit", "nofile|as|fsize|core [N]: the soft limit, or the hard one",
	  do_limit },
	{ "chdir", "DIRECTORY", do_chdir },
	{ "eat", "MEBIBYTES: of memory", do_eat },
	{ NULL, NULL, NULL },
};
