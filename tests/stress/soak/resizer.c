/* SPDX-License-Identifier: MIT */
/* Replaces the segment once, by a larger or a smaller one. */
#include <errno.h>
#include <signal.h>

#include <sfshm.h>
#include <sfshm/resize.h>

#include "board.h"
#include "os/atomics.h"
#include "os/killpoint.h"

#define WAIT_MS 2000

static void arm(void)
{
	static const enum kill_point points[] = {
		KILL_AT_resize_aliased, KILL_AT_resize_linked,
		KILL_AT_resize_renamed, KILL_AT_resize_moved,
		KILL_AT_resize_emptied, KILL_AT_resize_drained,
	};
	uint32_t dice = random_below(20);

	if (dice < sizeof(points) / sizeof(points[0]))
		killpoint_arm(points[dice], 1, SIGKILL);
}

int resizer_main(uint64_t seed)
{
	struct sfshm_options wish = { .size = sizeof(wish) };
	char why[256] = "";
	int r;

	random_seed(seed);
	arm();
	wish.slots = MOST_SLOTS / 4 * (1 + random_below(4));
	wish.bytes = (2 + random_below(4)) * UINT64_C(131072);
	wish.why = why;
	wish.why_size = sizeof(why);
	fetch_add_acq_rel(&board->resizes, 1);
	count(TALLY_resizes);
	r = sfshm_resize(board->segment, &wish, sfshm_deadline_ms(WAIT_MS),
			 NULL, NULL);
	if (r == -ETIMEDOUT)
		count(TALLY_resizes_late);
	else if (r)
		violation("resize says: %s (%s)", sfshm_strerror(r), why);
	return 0;
}
