/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R13: a view shows an event whole or not at all, while its writer
 * writes, and if the writer dies as it writes.
 *
 * One thread's flights of one key have consecutive generations, and their
 * events consecutive numbers: an event in which the two do not agree is torn.
 */
/* A parameter there has the name of a variable of policy.h. */
#include "top/handle.h"

#include "agent.h"
#include "crowd.h"
#include "history.h"
#include "policy/policy.h"
#include "watch.h"

#define FLIGHTS (300000 / SLOWNESS)

static void fly(int unused, void *flights)
{
	const struct sfshm_policy anew = {
		.size = sizeof(anew),
		.flags = SFSHM_REFRESH,
	};
	struct sfshm *own = segment_open(NULL);

	(void)unused;
	for (uint32_t i = 0; i < FLIGHTS; i++) {
		demand(sfshm_begin(own, "key", 3, &anew, &flight, &result) ==
		       SFSHM_LEADER);
		demand(publish("v") == 0);
		store_release((uint32_t *)flights, i + 1);
	}
	demand(sfshm_close(own) == 0);
}

/* Reads all places once; returns how many had an event. */
static int look(struct sfshm_view *view, uint32_t used, int64_t *apart)
{
	struct sfshm_event_info info = { .size = sizeof(info) };
	const char *name, *help;
	int n = 0;

	for (uint32_t i = 0; i < used * SFSHM_EVENTS; i++) {
		int64_t now;

		if (sfshm_view_event(view, i / SFSHM_EVENTS, i % SFSHM_EVENTS,
				     &name, &help, &info))
			continue;
		assert_string_equal(name, "published");
		now = (int64_t)(info.generation - info.number);
		if (*apart == INT64_MIN)
			*apart = now;
		assert_int_equal(now, *apart);
		n++;
	}
	return n;
}

static void while_they_are_written(void **state)
{
	uint32_t *flights = shared_memory(sizeof(*flights));
	struct sfshm_segment_info all = { .size = sizeof(all) };
	struct sfshm_view *view;
	int64_t apart = INT64_MIN;
	int seen = 0, pid;

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	pid = child_start(fly, 0, flights);
	assert_true(eventually(load_acquire(flights) > 0));
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &all), 0);
	while (load_acquire(flights) < FLIGHTS)
		seen += look(view, all.participants_used, &apart);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(look(view, all.participants_used, &apart), 32);
	assert_true(seen > 0);
	sfshm_view_close(view);
	h = segment_open(NULL);
}

static void if_the_writer_dies(void **state)
{
	struct agent *a = agent_start();
	int64_t apart = INT64_MIN;
	struct sfshm_segment_info all = { .size = sizeof(all) };
	struct sfshm_view *view;

	(void)state;
	for (int i = 0; i < 40; i++) {
		agent_expect(a, "leader", "begin key refresh");
		agent_expect(a, "ok", "publish value");
	}
	agent_expect(a, "leader", "begin key refresh");
	agent_expect(a, "ok", "arm event_begun 1 KILL");
	agent_say(a, "publish value");
	agent_gone(a);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &all), 0);
	assert_int_equal(look(view, all.participants_used, &apart), 31);
	/* The record's next owner goes on with the next number. */
	a = agent_start();
	agent_expect(a, "leader", "begin key refresh");
	agent_expect(a, "ok", "publish value");
	assert_int_equal(history_count("published"), 31);
	assert_int_equal(history_count("reaped"), 1);
	sfshm_view_close(view);
}

/* A number that the record has not given out yet, at its place. */
static void if_the_number_is_damaged(void **state)
{
	struct agent *a = agent_start();
	struct sfshm_event_info info = { .size = sizeof(info) };
	struct shm_event *e = NULL;
	struct sfshm_view *view;
	const char *name, *help;
	uint32_t i;

	(void)state;
	agent_expect(a, "leader", "begin key refresh");
	agent_expect(a, "ok", "publish value");
	for (i = 0; !e && i < participants_used(h->map); i++)
		if (h->map->participants[i].flights_noted == 1)
			e = &h->map->participants[i].flights[0];
	demand(e);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_event(view, i - 1, 0, &name, &help, &info),
			 0);
	e->number += UINT64_C(2) * SHM_FLIGHTS;
	assert_int_equal(sfshm_view_event(view, i - 1, 0, &name, &help, &info),
			 -ENODATA);
	sfshm_view_close(view);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(while_they_are_written),
		in_policy(if_the_writer_dies),
		in_policy(if_the_number_is_damaged),
	};

	return test_main(tests);
}
