/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C9: a thread takes ranked locks and ranked permits in one strictly
 * increasing order. Another order is refused, counted, and reported with both
 * ranks and names; or ends the process.
 */
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "crowd.h"
#include "resize/resizing.h"
#include "watch.h"

static char why[300];

static int lock(struct sfshm *h, const char *key, uint32_t rank,
		struct sfshm_lock *got)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.rank = rank;
	o.why = why;
	o.why_size = sizeof(why);
	return sfshm_lock(h, key, strlen(key), &o, got);
}

static int acquire(struct sfshm *h, const char *name, uint32_t rank,
		   uint32_t flags, struct sfshm_permit *got)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.max = 3;
	o.rank = rank;
	o.flags = flags;
	o.why = why;
	o.why_size = sizeof(why);
	return sfshm_acquire(h, name, strlen(name), &o, got);
}

static void wrong_order_is_refused(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit low, high, more;
	struct sfshm_lock mid, other;

	(void)state;
	demand(acquire(h, "low", 2, 0, &low) == 0);
	demand(lock(h, "mid", 5, &mid) == 0);
	demand(acquire(h, "more", 4, 0, &more) == -EDOM);
	demand(!strcmp(why,
		       "semaphore more has rank 4, which is not above rank "
		       "5 of lock mid that this thread holds"));
	demand(acquire(h, "high one", 7, 0, &high) == 0);
	demand(why[0] == '\0');
	demand(lock(h, "other", 6, &other) == -EDOM);
	demand(!strcmp(why, "lock other has rank 6, which is not above rank 7 "
			    "of semaphore high\\x20one that this thread "
			    "holds"));
	/* One permit of a rank is all that a thread may hold. */
	demand(acquire(h, "high one", 7, SFSHM_SEMAPHORE_TRY, &more) == -EDOM);
	demand(watch_counter("rank_errors") == 3);

	/* Without a rank any order will do. */
	demand(acquire(h, "more", 0, 0, &more) == 0);
	demand(sfshm_permit_release(&more) == 0);

	/* What was given back counts no more. */
	demand(sfshm_permit_release(&high) == 0);
	demand(lock(h, "other", 6, &other) == 0);
	demand(sfshm_unlock(&other) == 0);
	demand(sfshm_unlock(&mid) == 0);
	demand(acquire(h, "low", 2, 0, &more) == -EDOM);
	demand(acquire(h, "more", 3, 0, &more) == 0);
	demand(sfshm_permit_release(&more) == 0);
	demand(sfshm_permit_release(&low) == 0);
	demand(lock(h, "mid", 1, &mid) == 0);
	demand(sfshm_unlock(&mid) == 0);
	demand(acquire(h, "low", SFSHM_LOCK_RANK_MAX + 1, 0, &low) == -EINVAL);
	demand(sfshm_close(h) == 0);
}

static void abort_by(int flags, void *unused)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	struct sfshm_lock held;

	(void)unused;
	/* The second of them is told of the first one's end. */
	demand(lock(h, "a", 7, &held) >= 0);
	fclose(stderr);
	demand(acquire(h, "b", 7, (uint32_t)flags, &permit) == -EDOM);
}

static void wrong_order_aborts(void **state)
{
	int status;

	(void)state;
	status = child_gone(child_start(abort_by, SFSHM_SEMAPHORE_ABORT, NULL));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	status = child_gone(child_start(abort_by, 0, NULL));
	assert_int_equal(status, 0);
	assert_int_equal(watch_counter("rank_errors"), 2);
}

/* A permit that was taken before a resize has its rank after it. */
static void ranks_outlast_a_resize(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct resizing *z = resizing_make(2000);
	struct sfshm_permit low, more;
	struct sfshm_lock held;
	int pid;

	(void)state;
	demand(acquire(h, "low", 2, 0, &low) == 0);
	pid = resizing_start(z);
	demand(eventually(load_acquire(&z->calls) > 0));
	demand(acquire(h, "more", 1, 0, &more) == -EDOM);
	demand(lock(h, "more", 2, &held) == -EDOM);
	demand(lock(h, "more", 3, &held) == 0);
	demand(sfshm_permit_release(&low) == 0);
	demand(child_gone(pid) == 0 && !z->outcome);
	demand(acquire(h, "more", 1, 0, &more) == -EDOM);
	demand(sfshm_unlock(&held) == 0);
	demand(acquire(h, "more", 1, 0, &more) == 0);
	demand(sfshm_permit_release(&more) == 0);
	demand(sfshm_close(h) == 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(wrong_order_is_refused),
		in_segment(wrong_order_aborts),
		in_segment(ranks_outlast_a_resize),
	};

	return test_main(tests);
}
