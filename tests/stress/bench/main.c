/* SPDX-License-Identifier: MIT */
/*
 * bench SEGMENT RUNS OPERATION: does the operation RUNS times under valgrind
 * or strace. It first does the operation a few times and calls warmed_up(),
 * from where callgrind counts. For strace it puts each run between two marks,
 * which are system calls that do nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "peer/removal.h"

#define WARM 20

static void mark(const char *text)
{
	if (syscall(SYS_write, -1, text, strlen(text)) >= 0)
		exit(EXIT_FAILURE);
}

static const struct op *find(const char *name)
{
	for (const struct op *op = ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	fprintf(stderr, "bench: there is no operation '%s'\n", name);
	exit(2);
}

static void run(const struct op *op, int times)
{
	for (int i = 0; i < times; i++) {
		if (op->before)
			op->before();
		mark(op->name);
		op->run();
		mark("end");
		if (op->after)
			op->after();
	}
}

__attribute__((noinline)) static void warmed_up(void)
{
	mark("warmed up");
}

int main(int argc, char **argv)
{
	const struct op *op;

	if (argc == 3 && !strcmp(argv[1], "--sleep"))
		ops_sleep(argv[2]);
	if (argc != 4)
		return 2;
	/* The library's checks twice a second belong to no operation. */
	removal_every_ns = UINT64_MAX / 2;
	op = find(argv[3]);
	ops_open(argv[1], argv[0], op);
	run(op, WARM);
	warmed_up();
	run(op, atoi(argv[2]));
	ops_close();
	ops_need(!sfshm_unlink(argv[1]), "sfshm_unlink()");
	return EXIT_SUCCESS;
}
