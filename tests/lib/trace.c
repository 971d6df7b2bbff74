/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/ptrace.h>

#include "segment/fingerprint.h"
#include "testing.h"

#define MOST_STEPS 3000000
#define MOST_CALLS 100000

/* Returns the last number in the line "NSpid:" of the thread's status. */
static pid_t inner_id(pid_t process, const char *thread)
{
	char path[600], line[256];
	pid_t id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)process,
		 thread);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:", 6))
			id = atoi(strrchr(line, '\t') + 1);
	if (f)
		fclose(f);
	return id;
}

pid_t trace_find(pid_t process, pid_t inner)
{
	char path[64];
	struct dirent *e;
	pid_t found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' &&
		    inner_id(process, e->d_name) == inner)
			found = atoi(e->d_name);
	closedir(d);
	if (!found)
		fail_msg("no thread %d in process %d", (int)inner,
			 (int)process);
	return found;
}

static void await_stop(pid_t thread)
{
	int status;

	assert_int_equal(waitpid(thread, &status, __WALL), thread);
	if (!WIFSTOPPED(status))
		fail_msg("thread %d ended while traced", (int)thread);
}

void trace_stop(pid_t thread)
{
	assert_int_equal(
		ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
	await_stop(thread);
}

void trace_go_on(pid_t thread)
{
	assert_int_equal(ptrace(PTRACE_DETACH, thread, NULL, NULL), 0);
}

void trace_ended(pid_t thread)
{
	assert_int_equal(waitpid(thread, NULL, __WALL), thread);
}

void trace_step_until(pid_t thread, bool (*is_so)(pid_t thread))
{
	for (int i = 0; i < MOST_STEPS; i++) {
		if (is_so(thread))
			return;
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, thread, NULL, NULL),
				 0);
		await_stop(thread);
	}
	fail_msg("it does not come about within %d steps", MOST_STEPS);
}

static void next_call(pid_t thread, struct ptrace_syscall_info *info)
{
	assert_int_equal(ptrace(PTRACE_SYSCALL, thread, NULL, NULL), 0);
	await_stop(thread);
	assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(*info),
			   info) > 0);
}

void trace_run_into(pid_t thread, long call)
{
	struct ptrace_syscall_info info = { 0 };

	for (int i = 0; i < MOST_CALLS; i++) {
		next_call(thread, &info);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    (long)info.entry.nr == call)
			return;
	}
	fail_msg("no such system call within %d", MOST_CALLS);
}

void trace_run_back(pid_t thread)
{
	struct ptrace_syscall_info info = { 0 };

	do
		next_call(thread, &info);
	while (info.op != PTRACE_SYSCALL_INFO_EXIT);
}

uint64_t trace_pending_word(pid_t thread)
{
	struct robust_head *head;
	uint64_t pending, offset;
	size_t size;

	if (syscall(SYS_get_robust_list, thread, &head, &size))
		return 0;
	errno = 0;
	pending = (uint64_t)ptrace(PTRACE_PEEKDATA, thread,
				   &head->list_op_pending, NULL);
	offset = (uint64_t)ptrace(PTRACE_PEEKDATA, thread, &head->futex_offset,
				  NULL);
	return pending && !errno ? pending + offset : 0;
}
