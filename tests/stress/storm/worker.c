/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <sfshm/pin.h>

#include "os/atomics.h"

struct storm *storm;
struct own *own;
struct sfshm *h;
uint32_t worker_number;
struct sfshm_result result = SFSHM_RESULT_INIT;
uint8_t data[STORM_MAX_VALUE];

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void tell(enum kind kind, uint32_t key, int outcome, uint64_t generation,
	  uint64_t id, uint64_t ns)
{
	struct told t = {
		.kind = kind,
		.worker = worker_number,
		.key = key,
		.outcome = outcome,
		.generation = generation,
		.as = result.generation,
		.id = id,
		.ns = ns,
	};

	if (write(storm->pipe, &t, sizeof(t)) != sizeof(t))
		_exit(0);
}

void one_more(uint64_t *n)
{
	store_relaxed(n, load_relaxed(n) + 1);
}

/* Whether a stamp's generation fits the result's: equal, unless renewed. */
static bool generation_fits(uint32_t key, uint64_t generation)
{
	if (generation & PUT_MARK)
		return true;
	return load_acquire(&storm->renewed[key]) ?
		       generation <= result.generation :
		       generation == result.generation;
}

static bool is_outdated(uint32_t key, const struct stamp *s)
{
	if (result.stale || !s->tags)
		return false;
	one_more(&own->tagged);
	return tags_outdate(s, load_acquire(&storm->renewed[key]));
}

void see(uint32_t key, const uint8_t *bytes, size_t len, int source,
	 uint64_t ns)
{
	struct stamp s;
	enum value_fault fault = value_look(bytes, len, key, &s);

	if (fault)
		tell(TOLD_WRONG, key,
		     fault == VALUE_TORN ? WRONG_TORN : WRONG_KEY,
		     result.generation, s.sum, ns);
	else if (!generation_fits(key, s.generation))
		tell(TOLD_WRONG, key, WRONG_GEN, result.generation, s.sum, ns);
	else if (is_outdated(key, &s))
		tell(TOLD_WRONG, key, WRONG_TAG, s.generation, s.tags, ns);
	else
		tell(TOLD_SAW, key, source, s.generation, s.sum, ns);
}

void see_failure(uint32_t key, uint64_t ns)
{
	char words[64];

	snprintf(words, sizeof(words), "no luck with key %u", key);
	/* SFSHM_FAIL_IF_LOST leaves no time for words. */
	if (result.code != -EOWNERDEAD && strcmp(result.message, words) != 0)
		tell(TOLD_WRONG, key, WRONG_WORDS, result.generation, 0, ns);
	else
		tell(TOLD_WAITED, key, -EREMOTEIO, 0, 0, ns);
}

/* The codes that a call may return here without being wrong. */
static bool is_expected(int r)
{
	return r == -EBUSY || r == -ENODATA || r == -ESRCH ||
	       r == -EOWNERDEAD || r == -ENOSPC || r == -ECANCELED ||
	       r == -EAGAIN || r == -EHOSTDOWN;
}

static void see_code(uint32_t key, int r, uint64_t ns)
{
	one_more(&own->other);
	if (r == -ENOSPC)
		one_more(&own->no_space);
	if (is_expected(r))
		tell(TOLD_WAITED, key, r, 0, 0, ns);
	else
		tell(TOLD_WRONG, key, WRONG_CODE, 0, (uint64_t)-r, ns);
}

void see_answer(uint32_t key, int r, uint64_t ns)
{
	if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		one_more(result.stale      ? &own->stale :
			 r == SFSHM_CACHED ? &own->hits :
					     &own->awaited);
		if (result.stale)
			one_more(&own->other);
		see(key, result.value.data, result.value.len, r, ns);
	} else if (r == -EREMOTEIO) {
		one_more(&own->errors);
		see_failure(key, ns);
	} else {
		see_code(key, r, ns);
	}
}

bool ask(uint32_t key, const struct sfshm_policy *policy,
	 struct sfshm_flight *flight)
{
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	uint64_t from = clock_ns(), ns;
	int r;

	tags_before_call();
	one_more(&own->started);
	r = sfshm_begin(h, name, n, policy, flight, &result);
	ns = clock_ns() - from;
	if (r != SFSHM_LEADER) {
		see_answer(key, r, ns);
		return false;
	}
	tell(TOLD_WAITED, key, 0, 0, 0, ns);
	return true;
}

static void begin(uint32_t key)
{
	struct sfshm_policy policy;
	struct sfshm_flight flight;

	choose_policy(&policy, key);
	if (ask(key, &policy, &flight))
		lead(key, &flight);
}

void get(uint32_t key)
{
	char name[64];
	size_t n = key_text(name, sizeof(name), key);

	tags_before_call();
	one_more(&own->started);
	see_answer(key, sfshm_get(h, name, n, &result), 0);
}

static void peek(uint32_t key)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	char name[64];
	size_t n = key_text(name, sizeof(name), key);

	policy.grace_ms = random_below(100);
	tags_before_call();
	one_more(&own->started);
	see_answer(key, sfshm_peek(h, name, n, &policy, &result), 0);
}

static size_t gather(const struct sfshm_pin *pin, size_t len)
{
	struct iovec piece[16];
	size_t got = 0;
	int n;

	while (got < len && (n = sfshm_pin_iov(pin, got, piece, 16)) > 0) {
		for (int i = 0; i < n && got + piece[i].iov_len <= len; i++) {
			memcpy(data + got, piece[i].iov_base, piece[i].iov_len);
			got += piece[i].iov_len;
		}
	}
	return got;
}

static void pin(uint32_t key)
{
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	struct sfshm_pin held;
	int r;

	tags_before_call();
	one_more(&own->started);
	r = sfshm_pin(h, name, n, &held, &result);
	if (r == SFSHM_CACHED) {
		one_more(&own->hits);
		if (random_below(2))
			usleep(random_below(300));
		see(key, data, gather(&held, result.value.len), r, 0);
		if (sfshm_unpin(&held))
			tell(TOLD_WRONG, key, WRONG_CODE, 0, 0, 0);
	} else {
		/*
		 * A fresh failure counts as a failure, and the pin answers
		 * -ENODATA.
		 */
		see_code(key, r, 0);
	}
}

static void come_back(void)
{
	if (h)
		sfshm_close(h);
	if (sfshm_open(&h, storm->path, NULL)) {
		tell(TOLD_WRONG, 0, WRONG_CODE, 0, ENOENT, 0);
		_exit(0);
	}
	one_more(&own->attached);
}

static void forget(uint32_t key)
{
	char name[64];
	size_t n = key_text(name, sizeof(name), key);

	if (sfshm_forget(h, name, n) == 0)
		one_more(&own->forgotten);
}

static void do_to_all(void)
{
	switch (random_below(4000)) {
	case 0:
	case 1: (void)!sfshm_purge(h); break;
	case 2: (void)!sfshm_invalidate_all(h, 0); break;
	case 3:
	case 4:
	case 5: remove_semaphore(); break;
	default: break;
	}
}

static void do_something(void)
{
	uint32_t key = random_below(random_below(2) ? STORM_HOT : STORM_KEYS);

	switch (random_below(40)) {
	case 0: come_back(); break;
	case 1: forget(key); break;
	case 2:
	case 3: pin(key); break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8: get(key); break;
	case 9:
	case 10: hold_lock(key % STORM_LOCKS); break;
	case 11: hold_permit(); break;
	case 12: put(key - key % 4 + 2); break;
	case 13: invalidate(key); break;
	case 14: peek(key); break;
	case 15:
	case 16: share_lock(key % STORM_LOCKS); break;
	case 17: invalidate_tag(); break;
	case 18: lead_for_process(key); break;
	case 19:
	case 20: run(key); break;
	case 21:
		if (random_below(2))
			leave_task(key);
		else
			leave_thread(key);
		break;
	default: begin(key);
	}
	do_to_all();
}

void bystander_run(struct storm *st)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		uint64_t from = clock_ns(), took;

		nanosleep(&nap, NULL);
		took = clock_ns() - from - 1000000;
		if (load_relaxed(&st->stall_ns) < took)
			store_relaxed(&st->stall_ns, took);
	}
}

void worker_run(struct storm *st, uint32_t worker, uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	storm = st;
	worker_number = worker;
	tags = &st->tags;
	own = &st->own[worker];
	random_seed(seed);
	forget_sharing();
	tell(TOLD_BORN, 0, 0, 0, 0, 0);
	come_back();
	for (;;)
		do_something();
}
