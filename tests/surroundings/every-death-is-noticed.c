/* SPDX-License-Identifier: MIT */
/*
 * Whatever ends a leader, a follower or a reader, the others go on: at once if
 * the kernel announces the death, after one slice of their sleep if it does
 * not.
 */
#include <signal.h>

#include "deaths.h"
#include "watch.h"

/* The default of these is to kill; 32 and 33 are libc's own. */
static const int signals[] = {
	SIGHUP,    SIGINT,  SIGQUIT, SIGILL,    SIGTRAP, SIGABRT,
	SIGBUS,    SIGFPE,  SIGKILL, SIGUSR1,   SIGSEGV, SIGUSR2,
	SIGPIPE,   SIGALRM, SIGTERM, SIGSTKFLT, SIGXCPU, SIGXFSZ,
	SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,    SIGSYS,
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void by_default(struct cell *c)
{
	agent_expect(c->victim, "ok", "default-signals");
}

static void send_it(struct cell *c)
{
	agent_signal(c->victim, c->cause->number);
}

static void stop_and_kill(struct cell *c)
{
	agent_signal(c->victim, SIGSTOP);
	agent_stopped(c->victim);
	victim_is_dead(c);
	agent_signal(c->victim, SIGKILL);
}

/* Its thread has another's number from the moment that it is the only one. */
static void await_exec(struct cell *c)
{
	assert_true(eventually(agent_threads(c->victim) == 1));
	victim_is_dead(c);
}

static void end_in_destructor(struct cell *c)
{
	agent_expect(c->victim, "ok", "at-exit _exit");
}

static void die_in_destructor(struct cell *c)
{
	agent_expect(c->victim, "ok", "at-exit signal SEGV");
}

/* A destructor that asks for one more key. */
static void lead_in_destructor(struct cell *c)
{
	agent_expect(c->victim, "ok", "at-exit begin last");
}

static const struct cause others[] = {
	{
		.name = "SIGKILL while stopped",
		.thread = "",
		.strike = stop_and_kill,
	},
	{
		.name = "exit()",
		.thread = "",
		.actor = "",
		.command = "exit",
	},
	{
		.name = "exit() by another thread",
		.thread = "",
		.actor = "x",
		.command = "exit",
	},
	{
		.name = "_exit()",
		.thread = "",
		.actor = "",
		.command = "_exit",
	},
	{
		.name = "_exit() in a destructor",
		.thread = "",
		.actor = "",
		.command = "exit",
		.prepare = end_in_destructor,
	},
	{
		.name = "SIGSEGV in a destructor",
		.thread = "",
		.actor = "",
		.command = "exit",
		.prepare = die_in_destructor,
	},
	{
		.name = "exit() with a destructor that leads a key",
		.thread = "",
		.actor = "x",
		.command = "exit",
		.prepare = lead_in_destructor,
	},
	{
		.name = "execve() by the main thread, which is it",
		.thread = "",
		.actor = "",
		.command = "exec",
		.goes_on = true,
	},
	{
		.name = "execve() by another thread, it is the main one",
		.thread = "",
		.actor = "x",
		.command = "exec",
		.goes_on = true,
	},
	{
		.name = "execve() by the main thread, it is another one",
		.thread = "t",
		.actor = "",
		.command = "exec",
		.goes_on = true,
	},
	{
		.name = "execve() by another thread, it is a third one",
		.thread = "t",
		.actor = "x",
		.command = "exec",
		.goes_on = true,
	},
	{
		.name = "execve() by another thread, which is it",
		.thread = "t",
		.actor = "t",
		.command = "exec",
		.goes_on = true,
		.strike = await_exec,
		.unmarked = true,
	},
	{
		.name = "SYS_exit of a thread",
		.thread = "t",
		.actor = "t",
		.command = "raw-exit",
		.goes_on = true,
	},
	{
		.name = "SYS_exit of the main thread, another one goes on",
		.thread = "",
		.actor = "",
		.command = "raw-exit",
		.goes_on = true,
	},
	{
		.name = "a seccomp filter kills the thread",
		.thread = "t",
		.actor = "t",
		.command = "forbidden thread",
		.goes_on = true,
	},
	{
		.name = "a seccomp filter kills the process",
		.thread = "t",
		.actor = "x",
		.command = "forbidden process",
	},
	{
		.name = "pthread_exit()",
		.thread = "t",
		.actor = "t",
		.command = "pthread_exit",
		.goes_on = true,
		.leaves = true,
		.awake = true,
	},
	{
		.name = "pthread_exit() of the main thread",
		.thread = "",
		.actor = "",
		.command = "pthread_exit",
		.goes_on = true,
		.leaves = true,
		.awake = true,
	},
	{
		.name = "pthread_cancel()",
		.thread = "t",
		.actor = "",
		.command = "cancel t",
		.goes_on = true,
		.leaves = true,
	},
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

static struct cause causes[SIGNALS + 2 + OTHERS];

static struct cause killed_by(int number)
{
	static char names[_NSIG][16];
	const char *name = sigabbrev_np(number);

	if (name)
		snprintf(names[number], sizeof(names[0]), "SIG%s", name);
	else
		snprintf(names[number], sizeof(names[0]), "signal %d", number);
	return (struct cause){
		.name = names[number],
		.thread = "",
		.strike = send_it,
		.prepare = by_default,
		.number = number,
	};
}

int main(int argc, char **argv)
{
	size_t n = 0;

	for (size_t i = 0; i < SIGNALS; i++)
		causes[n++] = killed_by(signals[i]);
	causes[n++] = killed_by(SIGRTMIN);
	causes[n++] = killed_by(SIGRTMAX);
	for (size_t i = 0; i < OTHERS; i++)
		causes[n++] = others[i];
	return deaths_main(argc, argv, causes, n);
}
