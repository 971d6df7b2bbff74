/* SPDX-License-Identifier: MIT */
/*
 * The calls that read, through a view, what participants have noted of the
 * past. Each value that they read may be damaged, or may change meanwhile.
 */
#include <sfshm/inspect.h>

#include <errno.h>

#include "store/times.h"
#include "top/sized.h"
#include "top/view.h"

static_assert(SFSHM_HISTOGRAM_BUCKETS == SHM_TIMES, "buckets");

static const struct {
	const char *name, *help;
	size_t at; /* in a record */
} histograms[] = {
	{ "work", "how long runs of the work took that published or failed",
	  offsetof(struct shm_participant, worked) },
	{ "wait", "how long calls waited for a flight, a lock or a permit",
	  offsetof(struct shm_participant, waited) },
};

/* The count is that of the buckets, so a histogram agrees with itself. */
static void add_times(struct sfshm_histogram_info *sum,
		      const struct shm_times *t)
{
	sum->sum_ns += load_relaxed(&t->sum);
	for (int i = 0; i < SHM_TIMES; i++) {
		uint64_t n = load_relaxed(&t->count[i]);

		sum->bucket[i] += n;
		sum->count += n;
	}
}

int sfshm_view_histogram(struct sfshm_view *v, uint32_t index,
			 const char **name, const char **help,
			 struct sfshm_histogram_info *info)
{
	struct sfshm_histogram_info own = { .least_ns = TIMES_LEAST_NS };
	uint32_t used;

	if (!v || !name || !help || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	if (index >= sizeof(histograms) / sizeof(histograms[0]))
		return -ERANGE;
	*name = histograms[index].name;
	*help = histograms[index].help;
	used = participants_used(&v->map);
	for (uint32_t i = 0; i < used; i++) {
		const uint8_t *record = (void *)&v->map.participants[i];

		add_times(&own, (const void *)(record + histograms[index].at));
	}
	sized_write(info, &own, sizeof(own));
	return 0;
}
