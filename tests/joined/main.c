/* SPDX-License-Identifier: MIT */
/*
 * Runs the program whose name it is called by. build/tests has a link of that
 * name for each.
 */
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} programs[] = {
#define PROGRAM(function, name) { name, function },
#include PROGRAMS
#undef PROGRAM
};

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (!strcmp(name, programs[i].name))
			return programs[i].run(argc, argv);
	}
	fprintf(stderr,
		"%s: none of its programs has this name; call it by a link "
		"that has, such as %s\n",
		name, programs[0].name);
	return 2;
}
