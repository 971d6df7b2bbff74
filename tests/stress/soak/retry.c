/* SPDX-License-Identifier: MIT */
/* sfshm_do(): the library runs the work, once, or twice if asked to. */
#include <errno.h>
#include <inttypes.h>

#include <sfshm.h>

#include "worker.h"

struct job {
	struct led led;
	struct sfshm_result *result;
	uint32_t runs;
	int end; /* what the last run's end returned */
};

static int work(struct sfshm_flight *f, void *arg)
{
	struct job *job = arg;
	struct led *l = &job->led;

	*l = (struct led){
		.flight = f,
		.key = l->key,
		.ttl_ms = l->ttl_ms,
	};
	job->runs++;
	if (random_below(2))
		invalidate(handle, l->key);
	job->end = job->result->coordinated ? lead(l) : lead_alone(l);
	return 0;
}

static void judge_runs(const struct job *job, bool again, int r)
{
	bool invalidated = job->end == SFSHM_INVALIDATED;

	if (job->runs > 1)
		count(TALLY_again);
	if (job->runs > (again ? 2 : 1))
		violation("key %" PRIu32 ": the work has run %" PRIu32 " times",
			  job->led.key, job->runs);
	if (again && r == SFSHM_COMPUTED && invalidated && job->runs < 2)
		violation("key %" PRIu32 ": invalidated work has not run again",
			  job->led.key);
	if (!again && job->runs && job->end >= 0 && r != SFSHM_COMPUTED)
		violation("key %" PRIu32 ": its work is done, and do says: %s",
			  job->led.key, sfshm_strerror(r));
}

static void judge_computed(const struct job *job)
{
	const struct sfshm_result *got = job->result;
	struct stamp s;

	if (value_look(got->value.data, got->value.len, job->led.key, &s) ||
	    got->generation != job->led.generation)
		violation("key %" PRIu32 ": what it has computed is another "
			  "value",
			  job->led.key);
}

void run(uint32_t key)
{
	static struct sfshm_result mine = SFSHM_RESULT_INIT;
	struct job job = { .led.key = key, .result = &mine };
	struct sfshm_policy policy;
	uint64_t floor = floor_of(key);
	bool again = random_below(2);
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	job.led.ttl_ms = ttl_choose();
	policy_choose(&policy, &key, job.led.ttl_ms);
	policy.flags |= again ? SFSHM_RETRY_IF_INVALIDATED : 0;
	r = sfshm_do(handle, text, len, &policy, work, &job, &mine);
	judge_runs(&job, again, r);
	if (r == SFSHM_COMPUTED)
		judge_computed(&job);
	else if (!job.runs || r != job.end)
		judge_answer(key, r, &policy, &mine, floor);
}
