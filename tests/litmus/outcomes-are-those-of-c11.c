/* SPDX-License-Identifier: MIT */
/*
 * The engine of weak memory lets the classic litmus tests come out in exactly
 * the ways that C11, as of C++20, allows: no outcome more, and none less. herd7
 * with the model rc11.cat lists the same ones, but for the last test: there a
 * release sequence still goes on with stores of the same thread.
 */
#include "stress/explore/litmus.h"
#include "testing.h"

static const struct litmus classics[] = {
	{
		.name = "store buffering",
		.threads = { "x = 1 rlx; r0 = y rlx", "y = 1 rlx; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "store buffering, release and acquire",
		.threads = { "x = 1 rel; r0 = y acq", "y = 1 rel; r1 = x acq" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "store buffering, seq_cst",
		.threads = { "x = 1 seq; r0 = y seq", "y = 1 seq; r1 = x seq" },
		.shown = "r0 r1",
		.outcomes = "01 10 11",
	},
	{
		.name = "store buffering, fences",
		.threads = { "x = 1 rlx; fence seq; r0 = y rlx",
			     "y = 1 rlx; fence seq; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "01 10 11",
	},
	{
		.name = "store buffering, one fence",
		.threads = { "x = 1 rlx; fence seq; r0 = y rlx",
			     "y = 1 rlx; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "store buffering, a fence and seq_cst",
		.threads = { "x = 1 rlx; fence seq; r0 = y rlx",
			     "y = 1 seq; r1 = x seq" },
		.shown = "r0 r1",
		.outcomes = "01 10 11",
	},
	{
		.name = "store buffering, updates that only acquire and release",
		.threads = { "r2 = x add 1 acq_rel; r0 = y acq",
			     "r3 = y add 1 acq_rel; r1 = x acq" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "message passing",
		.threads = { "x = 1 rlx; y = 1 rlx", "r0 = y rlx; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "message passing, release and acquire",
		.threads = { "x = 1 rlx; y = 1 rel", "r0 = y acq; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 11",
	},
	{
		.name = "message passing, release only",
		.threads = { "x = 1 rlx; y = 1 rel", "r0 = y rlx; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 10 11",
	},
	{
		.name = "message passing, fences",
		.threads = { "x = 1 rlx; fence rel; y = 1 rlx",
			     "r0 = y rlx; fence acq; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 11",
	},
	{
		.name = "load buffering",
		.threads = { "r0 = x rlx; y = 1 rlx", "r1 = y rlx; x = 1 rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 10",
	},
	{
		.name = "reads of one thread agree with one order (CoRR)",
		.threads = { "x = 1 rlx", "x = 2 rlx",
			     "r0 = x rlx; r1 = x rlx" },
		.shown = "r0 r1 x",
		.outcomes = "001 002 011 012 021 022 111 112 122 211 221 222",
	},
	{
		.name = "reads of two threads agree with one order (CoRR)",
		.threads = { "x = 1 rlx", "x = 2 rlx", "r0 = x rlx; r1 = x rlx",
			     "r2 = x rlx; r3 = x rlx" },
		.shown = "r0 r1 r2 r3",
		.outcomes =
			"0000 0001 0002 0011 0012 0021 0022 0100 0101 0102 0111 0112 "
			"0121 0122 0200 0201 0202 0211 0212 0221 0222 1100 1101 1102 "
			"1111 1112 1121 1122 1200 1201 1202 1211 1212 1222 2100 2101 "
			"2102 2111 2121 2122 2200 2201 2202 2211 2212 2221 2222",
	},
	{
		.name = "a thread reads its own store or a newer one (CoWR)",
		.threads = { "x = 1 rlx; r0 = x rlx", "x = 2 rlx" },
		.shown = "r0 x",
		.outcomes = "11 12 22",
	},
	{
		.name = "a store is newer than what its thread has read (CoRW)",
		.threads = { "r0 = x rlx; x = 1 rlx", "x = 2 rlx" },
		.shown = "r0 x",
		.outcomes = "01 02 21",
	},
	{
		.name = "IRIW, release and acquire",
		.threads = { "x = 1 rel", "y = 1 rel", "r0 = x acq; r1 = y acq",
			     "r2 = y acq; r3 = x acq" },
		.shown = "r0 r1 r2 r3",
		.outcomes =
			"0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 "
			"1100 1101 1110 1111",
	},
	{
		.name = "IRIW, seq_cst",
		.threads = { "x = 1 seq", "y = 1 seq", "r0 = x seq; r1 = y seq",
			     "r2 = y seq; r3 = x seq" },
		.shown = "r0 r1 r2 r3",
		.outcomes =
			"0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 "
			"1101 1110 1111",
	},
	{
		.name = "IRIW, fences",
		.threads = { "x = 1 rlx", "y = 1 rlx",
			     "r0 = x rlx; fence seq; r1 = y rlx",
			     "r2 = y rlx; fence seq; r3 = x rlx" },
		.shown = "r0 r1 r2 r3",
		.outcomes =
			"0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 "
			"1101 1110 1111",
	},
	{
		.name = "WRC, first store relaxed",
		.threads = { "x = 1 rlx", "r0 = x acq; y = 1 rel",
			     "r1 = y acq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 111",
	},
	{
		.name = "WRC, release and acquire",
		.threads = { "x = 1 rel", "r0 = x acq; y = 1 rel",
			     "r1 = y acq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 111",
	},
	{
		.name = "ISA2, release and acquire",
		.threads = { "x = 1 rlx; y = 1 rel", "r0 = y acq; z = 1 rel",
			     "r1 = z acq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 111",
	},
	{
		.name = "ISA2, relaxed in the middle",
		.threads = { "x = 1 rlx; y = 1 rel", "r0 = y rlx; z = 1 rel",
			     "r1 = z acq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 110 111",
	},
	{
		.name = "2+2W",
		.threads = { "x = 1 rlx; y = 2 rlx", "y = 1 rlx; x = 2 rlx" },
		.shown = "x y",
		.outcomes = "12 21 22",
		.reordered = "11",
	},
	{
		.name = "2+2W, release",
		.threads = { "x = 1 rel; y = 2 rel", "y = 1 rel; x = 2 rel" },
		.shown = "x y",
		.outcomes = "12 21 22",
		.reordered = "11",
	},
	{
		.name = "2+2W, seq_cst",
		.threads = { "x = 1 seq; y = 2 seq", "y = 1 seq; x = 2 seq" },
		.shown = "x y",
		.outcomes = "12 21 22",
	},
	{
		.name = "2+2W, fences",
		.threads = { "x = 1 rlx; fence seq; y = 2 rlx",
			     "y = 1 rlx; fence seq; x = 2 rlx" },
		.shown = "x y",
		.outcomes = "12 21 22",
	},
	{
		.name = "S",
		.threads = { "x = 2 rlx; y = 1 rlx", "r0 = y rlx; x = 1 rlx" },
		.shown = "r0 x",
		.outcomes = "01 02 11",
		.reordered = "12",
	},
	{
		.name = "S, release and acquire",
		.threads = { "x = 2 rlx; y = 1 rel", "r0 = y acq; x = 1 rlx" },
		.shown = "r0 x",
		.outcomes = "01 02 11",
	},
	{
		.name = "R, seq_cst",
		.threads = { "x = 1 seq; y = 1 seq", "y = 2 seq; r0 = x seq" },
		.shown = "r0 y",
		.outcomes = "01 11 12",
	},
	{
		.name = "R, release and acquire",
		.threads = { "x = 1 rel; y = 1 rel", "y = 2 rel; r0 = x acq" },
		.shown = "r0 y",
		.outcomes = "01 02 11 12",
	},
	{
		.name = "R, fences",
		.threads = { "x = 1 rlx; fence seq; y = 1 rlx",
			     "y = 2 rlx; fence seq; r0 = x rlx" },
		.shown = "r0 y",
		.outcomes = "01 11 12",
	},
	{
		.name = "RWC, release and acquire, one fence",
		.threads = { "x = 1 rel", "r0 = x acq; r1 = y acq",
			     "y = 1 rel; fence seq; r2 = x acq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 110 111",
	},
	{
		.name = "RWC, two of three seq_cst",
		.threads = { "x = 1 rel", "r0 = x acq; r1 = y seq",
			     "y = 1 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 110 111",
	},
	{
		.name = "RWC, seq_cst",
		.threads = { "x = 1 seq", "r0 = x seq; r1 = y seq",
			     "y = 1 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 101 110 111",
	},
	{
		.name = "RWC, fences",
		.threads = { "x = 1 rlx", "r0 = x rlx; fence seq; r1 = y rlx",
			     "y = 1 rlx; fence seq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 101 110 111",
	},
	{
		.name = "RWC, seq_cst, but one read",
		.threads = { "x = 1 seq", "r0 = x acq; r1 = y seq",
			     "y = 1 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 110 111",
	},
	{
		.name = "RWC, seq_cst with an update, but one read",
		.threads = { "r3 = x add 1 seq", "r0 = x acq; r1 = y seq",
			     "y = 1 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 110 111",
	},
	{
		.name = "message passing, seq_cst fence and acquire",
		.threads = { "x = 1 rlx; fence seq; y = 1 rlx",
			     "r0 = y acq; r1 = x rlx" },
		.shown = "r0 r1",
		.outcomes = "00 01 11",
	},
	{
		.name = "three in a circle, seq_cst",
		.threads = { "z = 1 seq; r0 = x seq", "x = 1 seq; y = 1 seq",
			     "r1 = y seq; r2 = z seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 011 100 101 110 111",
	},
	{
		.name = "three in a circle, over an older store",
		.threads = { "z = 1 seq; r0 = x seq",
			     "x = 1 seq; y = 1 seq; y = 2 rlx",
			     "r1 = y seq; r2 = z seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 011 021 100 101 110 111 120 121",
	},
	{
		.name = "three in a circle, over release and acquire",
		.threads = { "z = 1 seq; r0 = x seq", "x = 1 seq; y = 1 rel",
			     "r1 = y acq; r2 = z seq" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 011 100 101 110 111",
	},
	{
		.name = "Z6.U",
		.threads = { "x = 1 seq; y = 1 rel",
			     "r0 = y add 1 seq; r1 = y rlx",
			     "y = 3 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "010 011 030 031 120 121 130 131 310 311 340 341",
	},
	{
		.name = "Z6.U, with a fence",
		.threads = { "x = 1 seq; fence seq; y = 1 rel",
			     "r0 = y add 1 seq; r1 = y rlx",
			     "y = 3 seq; r2 = x seq" },
		.shown = "r0 r1 r2",
		.outcomes = "010 011 030 031 120 121 131 310 311 340 341",
	},
	{
		.name = "updates are atomic",
		.threads = { "r0 = x add 1 rlx", "r1 = x add 1 rlx",
			     "x = 4 rlx" },
		.shown = "r0 r1 x",
		.outcomes = "014 045 104 405 456 546",
	},
	{
		.name = "of two compare-and-swaps one wins",
		.threads = { "r0 = x cas 0 1 rlx", "r1 = x cas 0 2 rlx" },
		.shown = "r0 r1 x",
		.outcomes = "011 202",
	},
	{
		.name = "an update goes on with a release sequence",
		.threads = { "x = 1 rlx; y = 1 rel", "r0 = y add 1 rlx",
			     "r1 = y acq; r2 = x rlx" },
		.shown = "r0 r1 r2",
		.outcomes = "000 001 010 011 100 101 111 121",
	},
	{
		.name = "a store ends a release sequence",
		.threads = { "x = 1 rlx; y = 1 rel; y = 2 rlx",
			     "r1 = y acq; r2 = x rlx" },
		.shown = "r1 r2",
		.outcomes = "00 01 11 20 21",
	},
};

#define CLASSICS (sizeof(classics) / sizeof(*classics))

/* Whether the list holds the word, which has no blanks. */
static bool lists(const char *list, const char *word, size_t length)
{
	const char *at = list;

	while (at && (at = strstr(at, word))) {
		if (at[length] == '\0' || at[length] == ' ')
			return true;
		at += length;
	}
	return false;
}

/* Each word of `found` is in one of the lists. */
static bool all_listed(const char *found, const char *a, const char *b)
{
	char copy[sizeof(((struct litmus_result *)0)->outcomes)], *rest;

	snprintf(copy, sizeof(copy), "%s", found);
	for (char *w = strtok_r(copy, " ", &rest); w;
	     w = strtok_r(NULL, " ", &rest))
		if (!lists(a, w, strlen(w)) && !lists(b, w, strlen(w)))
			return false;
	return true;
}

static void comes_out(void **state)
{
	const struct litmus *l = *state;
	struct litmus_mode mode = { 0 };
	struct litmus_result r;

	litmus_run(l, &mode, &r);
	assert_string_equal(r.outcomes, l->outcomes);
	mode.anywhere = true;
	litmus_run(l, &mode, &r);
	if (!all_listed(r.outcomes, l->outcomes, l->reordered) ||
	    !all_listed(l->outcomes, r.outcomes, NULL) ||
	    (l->reordered && !all_listed(l->reordered, r.outcomes, NULL)))
		fail_msg("out of order: %s", r.outcomes);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[CLASSICS];

	for (size_t i = 0; i < CLASSICS; i++)
		tests[i] = (struct CMUnitTest){
			.name = classics[i].name,
			.test_func = comes_out,
			.initial_state = (void *)(uintptr_t)&classics[i],
		};
	return test_main(tests);
}
