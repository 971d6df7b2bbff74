/* SPDX-License-Identifier: MIT */
/*
 * The library's protocols, cut down to the accesses that a label of
 * docs/ordering.md is about. In the orders that the library uses nothing goes
 * wrong; in the orders named here neither, and in any weaker ones it does.
 */
#include "explore/litmus.h"
#include "testing.h"

static const struct litmus protocols[] = {
	{
		.name = "A1, A2: a freed granule's last bytes",
		.threads = {
			"byte = 1 rlx; tag = 1 rel/A2",
			"r0 = tag cas 1 2 acq_rel/A1; if r0 = 1; byte = 2 rlx",
		},
		.never = "r0 = 1, byte = 1",
		.needs = "A1 acq, A2 rel",
	},
	{
		.name = "A3, A4: a chain that is handed over",
		.threads = {
			"rest = 1 rlx; head = 1 rel/A3",
			"r0 = head acq/A4; if r0 = 1; r1 = rest rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "A3 rel, A4 acq",
	},
	{
		.name = "B1, B2: a lease and the time that it counts from",
		.threads = {
			"lease = 1 rlx; started = 1 rel/B1",
			"r0 = started acq/B2; if r0 = 1; r1 = lease rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "B1 rel, B2 acq",
	},
	{
		.name = "C1, C2: what was done inside a door",
		.threads = {
			"holder = 1 rlx; r0 = door cas 1 0 acq_rel/C1",
			"r1 = door cas 0 2 acq_rel/C2; if r1 = 0; "
			"r2 = holder rlx",
		},
		.initial = "door = 1",
		.never = "r1 = 0, r2 = 0",
		.needs = "C1 rel, C2 acq",
	},
	{
		.name = "E1, E2: a waiter announces itself, a waker looks",
		.threads = {
			"r0 = event cas 0 1 seq/E1; r1 = ctl seq/E1",
			"r2 = ctl cas 0 1 seq/E2; r3 = event seq/E2",
		},
		.never = "r1 = 0, r3 = 0",
		.needs = "E1 seq, E2 seq",
	},
	{
		.name = "E1, E2: a waiter finds itself announced",
		.threads = {
			"r0 = event cas 0 1 seq/E1",
			"r1 = event seq/E1; if r1 = 1; r2 = ctl seq/E1",
			"r3 = ctl cas 0 1 seq/E2; r4 = event seq/E2",
		},
		.never = "r1 = 1, r2 = 0, r4 = 0, r3 = 0, ctl = 1",
		.needs = "E1 seq, E2 seq",
	},
	{
		.name = "F1, F2: a value and the flip that shows it",
		.threads = {
			"byte = 1 rlx; r0 = ctl cas 0 1 seq/F1",
			"r1 = ctl seq/F2; if r1 = 1; r2 = byte rlx",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "F1 rel, F2 acq",
	},
	{
		.name = "G1, G2: a reader enters, the epoch moves",
		.threads = {
			"reader = 1 rlx; fence seq/G1; r0 = link acq",
			"r1 = link cas 0 1 acq_rel; fence seq/G2; "
			"r2 = reader acq",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "G1 seq, G2 seq",
	},
	{
		.name = "G3, G4: an expelled reader finds its mark",
		.threads = {
			"r0 = reader cas 1 3 acq_rel/G4; "
			"r1 = epoch cas 0 1 acq_rel/G4",
			"r2 = epoch acq; if r2 = 1; fence rel; slot = 1 rlx",
			"r3 = slot rlx; fence acq/G3; r4 = reader rlx",
		},
		.initial = "reader = 1",
		.never = "r3 = 1, r4 = 1",
		.needs = "G3 acq, G4 rel",
	},
	{
		.name = "G7, G8: LIMBO and the stamp",
		.threads = {
			"stamp = 1 rlx; r0 = ctl cas 0 1 seq/G8",
			"r1 = ctl seq/G7; if r1 = 1; r2 = stamp acq",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "G7 acq, G8 rel",
	},
	{
		/*
		 * One takes the slot out and stamps it, one moves the epoch
		 * from 1 to 2 and looks whether it may go to 3, where the
		 * stamp's grace period ends; a reader enters meanwhile.
		 */
		.name = "G1, G2, G9: no reader stands where a grace period ends",
		.threads = {
			"r0 = link cas 0 1 acq_rel; fence seq/G9; "
			"r1 = epoch acq",
			"r2 = epoch cas 1 2 acq_rel; fence seq/G2; "
			"r3 = reader acq",
			"r4 = epoch acq; reader = r4 rlx; fence seq/G1; "
			"r5 = link acq",
		},
		.initial = "epoch = 1",
		.never = "r5 = 0, r1 = 1, r3 = 0 | r5 = 0, r1 = 1, r3 = 2",
		.needs = "G1 seq, G2 seq, G9 seq",
	},
	{
		.name = "S1, S2: a value copied, then validated",
		.threads = {
			"r0 = ctl cas 0 1 seq; fence rel/S2; byte = 1 rlx",
			"r1 = ctl seq; r2 = byte rlx; fence acq/S1; "
			"r3 = ctl seq",
		},
		.never = "r1 = 0, r2 = 1, r3 = 0",
		.needs = "S1 acq, S2 rel",
	},
	{
		.name = "K1, K2: a key compared, then validated",
		.threads = {
			"r0 = ctl cas 0 1 seq; fence rel/K1; key = 1 rlx; "
			"r1 = ctl cas 1 2 seq",
			"r2 = ctl seq; r3 = key rlx; fence acq/K2; "
			"r4 = ctl seq",
		},
		.never = "r2 = 0, r3 = 1, r4 = 0",
		.needs = "K1 rel, K2 acq",
	},
	{
		.name = "L1, L2: a link and the key behind it",
		.threads = {
			"key = 1 rlx; r0 = link cas 0 1 acq_rel/L2",
			"r1 = link acq/L1; if r1 = 1; r2 = key rlx",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "L1 acq, L2 rel",
	},
	{
		/*
		 * The reader was expelled and stands on a slot that is in its
		 * next life, before another one that is, too.
		 */
		.name = "L1, L2: the link of a slot that is about to be linked",
		.threads = {
			"next2 = 1 rlx; r0 = bucket cas 0 1 acq_rel/L2",
			"r1 = bucket acq/L1; if r1 = 1; next1 = 1 rel/L2",
			"r2 = next1 acq/L1; if r2 = 1; r3 = next2 acq/L1",
		},
		.never = "r2 = 1, r3 = 0",
		.needs = "L1 acq, L2 rel",
	},
	{
		.name = "M1, M2: a segment that has moved, a claim in it",
		.threads = {
			"moved = 1 seq/M1; fence seq/M1; r0 = ctl seq",
			"r1 = ctl cas 0 1 seq/M2; r2 = moved seq/M2",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "M1 seq, M2 seq",
	},
	{
		.name = "N1, N2: a pin and a claim of the field",
		.threads = {
			"pin = 1 rlx; hint = 1 rlx; fence seq/N1; "
			"r0 = ctl seq",
			"r1 = ctl cas 0 1 seq/N2; r2 = hint seq/N2; "
			"if r2 = 1; r3 = pin seq/N2",
		},
		.never = "r0 = 0, r2 = 0 | r0 = 0, r2 = 1, r3 = 0",
		.needs = "N1 seq, N2 seq",
	},
	{
		.name = "N3: an orphan is made, the last pin dropped",
		.threads = {
			"tag = 1 rel; fence seq/N3; r0 = pin acq",
			"pin = 1 rel; fence seq/N3; r1 = tag acq",
		},
		.never = "r0 = 0, r1 = 0",
		.needs = "N3 seq",
	},
	{
		/* The kernel's mark is a release. */
		.name = "P1, P2: the kernel's mark and what was written last",
		.threads = {
			"note = 1 rlx; r0 = mutex cas 0 1 rel",
			"r1 = mutex cas 1 2 acq/P1; if r1 = 1; r2 = note rlx",
			"r3 = mutex acq/P2; if r3 = 1; r4 = note rlx",
		},
		.never = "r1 = 1, r2 = 0 | r3 = 1, r4 = 0",
		.needs = "P1 acq, P2 acq",
	},
	{
		.name = "P3, P4: a mutex locked and the life of its owner",
		.threads = {
			"r0 = mutex cas 0 1 acq; life = 1 rel/P3",
			"r1 = life acq/P4; if r1 = 1; r2 = mutex acq",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "P3 rel, P4 acq",
	},
	{
		/* One that has seen the kernel's mark ends the life. */
		.name = "P5, P6: a life that is over and what it wrote last",
		.threads = {
			"note = 1 rlx; r0 = mutex cas 0 1 rel",
			"r1 = mutex acq; if r1 = 1; "
			"r2 = life cas 1 2 acq_rel/P5",
			"r3 = life acq/P6; if r3 = 2; r4 = note rlx",
		},
		.initial = "life = 1",
		.never = "r3 = 2, r4 = 0",
		.needs = "P5 rel, P6 acq",
	},
	{
		.name = "S3, S4: an old value's memory, used again",
		.threads = {
			"r0 = ctl cas 0 1 seq/S3; tag = 1 rel/S3",
			"r1 = tag cas 1 2 acq_rel; if r1 = 1; fence rel/S2; "
			"byte = 1 rlx",
			"r2 = ctl seq; r3 = byte rlx; fence acq/S4; "
			"r4 = ctl seq",
		},
		.never = "r2 = 0, r3 = 1, r4 = 0",
		.needs = "S3 rel, S4 acq, S2 rel",
	},
	{
		.name = "D1, D2: two close a circle",
		.threads = {
			"mine = 1 seq/D1; r0 = other seq/D2",
			"other = 1 seq/D1; r1 = mine seq/D2",
		},
		.never = "r0 = 0, r1 = 0",
		.needs = "D1 seq, D2 seq",
	},
	{
		.name = "V1, V2: a word, and a maximum that changes",
		.threads = {
			"r0 = word cas 0 1 seq/V2; r1 = max seq/V2",
			"r2 = max cas 0 1 seq/V2",
			"r3 = max seq/V1; if r3 = 1; r4 = word seq/V1",
		},
		.never = "r1 = 0, r3 = 1, r4 = 0",
		.needs = "V1 seq, V2 seq",
	},
	{
		.name = "X1, X2: a lifetime ends while its value moves",
		.threads = {
			"r0 = ttl cas 0 1 seq/X1; r1 = slot seq/X1",
			"r2 = slot cas 0 1 seq; fence seq/X2; r3 = ttl rlx",
		},
		.never = "r1 = 0, r3 = 0",
		.needs = "X1 seq, X2 seq",
	},
};

#define PROTOCOLS (sizeof(protocols) / sizeof(*protocols))

static void needs(void **state)
{
	const struct litmus *l = *state;
	struct litmus_mode mode = { .anywhere = true };
	struct litmus_result r;
	char found[256];

	litmus_run(l, &mode, &r);
	assert_false(r.wrong);
	litmus_needs(l, found, sizeof(found));
	assert_string_equal(found, l->needs);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[PROTOCOLS];

	for (size_t i = 0; i < PROTOCOLS; i++)
		tests[i] = (struct CMUnitTest){
			.name = protocols[i].name,
			.test_func = needs,
			.initial_state = (void *)(uintptr_t)&protocols[i],
		};
	return test_main(tests);
}
