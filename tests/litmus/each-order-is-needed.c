/* SPDX-License-Identifier: MIT */
/*
 * The library's protocols, cut down to the accesses that a label of
 * docs/ordering.md is about. In the orders that the library uses nothing goes
 * wrong; in the orders named here neither, and in any weaker ones it does.
 */
#include "stress/explore/litmus.h"
#include "testing.h"

static const struct litmus protocols[] = {
	{
		.name = "ORDER-A1, ORDER-A2: a freed granule's last bytes",
		.threads = {
			"byte = 1 rlx; tag = 1 rel/ORDER-A2",
			"r0 = tag cas 1 2 acq_rel/ORDER-A1; if r0 = 1; "
			"byte = 2 rlx",
		},
		.never = "r0 = 1, byte = 1",
		.needs = "ORDER-A1 acq, ORDER-A2 rel",
	},
	{
		.name = "ORDER-A3, ORDER-A4: a chain that is handed over",
		.threads = {
			"rest = 1 rlx; head = 1 rel/ORDER-A3",
			"r0 = head acq/ORDER-A4; if r0 = 1; r1 = rest rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-A3 rel, ORDER-A4 acq",
	},
	{
		.name = "ORDER-B1, ORDER-B2: a lease and the time that it "
			"counts from",
		.threads = {
			"lease = 1 rlx; started = 1 rel/ORDER-B1",
			"r0 = started acq/ORDER-B2; if r0 = 1; r1 = lease rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-B1 rel, ORDER-B2 acq",
	},
	{
		.name = "ORDER-B3, ORDER-B4: a guess of a flight's start and "
			"the slot's next life",
		.threads = {
			"ctl = 1 rlx; started = 1 rel/ORDER-B3",
			"r0 = started acq/ORDER-B4; if r0 = 1; r1 = ctl rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-B3 rel, ORDER-B4 acq",
	},
	{
		.name = "ORDER-C1, ORDER-C2: what was done inside a door",
		.threads = {
			"holder = 1 rlx; r0 = door cas 1 0 acq_rel/ORDER-C1",
			"r1 = door cas 0 2 acq_rel/ORDER-C2; if r1 = 0; "
			"r2 = holder rlx",
		},
		.initial = "door = 1",
		.never = "r1 = 0, r2 = 0",
		.needs = "ORDER-C1 rel, ORDER-C2 acq",
	},
	{
		.name = "ORDER-E1, ORDER-E2: a waiter announces itself, a "
			"waker looks",
		.threads = {
			"r0 = event cas 0 1 seq/ORDER-E1; "
			"r1 = ctl seq/ORDER-E1",
			"r2 = ctl cas 0 1 seq/ORDER-E2; "
			"r3 = event seq/ORDER-E2",
		},
		.never = "r1 = 0, r3 = 0",
		.needs = "ORDER-E1 seq, ORDER-E2 seq",
	},
	{
		.name = "ORDER-E1, ORDER-E2: a waiter finds itself announced",
		.threads = {
			"r0 = event cas 0 1 seq/ORDER-E1",
			"r1 = event seq/ORDER-E1; if r1 = 1; "
			"r2 = ctl seq/ORDER-E1",
			"r3 = ctl cas 0 1 seq/ORDER-E2; "
			"r4 = event seq/ORDER-E2",
		},
		.never = "r1 = 1, r2 = 0, r4 = 0, r3 = 0, ctl = 1",
		.needs = "ORDER-E1 seq, ORDER-E2 seq",
	},
	{
		.name = "ORDER-F1, ORDER-F2: a value and the flip that shows "
			"it",
		.threads = {
			"byte = 1 rlx; r0 = ctl cas 0 1 seq/ORDER-F1",
			"r1 = ctl seq/ORDER-F2; if r1 = 1; r2 = byte rlx",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "ORDER-F1 rel, ORDER-F2 acq",
	},
	{
		.name = "ORDER-G1, ORDER-G2: a reader enters, the epoch moves",
		.threads = {
			"reader = 1 rlx; fence seq/ORDER-G1; r0 = link acq",
			"r1 = link cas 0 1 acq_rel; fence seq/ORDER-G2; "
			"r2 = reader acq",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "ORDER-G1 seq, ORDER-G2 seq",
	},
	{
		.name = "ORDER-G3, ORDER-G4: an expelled reader finds its mark",
		.threads = {
			"r0 = reader cas 1 3 acq_rel/ORDER-G4; "
			"r1 = epoch cas 0 1 acq_rel/ORDER-G4",
			"r2 = epoch acq; if r2 = 1; fence rel; slot = 1 rlx",
			"r3 = slot rlx; fence acq/ORDER-G3; r4 = reader rlx",
		},
		.initial = "reader = 1",
		.never = "r3 = 1, r4 = 1",
		.needs = "ORDER-G3 acq, ORDER-G4 rel",
	},
	{
		.name = "ORDER-G7, ORDER-G8: LIMBO and the stamp",
		.threads = {
			"stamp = 1 rlx; r0 = ctl cas 0 1 seq/ORDER-G8",
			"r1 = ctl seq/ORDER-G7; if r1 = 1; r2 = stamp acq",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "ORDER-G7 acq, ORDER-G8 rel",
	},
	{
		/*
		 * One takes the slot out and stamps it, one moves the epoch
		 * from 1 to 2 and looks whether it may go to 3, where the
		 * stamp's grace period ends; a reader enters meanwhile.
		 */
		.name = "ORDER-G1, ORDER-G2, ORDER-G9: no reader stands where "
			"a grace period ends",
		.threads = {
			"r0 = link cas 0 1 acq_rel; fence seq/ORDER-G9; "
			"r1 = epoch acq",
			"r2 = epoch cas 1 2 acq_rel; fence seq/ORDER-G2; "
			"r3 = reader acq",
			"r4 = epoch acq; reader = r4 rlx; fence seq/ORDER-G1; "
			"r5 = link acq",
		},
		.initial = "epoch = 1",
		.never = "r5 = 0, r1 = 1, r3 = 0 | r5 = 0, r1 = 1, r3 = 2",
		.needs = "ORDER-G1 seq, ORDER-G2 seq, ORDER-G9 seq",
	},
	{
		.name = "ORDER-P7, ORDER-P8: a flight is given to a record "
			"that is being swept",
		.threads = {
			"r0 = life cas 0 1 acq_rel; fence seq/ORDER-P7; "
			"r1 = ctl acq",
			"r2 = ctl cas 0 1 acq_rel; fence seq/ORDER-P8; "
			"r3 = life acq",
		},
		.never = "r1 = 0, r3 = 0",
		.needs = "ORDER-P7 seq, ORDER-P8 seq",
	},
	{
		.name = "ORDER-S1, ORDER-S2: a value copied, then validated",
		.threads = {
			"r0 = ctl cas 0 1 seq; fence rel/ORDER-S2; "
			"byte = 1 rlx",
			"r1 = ctl seq; r2 = byte rlx; fence acq/ORDER-S1; "
			"r3 = ctl seq",
		},
		.never = "r1 = 0, r2 = 1, r3 = 0",
		.needs = "ORDER-S1 acq, ORDER-S2 rel",
	},
	{
		.name = "ORDER-H3, ORDER-H4: a handle's cookie and its "
			"mapping",
		.threads = {
			"map = 1 rlx; cookie = 1 rel/ORDER-H4",
			"r0 = cookie acq/ORDER-H3; if r0 = 1; r1 = map rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-H3 acq, ORDER-H4 rel",
	},
	{
		.name = "ORDER-H5, ORDER-H6: an entry and the pointer to it",
		.threads = {
			"name = 1 rlx; entry = 1 rel/ORDER-H6",
			"r0 = entry acq/ORDER-H5; if r0 = 1; r1 = name rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-H5 acq, ORDER-H6 rel",
	},
	{
		.name = "ORDER-K1, ORDER-K2: a key compared, then validated",
		.threads = {
			"r0 = ctl cas 0 1 seq; fence rel/ORDER-K1; "
			"key = 1 rlx; "
			"r1 = ctl cas 1 2 seq",
			"r2 = ctl seq; r3 = key rlx; fence acq/ORDER-K2; "
			"r4 = ctl seq",
		},
		.never = "r2 = 0, r3 = 1, r4 = 0",
		.needs = "ORDER-K1 rel, ORDER-K2 acq",
	},
	{
		.name = "ORDER-L1, ORDER-L2: a link and the key behind it",
		.threads = {
			"key = 1 rlx; r0 = link cas 0 1 acq_rel/ORDER-L2",
			"r1 = link acq/ORDER-L1; if r1 = 1; r2 = key rlx",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "ORDER-L1 acq, ORDER-L2 rel",
	},
	{
		/*
		 * The reader was expelled and stands on a slot that is in its
		 * next life, before another one that is, too.
		 */
		.name = "ORDER-L1, ORDER-L2: the link of a slot that is about "
			"to be linked",
		.threads = {
			"next2 = 1 rlx; r0 = bucket cas 0 1 acq_rel/ORDER-L2",
			"r1 = bucket acq/ORDER-L1; if r1 = 1; "
			"next1 = 1 rel/ORDER-L2",
			"r2 = next1 acq/ORDER-L1; if r2 = 1; "
			"r3 = next2 acq/ORDER-L1",
		},
		.never = "r2 = 1, r3 = 0",
		.needs = "ORDER-L1 acq, ORDER-L2 rel",
	},
	{
		.name = "ORDER-L3, ORDER-L4: the link of a retired slot, and of "
			"its next life",
		.threads = {
			"ctl = 1 rlx; next = 1 rel/ORDER-L4",
			"r0 = next acq/ORDER-L3; if r0 = 1; r1 = ctl rlx",
		},
		.never = "r0 = 1, r1 = 0",
		.needs = "ORDER-L3 acq, ORDER-L4 rel",
	},
	{
		.name = "ORDER-L5, ORDER-L6: the floor and a key that comes "
			"back",
		.threads = {
			"floor = 1 rlx; r0 = link cas 1 0 acq_rel/ORDER-L5",
			"r1 = link cas 0 2 acq_rel/ORDER-L6; if r1 = 0; "
			"r2 = floor rlx",
		},
		.initial = "link = 1",
		.never = "r1 = 0, r2 = 0",
		.needs = "ORDER-L5 rel, ORDER-L6 acq",
	},
	{
		.name = "ORDER-M1, ORDER-M2: a segment that has moved, a claim "
			"in it",
		.threads = {
			"moved = 1 seq/ORDER-M1; fence seq/ORDER-M1; "
			"r0 = ctl seq",
			"r1 = ctl cas 0 1 seq/ORDER-M2; "
			"r2 = moved seq/ORDER-M2",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "ORDER-M1 seq, ORDER-M2 seq",
	},
	{
		.name = "ORDER-N1, ORDER-N2: a pin and a claim of the field",
		.threads = {
			"pin = 1 rlx; hint = 1 rlx; fence seq/ORDER-N1; "
			"r0 = ctl seq",
			"r1 = ctl cas 0 1 seq/ORDER-N2; "
			"r2 = hint seq/ORDER-N2; "
			"if r2 = 1; r3 = pin seq/ORDER-N2",
		},
		.never = "r0 = 0, r2 = 0 | r0 = 0, r2 = 1, r3 = 0",
		.needs = "ORDER-N1 seq, ORDER-N2 seq",
	},
	{
		.name = "ORDER-N3: an orphan is made, the last pin dropped",
		.threads = {
			"tag = 1 rel; fence seq/ORDER-N3; r0 = pin acq",
			"pin = 1 rel; fence seq/ORDER-N3; r1 = tag acq",
		},
		.never = "r0 = 0, r1 = 0",
		.needs = "ORDER-N3 seq",
	},
	{
		/* The kernel's mark is a release. */
		.name = "ORDER-P1, ORDER-P2: the kernel's mark and what was "
			"written last",
		.threads = {
			"note = 1 rlx; r0 = mutex cas 0 1 rel",
			"r1 = mutex cas 1 2 acq/ORDER-P1; if r1 = 1; "
			"r2 = note rlx",
			"r3 = mutex acq/ORDER-P2; if r3 = 1; r4 = note rlx",
		},
		.never = "r1 = 1, r2 = 0 | r3 = 1, r4 = 0",
		.needs = "ORDER-P1 acq, ORDER-P2 acq",
	},
	{
		.name = "ORDER-P3, ORDER-P4: a mutex locked and the life of "
			"its owner",
		.threads = {
			"r0 = mutex cas 0 1 acq; life = 1 rel/ORDER-P3",
			"r1 = life acq/ORDER-P4; if r1 = 1; r2 = mutex acq",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "ORDER-P3 rel, ORDER-P4 acq",
	},
	{
		/* One that has seen the kernel's mark ends the life. */
		.name = "ORDER-P5, ORDER-P6: a life that is over and what it "
			"wrote last",
		.threads = {
			"note = 1 rlx; r0 = mutex cas 0 1 rel",
			"r1 = mutex acq; if r1 = 1; "
			"r2 = life cas 1 2 acq_rel/ORDER-P5",
			"r3 = life acq/ORDER-P6; if r3 = 2; r4 = note rlx",
		},
		.initial = "life = 1",
		.never = "r3 = 2, r4 = 0",
		.needs = "ORDER-P5 rel, ORDER-P6 acq",
	},
	{
		.name = "ORDER-S3, ORDER-S4: an old value's memory, used again",
		.threads = {
			"r0 = ctl cas 0 1 seq/ORDER-S3; tag = 1 rel/ORDER-S3",
			"r1 = tag cas 1 2 acq_rel; if r1 = 1; "
			"fence rel/ORDER-S2; "
			"byte = 1 rlx",
			"r2 = ctl seq; r3 = byte rlx; fence acq/ORDER-S4; "
			"r4 = ctl seq",
		},
		.never = "r2 = 0, r3 = 1, r4 = 0",
		.needs = "ORDER-S3 rel, ORDER-S4 acq, ORDER-S2 rel",
	},
	{
		.name = "ORDER-D1, ORDER-D2: two close a circle",
		.threads = {
			"mine = 1 seq/ORDER-D1; r0 = other seq/ORDER-D2",
			"other = 1 seq/ORDER-D1; r1 = mine seq/ORDER-D2",
		},
		.never = "r0 = 0, r1 = 0",
		.needs = "ORDER-D1 seq, ORDER-D2 seq",
	},
	{
		.name = "ORDER-V1, ORDER-V2: a word, and a maximum that "
			"changes",
		.threads = {
			"r0 = word cas 0 1 seq/ORDER-V2; r1 = max seq/ORDER-V2",
			"r2 = max cas 0 1 seq/ORDER-V2",
			"r3 = max seq/ORDER-V1; if r3 = 1; "
			"r4 = word seq/ORDER-V1",
		},
		.never = "r1 = 0, r3 = 1, r4 = 0",
		.needs = "ORDER-V1 seq, ORDER-V2 seq",
	},
	{
		.name = "ORDER-V3, ORDER-V4: a note, and a slot's retirement",
		.threads = {
			"note = 1 rlx; fence seq/ORDER-V3; r0 = ctl acq",
			"r1 = ctl cas 0 1 seq; fence seq/ORDER-V4; "
			"r2 = note rlx",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "ORDER-V3 seq, ORDER-V4 seq",
	},
	{
		.name = "ORDER-T1, ORDER-T2: a change, and a flight that "
			"counts its invalidation",
		.threads = {
			"data = 1 rlx; r0 = clock cas 0 1 acq_rel/ORDER-T1",
			"r1 = clock acq/ORDER-T2; if r1 = 1; r2 = data rlx",
		},
		.never = "r1 = 1, r2 = 0",
		.needs = "ORDER-T1 rel, ORDER-T2 acq",
	},
	{
		.name = "ORDER-T3, ORDER-T4: a tag is invalidated while its "
			"value moves",
		.threads = {
			"r0 = word cas 0 1 seq; fence seq/ORDER-T3; "
			"r1 = moved acq",
			"moved = 1 seq; fence seq/ORDER-T4; r2 = word acq",
		},
		.never = "r1 = 0, r2 = 0",
		.needs = "ORDER-T3 seq, ORDER-T4 seq",
	},
	{
		.name = "ORDER-J1, ORDER-J4: an event copied while it is "
			"written anew",
		.threads = {
			"number = 1 rlx; fence rel/ORDER-J1; word = 1 rlx",
			"r0 = number acq; r1 = word rlx; "
			"fence acq/ORDER-J4; r2 = number rlx",
		},
		.never = "r0 = 0, r1 = 1, r2 = 0",
		.needs = "ORDER-J1 rel, ORDER-J4 acq",
	},
	{
		.name = "ORDER-J2, ORDER-J3: an event and the number that "
			"says it is whole",
		.threads = {
			"word = 1 rlx; number = 2 rel/ORDER-J2",
			"r0 = number acq/ORDER-J3; if r0 = 2; r1 = word rlx",
		},
		.never = "r0 = 2, r1 = 0",
		.needs = "ORDER-J2 rel, ORDER-J3 acq",
	},
	{
		.name = "ORDER-W1, ORDER-W2: a sharer's word, and a writer",
		.threads = {
			"word = 1 seq/ORDER-W1; r0 = ctl seq/ORDER-W1",
			"r1 = ctl cas 0 1 seq/ORDER-W2; r2 = word seq/ORDER-W2",
		},
		.never = "r0 = 0, r2 = 0",
		.needs = "ORDER-W1 seq, ORDER-W2 seq",
	},
	{
		.name = "ORDER-X1, ORDER-X2: a lifetime ends while its value "
			"moves",
		.threads = {
			"r0 = ttl cas 0 1 seq/ORDER-X1; r1 = slot seq/ORDER-X1",
			"r2 = slot cas 0 1 seq; fence seq/ORDER-X2; "
			"r3 = ttl rlx",
		},
		.never = "r1 = 0, r3 = 0",
		.needs = "ORDER-X1 seq, ORDER-X2 seq",
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
