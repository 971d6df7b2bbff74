/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-B2: a program that is already running, with threads, loads the shared
 * library with dlopen(), as interpreters do. Each of its threads can use it.
 */
#include <dlfcn.h>

#include "crowd.h"
#include "testing.h"

#define CALLS(call)         \
	call(open);         \
	call(begin);        \
	call(publish);      \
	call(result_clear); \
	call(close)

static struct {
#define ENTRY(name) __typeof__(&sfshm_##name) name
	CALLS(ENTRY);
} lib;

/* The library lies in the same build as this program. */
static void load(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *end;
	void *handle;

	demand(n > 0);
	path[n] = '\0';
	end = strstr(path, "/tests/");
	demand(end);
	snprintf(end, 64, "/src/libsfshm.so");
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		fprintf(stderr, "# %s\n", dlerror());
	demand(handle);
#define FIND(name)                                           \
	*(void **)&lib.name = dlsym(handle, "sfshm_" #name); \
	demand(lib.name)
	CALLS(FIND);
}

static int there;

static void await(int members)
{
	demand(eventually(load_acquire(&there) == members));
}

/* All threads are there before one of them loads the library. */
static void load_once_all_are_there(int member)
{
	fetch_add_acq_rel(&there, 1);
	if (member == 0) {
		await(4);
		load();
		fetch_add_acq_rel(&there, 1);
	}
	await(5);
}

static void use(int member, void *unused)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct sfshm *h;

	(void)unused;
	load_once_all_are_there(member);
	demand(lib.open(&h, segment, NULL) == 0);
	demand(lib.begin(h, &member, sizeof(member), NULL, &flight, &result) ==
	       SFSHM_LEADER);
	demand(lib.publish(&flight, "value", 5) == 0);
	lib.result_clear(&result);
	demand(lib.close(h) == 0);
}

static void into_a_program_with_threads(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	crowd_run(THREADS, 4, use, NULL);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(into_a_program_with_threads),
	};

	if (UNDER_ASAN || UNDER_TSAN)
		return skip_all("a sanitizer takes the two copies for one");
	return test_main(tests);
}
