/* SPDX-License-Identifier: MIT */
#include "asker.h"

#include <time.h>

static int publish_number(struct sfshm_flight *flight, void *arg)
{
	const struct asker *a = arg;
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", a->number);

	return sfshm_publish(flight, text, (size_t)n);
}

static void *ask(void *arg)
{
	struct asker *a = arg;

	a->outcome = sfshm_do(a->handle, a->key, strlen(a->key), &a->policy,
			      a->work ? a->work : publish_number,
			      a->work ? a->arg : a, &a->result);
	a->returned = true;
	return NULL;
}

void asker_start(struct asker *a, struct sfshm *handle, const char *key)
{
	a->handle = handle;
	a->key = key;
	a->policy.size = sizeof(a->policy);
	a->result.size = sizeof(a->result);
	assert_int_equal(pthread_create(&a->thread, NULL, ask, a), 0);
}

void asker_join(struct asker *a)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_MS / 1000;
	/*
	 * The thread uses the test's memory, so the test cannot go on without
	 * its end.
	 */
	demand(!pthread_timedjoin_np(a->thread, NULL, &end));
}

const char *asker_text(const struct asker *a)
{
	static char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)a->result.value.len,
		 a->result.value.len ? (const char *)a->result.value.data : "");
	return text;
}
