/* SPDX-License-Identifier: MIT */
#include "common/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* fault_guard() makes the line: a signal handler must not format text. */
static char fault_line[512];
static size_t fault_len;
static sigjmp_buf *volatile fault_way_out;

static void fault_exit(int signal)
{
	ssize_t written;

	(void)signal;
	if (fault_way_out)
		siglongjmp(*fault_way_out, 1);
	written = write(STDERR_FILENO, fault_line, fault_len);
	(void)written;
	_exit(1);
}

void fault_guard(const char *segment)
{
	struct sigaction action = { .sa_handler = fault_exit };

	snprintf(fault_line, sizeof(fault_line),
		 "%s: %.300s: the file shrank while it was read; "
		 "make the segment anew\n",
		 program_invocation_short_name, segment);
	fault_len = strlen(fault_line);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
}

void fault_escape(sigjmp_buf *where)
{
	fault_way_out = where;
}
