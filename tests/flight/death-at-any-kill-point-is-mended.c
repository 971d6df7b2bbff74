/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1, PROMISE-G2: A process goes through everything that the library
 * does, and dies at each kill point, at each of its first passages. After each
 * death a fresh process finishes every key without having to sleep, the
 * segment is sound, and generations have only grown.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/put.h>
#include <sfshm/tag.h>

#include "crowd.h"
#include "os/killpoint.h"
#include "watch.h"

/* How many of a point's passages are tried. */
#define PASSAGES (UNDER_TSAN || UNDER_ASAN ? 2 : 6)

#define KEYS 8
static const char long_key[] = "a key longer than what a slot has room for";
static const char *const keys[KEYS] = {
	"one",  "two",    long_key,      "a dead leader's", "a dying leader's",
	"held", "orphan", "a process's",
};
enum { ONE, TWO, LONG, DEAD, DYING, HELD, ORPHAN, SHARED };

/* Few slots and little memory: all has to be evicted and reclaimed. */
static const struct sfshm_options tiny = {
	.slots = 8,
	.bytes = 16 << 10,
	.max_value = 8 << 10,
};

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
	.neg_ttl_ms = SFSHM_FOREVER,
};
static const struct sfshm_policy anew = {
	.size = sizeof(anew),
	.ttl_ms = SFSHM_FOREVER,
	.flags = SFSHM_REFRESH,
};

/* What the test's processes tell each other. */
struct ledger {
	uint64_t generation[KEYS]; /* the highest seen to end */
	int point, count;
	int dying; /* pid of that key's leader */
};
static struct ledger *ledger;

/* Leads a key and publishes `len` bytes; whatever goes wrong is fine here. */
static void make(struct sfshm *h, int key, size_t len,
		 const struct sfshm_policy *policy)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint8_t data[8 << 10];

	value_fill(data, len, (unsigned int)len & 0x7f);
	if (sfshm_begin(h, keys[key], strlen(keys[key]), policy, &flight,
			&result) == SFSHM_LEADER) {
		demand(key != ONE || sfshm_flight_tag(&flight, "tag", 3) == 0);
		if (sfshm_publish(&flight, data, len) < 0)
			sfshm_release(&flight);
		else if (ledger->generation[key] < result.generation)
			ledger->generation[key] = result.generation;
	}
	sfshm_result_clear(&result);
}

static void end_without_value(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	if (sfshm_begin(h, "one", 3, &anew, &flight, &result) == SFSHM_LEADER)
		demand(sfshm_fail(&flight, -5, "some words about it") == 0);
	if (sfshm_begin(h, "two", 3, &anew, &flight, &result) == SFSHM_LEADER) {
		demand(sfshm_invalidate(h, "two", 3, 0) == 0);
		demand(sfshm_release(&flight) == 0);
	}
	sfshm_result_clear(&result);
}

/* Pinned, then published anew twice: the pinned chain becomes an orphan. */
static void pin_and_publish(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_pin pin;
	int r;

	make(h, ORPHAN, 300, &anew);
	r = sfshm_pin(h, keys[ORPHAN], strlen(keys[ORPHAN]), &pin, &result);
	make(h, ORPHAN, 200, &anew);
	make(h, ORPHAN, 300, &anew);
	if (!r)
		demand(sfshm_unpin(&pin) == 0);
	sfshm_result_clear(&result);
}

static void lock_and_unlock(struct sfshm *h, uint32_t flags)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;

	o.flags = flags;
	if (sfshm_lock(h, "lock", 4, &o, &lock) >= 0)
		demand(sfshm_unlock(&lock) == 0);
}

/* The end of the thread gives the lock back. */
static void share_lock(struct sfshm *h)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;

	o.flags = SFSHM_LOCK_SHARED;
	(void)!sfshm_lock(h, "lock", 4, &o, &lock);
}

/* A flight of the process: one thread begins it and ends, one publishes it. */
static struct sfshm_flight shared;
static struct sfshm_result of_shared = SFSHM_RESULT_INIT;

static void *begin_shared(void *h)
{
	const struct sfshm_policy detached = {
		.size = sizeof(detached),
		.ttl_ms = SFSHM_FOREVER,
		.flags = SFSHM_REFRESH | SFSHM_DETACHED,
	};

	(void)!sfshm_begin(h, keys[SHARED], strlen(keys[SHARED]), &detached,
			   &shared, &of_shared);
	return NULL;
}

static void *publish_shared(void *unused)
{
	(void)unused;
	if (sfshm_publish(&shared, "v", 1) >= 0)
		ledger->generation[SHARED] = of_shared.generation;
	return NULL;
}

static void lead_for_process(struct sfshm *h)
{
	void *(*const steps[])(void *) = { begin_shared, publish_shared };
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		demand(!pthread_create(&thread, NULL, steps[i], h));
		demand(!pthread_join(thread, NULL));
	}
	sfshm_result_clear(&of_shared);
}

/* On a busy machine a deadline may pass before the process gets to sleep. */
static void wait_in_vain(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;

	sleeps_note();
	for (int ms = 3; !sleeps.count && ms < 60000; ms *= 2) {
		policy.deadline_ns = sfshm_deadline_ms(ms);
		if (sfshm_begin(h, keys[HELD], strlen(keys[HELD]), &policy,
				&flight, &result) == SFSHM_LEADER)
			demand(sfshm_release(&flight) == 0);
	}
	sfshm_result_clear(&result);
}

static void crowd_out(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char key[64];

	for (int i = 0; i < 12; i++) {
		int n = snprintf(key, sizeof(key),
				 "one of those that crowd the others out: %d",
				 i);

		if (sfshm_begin(h, key, (size_t)n, &keep, &flight, &result) ==
		    SFSHM_LEADER)
			demand(sfshm_publish(&flight, key, (size_t)n) == 0);
	}
	sfshm_result_clear(&result);
}

/* An old value must make room for the new one: all else is pinned. */
static void replace_without_room(struct sfshm *h)
{
	const struct sfshm_policy brief = {
		.size = sizeof(brief),
		.flags = SFSHM_REFRESH,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_pin pin;
	int r;

	make(h, TWO, 8 << 10, &anew);
	r = sfshm_pin(h, keys[TWO], strlen(keys[TWO]), &pin, &result);
	make(h, ONE, 6000, &brief);
	make(h, ONE, 6000, &brief);
	if (!r)
		demand(sfshm_unpin(&pin) == 0);
	sfshm_result_clear(&result);
}

/* Everything that passes a kill point. */
static void go_through_everything(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h;

	(void)unused;
	(void)arg;
	killpoint_arm((enum kill_point)ledger->point, ledger->count, SIGKILL);
	h = segment_open(NULL);
	make(h, DEAD, 100, &anew);
	demand(kill(ledger->dying, SIGKILL) == 0);
	make(h, DYING, 100, &anew);
	make(h, ONE, 1000, &anew);
	make(h, ONE, 2000, &anew);
	make(h, ONE, 0, &anew);
	make(h, ONE, 100, &anew);
	make(h, LONG, 100, &anew);
	lead_for_process(h);
	make(h, TWO, 10, &anew);
	end_without_value(h);
	pin_and_publish(h);
	replace_without_room(h);
	wait_in_vain(h);
	demand(sfshm_invalidate_tag(h, "tag", 3) == 0);
	(void)!sfshm_put(h, keys[HELD], strlen(keys[HELD]), &keep, "put", 3);
	lock_and_unlock(h, 0);
	lock_and_unlock(h, SFSHM_LOCK_SHARED);
	lock_and_unlock(h, 0);
	(void)!sfshm_forget(h, keys[LONG], strlen(keys[LONG]));
	crowd_out(h);
	demand(sfshm_purge(h) >= 0);
	make(h, LONG, 100, &anew);
	share_lock(h);
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

/* Leads a key until it is killed. */
static void lead_and_stay(int key, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_flight flight;

	(void)arg;
	demand(sfshm_begin(h, keys[key], strlen(keys[key]), NULL, &flight,
			   &result) == SFSHM_LEADER);
	for (;;)
		pause();
}

/* Asks for a key as if nothing had happened: nobody is there to wait for. */
static void finish_key(struct sfshm *h, int key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r = sfshm_begin(h, keys[key], strlen(keys[key]), &keep, &flight,
			    &result);

	if (r == SFSHM_LEADER) {
		demand(result.generation > ledger->generation[key]);
		demand(sfshm_publish(&flight, "v", 1) == 0);
	} else if (r == SFSHM_CACHED) {
		demand(result.generation >= ledger->generation[key]);
		demand(result.value.len == 1 ||
		       value_seed(result.value.data, result.value.len) ==
			       (int)(result.value.len & 0x7f));
	} else {
		demand(r == -EREMOTEIO && key == ONE);
		demand(!strcmp(result.message, "some words about it"));
	}
	demand(!sleeps.count);
	sfshm_result_clear(&result);
}

static void print_finding(const char *finding, void *unused)
{
	(void)unused;
	fprintf(stderr, "# %s\n", finding);
}

static void finish_everything(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)unused;
	(void)arg;
	sleeps_note();
	for (int i = 0; i < KEYS; i++)
		if (i != HELD)
			finish_key(h, i);
	demand(sfshm_lock(h, "lock", 4, NULL, &lock) >= 0);
	demand(sfshm_unlock(&lock) == 0);
	demand(!sleeps.count);
	demand(sfshm_verify(h, print_finding, NULL) == 0);
	demand(sfshm_purge(h) >= 0);
	demand(sfshm_verify(h, print_finding, NULL) == 0);
	demand(sfshm_close(h) == 0);
}

static int leader_start(int key)
{
	int pid = child_start(lead_and_stay, key, NULL);

	assert_true(eventually(access(watch_path(), F_OK) == 0));
	await_phase(keys[key], SFSHM_PHASE_BUSY);
	return pid;
}

static void leader_kill(int pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	child_gone(pid);
}

/* One death in a new segment; false if the process was not killed. */
static bool die_once(void)
{
	int holder = leader_start(HELD), dead = leader_start(DEAD), status;

	memset(ledger->generation, 0, sizeof(ledger->generation));
	ledger->dying = leader_start(DYING);
	leader_kill(dead);
	status = child_gone(child_start(go_through_everything, 0, NULL));
	assert_true(status == 0 || status == SIGKILL);
	leader_kill(ledger->dying);
	if (child_gone(child_start(finish_everything, 0, NULL)))
		fail_msg("after a death at %s, passage %d",
			 killpoint_name((enum kill_point)ledger->point),
			 ledger->count);
	leader_kill(holder);
	return status == SIGKILL;
}

/* At a point's first passages; how often the process died there. */
static int die_at(int point)
{
	int deaths = 0;

	ledger->point = point;
	while (deaths < PASSAGES) {
		ledger->count = deaths + 1;
		if (!die_once())
			break;
		deaths++;
		watch_end();
		assert_int_equal(sfshm_unlink(segment), 0);
	}
	watch_end();
	(void)!sfshm_unlink(segment);
	return deaths;
}

/* tests/resize/killed-resize-leaves-a-segment-that-works.c passes these, and
   tests/surroundings/users-of-a-removed-file-are-told.c,
   tests/flight/stolen-slot-has-its-whole-grace-period.c,
   tests/semaphore/death-at-any-kill-point-frees-the-permits.c,
   tests/lock/dead-sharers-hold-nobody-up.c,
   tests/save/death-at-any-kill-point-is-mended.c,
   tests/fleet/lease-passes-to-the-next-leader.c,
   tests/queue/polled-waits-outlive-their-leader.c and
   tests/peer/unmarked-deaths-free-their-records.c. */
static bool passed_elsewhere(int point)
{
	const char *name = killpoint_name((enum kill_point)point);

	return !strncmp(name, "resize_", 7) || !strncmp(name, "save_", 5) ||
	       !strncmp(name, "permit_", 7) || !strncmp(name, "fleet_", 6) ||
	       !strncmp(name, "semaphore_", 10) ||
	       !strcmp(name, "max_changed") || !strcmp(name, "door_marked") ||
	       !strcmp(name, "share_closing") || !strcmp(name, "bell_due") ||
	       !strcmp(name, "yield_stamped") ||
	       !strcmp(name, "removal_marked");
}

static void after_each_death(void **state)
{
	int deaths = 0, missed = 0;

	(void)state;
	ledger = shared_memory(sizeof(*ledger));
	for (int point = KILL_NOWHERE + 1; point < KILL_POINTS; point++) {
		int n = passed_elsewhere(point) ? 1 : die_at(point);

		if (!n) {
			printf("# nothing passes %s\n",
			       killpoint_name((enum kill_point)point));
			missed++;
		}
		deaths += n;
	}
	printf("# %d deaths\n", deaths);
	assert_int_equal(missed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(after_each_death),
	};

	return test_main(tests);
}
