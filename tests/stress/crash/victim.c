/* SPDX-License-Identifier: MIT */
#include "victim.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/atomics.h"

/* A step that takes longer than this may be a sleep. */
#define TICK_US 4000

static void tick(int unused)
{
	(void)unused;
}

/* Makes waitpid() return now and then. */
static void start_ticking(void)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval every = {
		.it_interval.tv_usec = TICK_US,
		.it_value.tv_usec = TICK_US,
	};
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void act(struct stage *st, act_fn prepare, act_fn operate)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(8);
	if (prepare)
		prepare(st);
	raise(SIGSTOP);
	store_release(&st->place, INSIDE);
	operate(st);
	store_release(&st->place, AFTER);
	for (;;)
		raise(SIGSTOP);
}

static bool is_stopped(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == SIGSTOP;
}

bool victim_start(struct victim *v, struct stage *st, act_fn prepare,
		  act_fn operate)
{
	size_t size;

	memset(v, 0, sizeof(*v));
	v->st = st;
	store_release(&st->place, BEFORE);
	v->pid = fork();
	if (!v->pid)
		act(st, prepare, operate);
	if (v->pid < 0 || !is_stopped(v->pid)) {
		v->pid = 0;
		return false;
	}
	start_ticking();
	ptrace(PTRACE_SETOPTIONS, v->pid, NULL, PTRACE_O_EXITKILL);
	syscall(SYS_get_robust_list, v->pid, &v->robust, &size);
	return true;
}

/* Waits for the step to end, or to turn out to be a sleep. */
static enum step wait_for_step(struct victim *v)
{
	sigset_t alarm;
	int status, r, slow = 0;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	do {
		sigprocmask(SIG_UNBLOCK, &alarm, NULL);
		r = waitpid(v->pid, &status, 0);
		sigprocmask(SIG_BLOCK, &alarm, NULL);
		if (r < 0 && errno == EINTR && stage_asleep(v->pid) &&
		    ++slow > 2) {
			v->asleep = true;
			return STEP_ASLEEP;
		}
	} while (r < 0 && errno == EINTR);
	v->asleep = false;
	if (r == v->pid && WIFSTOPPED(status))
		return load_acquire(&v->st->place) == AFTER ? STEP_OVER :
							      STEP_DONE;
	v->pid = 0;
	return STEP_GONE;
}

enum step victim_step(struct victim *v)
{
	if (!v->asleep && ptrace(PTRACE_SINGLESTEP, v->pid, NULL, NULL))
		return STEP_GONE;
	return wait_for_step(v);
}

bool victim_at_syscall(const struct victim *v)
{
#ifdef __x86_64__
	static const uint8_t syscall_code[2] = { 0x0f, 0x05 };
	struct user_regs_struct regs;
	long code;

	if (ptrace(PTRACE_GETREGS, v->pid, NULL, &regs))
		return false;
	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, v->pid, regs.rip, NULL);
	return !errno && !memcmp(&code, syscall_code, sizeof(syscall_code));
#else
	(void)v;
	return false;
#endif
}

bool victim_enter(struct victim *v)
{
	while (load_acquire(&v->st->place) == BEFORE)
		if (victim_step(v) != STEP_DONE)
			return false;
	return true;
}

bool victim_go_on(struct victim *v)
{
	return !ptrace(PTRACE_CONT, v->pid, NULL, NULL) && is_stopped(v->pid);
}

void victim_kill(struct victim *v)
{
	int status;

	if (!v->pid)
		return;
	kill(v->pid, SIGKILL);
	while (waitpid(v->pid, &status, 0) == v->pid && WIFSTOPPED(status))
		;
	v->pid = 0;
}

#ifdef __x86_64__
void victim_exit_alone(void);
__asm__(".text\n"
	".globl victim_exit_alone\n"
	".type victim_exit_alone, @function\n"
	"victim_exit_alone:\n"
	"	movl $60, %eax\n" /* SYS_exit */
	"	xorl %edi, %edi\n"
	"	syscall\n"
	"	hlt\n"
	".size victim_exit_alone, . - victim_exit_alone\n");
#endif

/* How many threads of the process have not ended. */
static int threads_of(pid_t pid)
{
	char path[64];
	struct dirent *d;
	DIR *folder;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	folder = opendir(path);
	while (folder && (d = readdir(folder)))
		n += d->d_name[0] != '.' &&
		     stage_state((pid_t)atoi(d->d_name)) != 'Z';
	if (folder)
		closedir(folder);
	return n;
}

void victim_await_threads(const struct victim *v, int most)
{
	while (threads_of(v->pid) > most)
		usleep(100);
}

void victim_end_thread(struct victim *v)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	int before = threads_of(v->pid);

	if (ptrace(PTRACE_GETREGS, v->pid, NULL, &regs))
		return;
	regs.rip = (uintptr_t)victim_exit_alone;
	regs.orig_rax = (unsigned long long)-1;
	if (!ptrace(PTRACE_SETREGS, v->pid, NULL, &regs) &&
	    !ptrace(PTRACE_CONT, v->pid, NULL, NULL))
		victim_await_threads(v, before - 1);
#else
	(void)v;
#endif
}

bool victim_read(const struct victim *v, void *at, void *to, size_t len)
{
	struct iovec here = { .iov_base = to, .iov_len = len };
	struct iovec there = {
		.iov_base = at,
		.iov_len = len,
	};

	return process_vm_readv(v->pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

uint64_t victim_mapping(const struct victim *v, const char *path)
{
	char name[64], line[512];
	unsigned long from = 0, found = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)v->pid);
	f = fopen(name, "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strlen(line) > strlen(path) &&
		    !strcmp(line + strlen(line) - strlen(path), path) &&
		    sscanf(line, "%lx-", &from) == 1)
			found = from;
	}
	fclose(f);
	return found;
}
