/* SPDX-License-Identifier: MIT */
#include "janitor.h"

#include <errno.h>
#include <sfshm/inspect.h>

#include "kernel.h"
#include "peer/liveness.h"
#include "scene.h"
#include "top/handle.h"

void janitor_introduce(unsigned int fiber)
{
	const struct task *t = &world.task[fiber];

	if (fiber_process(fiber) == fiber)
		twin_start(t->cookie, t->ns);
	twin_start_thread();
}

static void found(const char *finding, void *unused)
{
	(void)unused;
	oracle_fail("sfshm_verify(): %s", finding);
}

/* All others are gone or idle: a leader that is left lives. */
static void ask(unsigned int key)
{
	struct scene_flight sf;
	int r = scene_begin(&sf, key, POLICY(.flags = SFSHM_TRY));
	bool led = false;

	for (int f = 0; f < FIBERS; f++)
		led |= f != fiber_current && world.task[f].leads >> key & 1;
	if (r == -EBUSY && !led)
		oracle_fail("key %u is busy, and nobody leads it", key);
	if (r == SFSHM_LEADER)
		scene_release(&sf);
}

void janitor_run(const struct scenario *s)
{
	struct sfshm handle = {
		.magic = HANDLE_OPEN,
		.map = &twin_map,
		.cookie = process_cookie(),
	};

	scene_attach();
	peer_examine_all(&twin_map);
	peer_reap_all(&twin_map);
	if (sfshm_verify(&handle, found, NULL) < 0)
		oracle_fail("sfshm_verify() does not work");
	if (s->check)
		s->check();
	for (unsigned int key = 0; key < 8 && !oracle_failure; key++)
		ask(key);
}
