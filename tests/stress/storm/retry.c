/* SPDX-License-Identifier: MIT */
/* sfshm_do(): the library runs the work, once, or twice if asked to. */
#include "worker.h"

#include <errno.h>

#include <sfshm/do.h>

struct job {
	uint32_t key;
	uint32_t runs;
	uint64_t generation; /* of the last run */
	int end;             /* what lead() returned */
};

static int work(struct sfshm_flight *f, void *arg)
{
	struct job *job = arg;

	job->runs++;
	job->generation = sfshm_flight_generation(f);
	if (random_below(2))
		invalidate(job->key);
	job->end = lead(job->key, f);
	return 0;
}

/* How often the work was to run. */
static bool runs_fit(const struct job *job, bool again, int r)
{
	bool invalidated = job->end == SFSHM_INVALIDATED;

	if (job->runs > (again ? 2 : 1))
		return false;
	if (!again && job->runs && job->end >= 0)
		return r == SFSHM_COMPUTED;
	return !again || r != SFSHM_COMPUTED || !invalidated || job->runs == 2;
}

/* The value of the last run. */
static void see_computed(const struct job *job)
{
	struct stamp s;

	if (value_look(result.value.data, result.value.len, job->key, &s) ||
	    result.generation != job->generation)
		tell(TOLD_WRONG, job->key, WRONG_GEN, job->generation,
		     result.generation, 0);
}

/*
 * What came of a call whose work has run. If its last flight has not failed,
 * and it computed nothing, it has asked once more, and another one led. After
 * its own failure it may get an old value.
 */
static void see_end(const struct job *job, int r, uint64_t ns)
{
	if (r == SFSHM_COMPUTED) {
		see_computed(job);
	} else if (job->end >= 0) {
		see_answer(job->key, r, ns);
	} else if (r == SFSHM_CACHED && job->end == -EREMOTEIO) {
		one_more(&own->other);
		see(job->key, result.value.data, result.value.len, r, ns);
	} else if (r != job->end) {
		tell(TOLD_WRONG, job->key, WRONG_CODE, 0, (uint64_t)-r, 0);
	} else if (r == -EREMOTEIO) {
		see_failure(job->key, ns);
	}
}

/* The work of the call may ask for old values, into the other result. */
static int call(uint32_t key, const struct sfshm_policy *policy,
		struct job *job)
{
	static struct sfshm_result mine = SFSHM_RESULT_INIT;
	struct sfshm_result others;
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	int r;

	tags_before_call();
	one_more(&own->started);
	one_more(&own->uncounted);
	r = sfshm_do(h, name, n, policy, work, job, &mine);
	others = result;
	result = mine;
	mine = others;
	return r;
}

void run(uint32_t key)
{
	struct job job = { .key = key };
	struct sfshm_policy policy;
	bool again = random_below(2);
	uint64_t from = clock_ns(), ns;
	int r;

	choose_policy(&policy, key);
	policy.flags |= again ? SFSHM_RETRY_IF_INVALIDATED : 0;
	r = call(key, &policy, &job);
	ns = clock_ns() - from;
	if (job.runs > 1)
		one_more(&own->again);
	if (!runs_fit(&job, again, r))
		tell(TOLD_WRONG, key, WRONG_RUNS, job.generation, job.runs, 0);
	else if (!job.runs)
		see_answer(key, r, ns);
	else
		see_end(&job, r, ns);
}
