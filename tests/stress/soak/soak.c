/* SPDX-License-Identifier: MIT */
/*
 * soak SECONDS SFSHM-CTL: many processes use a small segment in every way
 * while they are killed and stopped and the segment is resized; an oracle
 * judges all that they read. Exits with 0 only if nothing was wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sfshm.h>

#include "board.h"
#include "os/hash.h"

static const char *const texts[] = {
#define TALLY(name, text) text,
#include "tally.def"
#undef TALLY
};

static bool make_board(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		return false;
	snprintf(board->segment, sizeof(board->segment), "soak-%d",
		 (int)getpid());
	return true;
}

static int make_segment(void)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		.slots = MOST_SLOTS / 2,
		.participants = 4 * WORKERS,
		.max_value = MAX_VALUE,
		.bytes = 512 << 10,
	};
	struct sfshm *handle;
	int r = sfshm_open(&handle, board->segment, &o);

	return r ? r : sfshm_close(handle);
}

static void print_table(void)
{
	for (int i = 0; i < TALLIES; i++)
		printf("%-40s %10" PRIu64 "\n", texts[i], board->tally[i]);
	printf("%-40s %10" PRIu64 "\n", "violations", board->violations);
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };
	int seconds = argc == 3 ? atoi(argv[1]) : 0;
	uint64_t seed = hash_random();
	int r;

	if (seconds < 1) {
		fputs("usage: soak SECONDS SFSHM-CTL\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	if (!make_board()) {
		perror("soak");
		return 1;
	}
	r = make_segment();
	if (r) {
		fprintf(stderr, "soak: no segment: %s\n", sfshm_strerror(r));
		return 1;
	}
	if (!locks_begin()) {
		perror("soak: its files to lock");
		return 1;
	}
	tags = &board->tags;
	random_seed(seed);
	chaos_run((unsigned int)seconds);
	ending_check(argv[2]);
	locks_end();
	oracle_end();
	print_table();
	r = sfshm_unlink(board->segment);
	if (r)
		violation("unlink says: %s", sfshm_strerror(r));
	return board->violations != 0;
}
