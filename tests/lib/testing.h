/* SPDX-License-Identifier: MIT */
/*
 * Every C test has a segment name of its own, bounds for its waits, and cmocka
 * with TAP output. The test's end removes the segment.
 *
 * A test program's main() is `return test_main(tests)` with an array of
 * in_segment() entries. Asserts are for the test's main thread; threads and
 * forked children use demand().
 */
#ifndef LIB_TESTING_H
#define LIB_TESTING_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <sfshm/do.h>
#include <sfshm/flight.h>
#include <sfshm/inspect.h>
#include <sfshm/segment.h>

#include "os/atomics.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
#ifdef OS_TSAN
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif

/* Sanitizers slow programs, and the starts of processes, by about this much. */
#define SLOWNESS (UNDER_TSAN || UNDER_ASAN ? 5 : 1)

/*
 * Milliseconds that anything may take that is bound to happen: a hang ends
 * here.
 */
#define PATIENCE_MS 60000

/* The test's segment, by the name that agents and helpers open. */
extern char segment[64];

int segment_setup(void **state);
int segment_teardown(void **state);

#define in_segment(f) \
	cmocka_unit_test_setup_teardown(f, segment_setup, segment_teardown)

/*
 * Runs the tests, or only those whose names hold the program's argument.
 * Returns main()'s value.
 */
#define test_main(tests)                                                   \
	(testing_begin(argc, argv),                                        \
	 _cmocka_run_group_tests(argv[0], (tests),                         \
				 sizeof(tests) / sizeof((tests)[0]), NULL, \
				 NULL))
void testing_begin(int argc, char **argv);

/* Skips a program that cannot run here. Returns main()'s value. */
int skip_all(const char *why);

/* Ends the process if the condition is false: for threads and children. */
#define demand(condition)                                                     \
	do {                                                                  \
		if (!(condition))                                             \
			demand_failed(__FILE__, __LINE__, #condition, errno); \
	} while (0)
void demand_failed(const char *file, int line, const char *what, int error)
	__attribute__((noreturn));

/* Opens the test's segment, and makes it with `o`'s geometry if need be. */
struct sfshm *segment_open(const struct sfshm_options *o);

/* Asserts that the whole segment is sound; prints the findings. */
void assert_sound(struct sfshm *handle);

/* CLOCK_MONOTONIC, ms; not through the library, whose clock tests bend. */
uint64_t now_ms(void);

/*
 * Returns zeroed memory that forked children share. Only the test's end frees
 * it.
 */
void *shared_memory(size_t size);

/*
 * Polls `condition` until it is true; false after PATIENCE_MS. For conditions
 * that can be seen but not slept for.
 */
#define eventually(condition)                                   \
	({                                                      \
		uint64_t _end = now_ms() + PATIENCE_MS;         \
		bool _is;                                       \
		while (!(_is = (condition)) && now_ms() < _end) \
			usleep(200);                            \
		_is;                                            \
	})

/*
 * Lets the library's sleeps in this process end only by a wake: without the
 * bounded re-check a lost wake is a hang, which a test can see.
 */
void sleep_until_woken(void);

/*
 * Notes from now on how the library sleeps in this process. Its requests to the
 * kernel do not depend on how busy the machine is.
 */
struct sleeps {
	uint32_t count;      /* sleeps that were begun */
	uint64_t first_ns;   /* when the first one began, CLOCK_MONOTONIC */
	uint64_t longest_ns; /* longest time that one of them was to last */
	uint64_t until_ns;   /* latest end of one of them */
};
extern struct sleeps sleeps;
void sleeps_note(void);

/*
 * Sleeps for a moment; a thread may be cancelled there. ThreadSanitizer loses
 * sight of the locks of a thread that is cancelled in a call of libc.
 */
void cancellable_nap(void);

/* Moves the library's clock in this process ahead. */
void clock_advance(uint64_t ms);

/*
 * Does to the library's clocks in this process what a suspend of the host does:
 * CLOCK_BOOTTIME moves ahead, the others do not. Returns in the next tick.
 */
void clock_suspend(uint64_t ms);

/* Values that tell whether they are whole; see value.c. */
void value_fill(void *data, size_t len, unsigned int seed);
int value_seed(const void *data, size_t len);

#endif
