/* SPDX-License-Identifier: MIT */
/* How costs grow: each picture's data in a file, drawn by gnuplot. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS 7 /* for a point, at most */

struct picture {
	const char *name;
	const struct bench *points;
	const char *title, *x;
	const char *ours, *theirs;
};

static const struct picture pictures[] = {
	{ "bench-keys", hit_by_keys, "A hit, by the number of keys", "keys",
	  "sfshm", "liburcu rculfhash, private memory" },
	{ "bench-participants", hit_by_participants,
	  "A hit, by the number of attached threads", "attached threads",
	  "sfshm", "sfshm, 1 attached, in the same run" },
	{ "bench-values", hit_by_value, "A hit, by the size of the value",
	  "bytes of the value", "sfshm", "liburcu rculfhash and memcpy" },
	{ "bench-waiters", wake_by_waiters,
	  "Publish until the last follower has it", "followers", "sfshm",
	  "one bare FUTEX_WAKE" },
};

static FILE *create(const char *folder, const char *name, const char *ending)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, ending);
	file = fopen(path, "w");
	if (!file)
		bench_die(path, -errno);
	return file;
}

static void measure(const char *folder, const struct picture *p, int rounds)
{
	FILE *data = create(folder, p->name, "dat");
	struct figures f;

	fprintf(data, "# %s: ns\n# %s, sfshm, peer\n", p->title, p->x);
	for (const struct bench *b = p->points; b->name; b++) {
		if (b->prepare(b))
			bench_die(p->name, -ENOTSUP);
		bench_measure(b, rounds < ROUNDS ? rounds : ROUNDS, &f);
		b->clean_up(b);
		fprintf(data, "%llu %.1f %.1f\n",
			(unsigned long long)(b->value ? b->value : b->size),
			f.ours, f.theirs);
	}
	if (fclose(data))
		bench_die("cannot write a picture's data", -errno);
}

static void script(const char *folder, const struct picture *p)
{
	FILE *out = create(folder, p->name, "gnuplot");

	fprintf(out,
		"set terminal svg size 640,400 noenhanced font 'sans,12' "
		"background 'white'\n"
		"set output '%s.svg'\nset title '%s'\nset xlabel '%s'\n"
		"set ylabel 'ns'\nset logscale x\nset format x '%%.0f'\n"
		"set yrange [0:*]\nset grid\nset key left top\n"
		"plot '%s.dat' using 1:2 with linespoints lw 2 title '%s', "
		"'' using 1:3 with linespoints lw 2 title '%s'\n",
		p->name, p->title, p->x, p->name, p->ours, p->theirs);
	if (fclose(out))
		bench_die("cannot write a picture's script", -errno);
}

static void draw(const char *folder, const struct picture *p)
{
	char file[64];
	char *argv[] = { "gnuplot", file, NULL };
	posix_spawn_file_actions_t actions;
	int status = 0, r;
	pid_t pid;

	snprintf(file, sizeof(file), "%s.gnuplot", p->name);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addchdir_np(&actions, folder);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r || waitpid(pid, &status, 0) != pid || status)
		fprintf(stderr,
			"sfshm-bench: %s/%s is not drawn: gnuplot failed or is "
			"missing (package gnuplot-nox)\n",
			folder, file);
}

void bench_plot(const char *folder, int rounds)
{
	if (mkdir(folder, 0777) && errno != EEXIST)
		bench_die(folder, -errno);
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		measure(folder, &pictures[i], rounds);
		script(folder, &pictures[i]);
		draw(folder, &pictures[i]);
	}
}
