/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L4: a thread takes ranked locks in strictly increasing order.
 * Another order is refused, counted, and reported with both ranks and keys; or
 * ends the process.
 */
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/lock.h>

#include "crowd.h"
#include "watch.h"

static __thread char why[300];

static int take(struct sfshm *h, const char *key, uint32_t rank, uint32_t flags,
		struct sfshm_lock *lock)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.rank = rank;
	o.flags = flags;
	o.why = why;
	o.why_size = sizeof(why);
	return sfshm_lock(h, key, strlen(key), &o, lock);
}

static void wrong_order_is_refused(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock low, high, more;

	(void)state;
	demand(take(h, "low", 2, 0, &low) == 0);
	demand(take(h, "high one", 5, 0, &high) == 0);
	demand(take(h, "more", 4, 0, &more) == -EDOM);
	demand(!strcmp(why, "lock more has rank 4, which is not above rank 5 "
			    "of lock high\\x20one that this thread holds"));
	demand(take(h, "more", 5, 0, &more) == -EDOM);
	demand(take(h, "more", 1, SFSHM_LOCK_TRY, &more) == -EDOM);
	demand(sfshm_unlock(&more) == -ESTALE);
	demand(watch_counter("rank_errors") == 3);

	/* Without a rank any order will do. */
	demand(take(h, "more", 0, 0, &more) == 0);
	demand(why[0] == '\0');
	demand(sfshm_unlock(&more) == 0);
	demand(take(h, "more", 6, 0, &more) == 0);
	demand(sfshm_unlock(&more) == 0);

	/* What was given back counts no more, whatever the order. */
	demand(sfshm_unlock(&low) == 0);
	demand(take(h, "low", 2, 0, &low) == -EDOM);
	demand(sfshm_unlock(&high) == 0);
	demand(take(h, "low", 2, 0, &low) == 0);
	demand(take(h, "high one", 5, 0, &high) == 0);
	demand(sfshm_unlock(&high) == 0);
	demand(sfshm_unlock(&low) == 0);
	demand(take(h, "low", SFSHM_LOCK_RANK_MAX + 1, 0, &low) == -EINVAL);
	demand(sfshm_close(h) == 0);
}

static void abort_by(int flags, void *unused)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock a, b;

	(void)unused;
	/* The second of them is told of the first one's end. */
	demand(take(h, "a", 7, 0, &a) >= 0);
	fclose(stderr);
	(void)!take(h, "b", 7, (uint32_t)flags, &b);
}

static void wrong_order_aborts(void **state)
{
	int status;

	(void)state;
	status = child_gone(child_start(abort_by, SFSHM_LOCK_ABORT, NULL));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = child_gone(child_start(abort_by, 0, NULL));
	assert_int_equal(status, 0);
	assert_int_equal(watch_counter("rank_errors"), 2);
}

static void take_rank(int member, void *h)
{
	struct sfshm_lock lock;

	demand(take(h, member ? "one" : "other", 1, 0, &lock) == 0);
	demand(sfshm_unlock(&lock) == 0);
}

/* What one thread holds is no matter of another's. */
static void ranks_are_each_threads_own(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(take(h, "mine", 9, 0, &lock), 0);
	crowd_run(THREADS, 2, take_rank, h);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(wrong_order_is_refused),
		in_segment(wrong_order_aborts),
		in_segment(ranks_are_each_threads_own),
	};

	return test_main(tests);
}
