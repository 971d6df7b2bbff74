/* SPDX-License-Identifier: MIT */
/*
 * Two followers wait for a flight. The victim is first in the kernel's queues,
 * so it alone is woken when the flight ends, and dies then. The other follower
 * must be woken in its place.
 */
#include "scenario.h"

#include <unistd.h>

#include "image.h"
#include "os/atomics.h"
#include "peer/wait.h"

static void leader_leads(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
	sh->helper[1] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[1], 'a');
}

/* Whether the process has noted that it waits, and is asleep. */
static bool waits(const struct image *im, pid_t tid)
{
	for (uint32_t i = 0; i < image_participants(im); i++) {
		struct shm_participant *rec = image_participant(im, i);

		if (load_acquire(&rec->tid) == tid)
			return wait_slot(load_acquire(&rec->wait)) &&
			       stage_asleep(tid);
	}
	return false;
}

void show_other_waits(struct show *sh, char letter)
{
	uint64_t end = clock_ns() + UINT64_C(1000000000);
	struct image im;

	if (!image_open(&im, sh->st->path))
		return;
	helper_cue_only(&sh->helper[1], letter);
	while (!waits(&im, sh->helper[1].pid) && clock_ns() < end)
		usleep(50);
	image_close(&im);
	sh->beside = true;
}

static void leader_dies(struct show *sh)
{
	show_other_waits(sh, 'w');
	helper_kill(&sh->helper[0]);
}

static void leader_releases(struct show *sh)
{
	show_other_waits(sh, 'w');
	helper_cue(sh->st, &sh->helper[0], 'r');
}

static void op_follow(struct stage *st)
{
	insist(st, act_begin(A_KEY, 0, 0) >= 0);
}

const struct scenario beside_scenarios[] = {
	{
		.name = "woken by a death, another waits",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_attach,
		.operate = op_follow,
		.asleep = leader_dies,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{
		.name = "woken by a release, another waits",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = act_attach,
		.operate = op_follow,
		.asleep = leader_releases,
		.flags = NO_COPIES | MAY_BE_BUSY,
	},
	{ .name = NULL },
};
