/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <sfshm/flight.h>
#include <sfshm/pin.h>
#include <sfshm/put.h>

#include "os/atomics.h"

struct storm *storm;
struct own *own;
struct sfshm *h;
static uint32_t number;
static struct sfshm_result result = SFSHM_RESULT_INIT;
static uint8_t data[STORM_MAX_VALUE];

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
		.worker = number,
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

/* Looks at a value that was got, and tells. */
static void see(uint32_t key, const uint8_t *bytes, size_t len, int source,
		uint64_t ns)
{
	struct stamp s;
	enum value_fault fault = value_look(bytes, len, key, &s);

	if (fault)
		tell(TOLD_WRONG, key,
		     fault == VALUE_TORN ? WRONG_TORN : WRONG_KEY,
		     result.generation, s.sum, ns);
	else if (!(s.generation & PUT_MARK) &&
		 (load_acquire(&storm->renewed[key]) ?
			  s.generation > result.generation :
			  s.generation != result.generation))
		tell(TOLD_WRONG, key, WRONG_GEN, result.generation, s.sum, ns);
	else
		tell(TOLD_SAW, key, source, s.generation, s.sum, ns);
}

static void see_error(uint32_t key, uint64_t ns)
{
	char words[64];

	snprintf(words, sizeof(words), "no luck with key %u", key);
	one_more(&own->errors);
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

static void work(uint32_t key)
{
	bool late = key_has_age(key) && random_below(8) == 0;

	if (random_below(3) == 0)
		usleep(late ? STORM_LOCK_AGE_MS * 2000 : random_below(500));
}

static void publish(uint32_t key, struct sfshm_flight *f)
{
	uint64_t gen = sfshm_flight_generation(f);
	uint32_t most = random_below(4) ? 100 : STORM_MAX_VALUE - 100;
	uint32_t len = (uint32_t)VALUE_MIN + random_below(most);
	uint64_t id = value_make(data, len, key, gen, 0);
	int r;

	tell(TOLD_WILL, key, 0, gen, id, 0);
	r = sfshm_publish(f, data, len);
	if (r == SFSHM_UNCACHED || r == SFSHM_INVALIDATED)
		r = 0;
	if (!r)
		one_more(&own->published);
	if (r == -ESTALE)
		one_more(&own->fenced);
	tell(TOLD_DID, key, r, gen, id, 0);
	if (r == -ENOSPC) {
		r = sfshm_release(f);
		one_more(r ? &own->fenced : &own->released);
	}
}

/* The old value is still right; or there is none, or no room for two. */
static void renew(uint32_t key, struct sfshm_flight *f)
{
	uint64_t gen = sfshm_flight_generation(f);
	int r = sfshm_flight_value(f, &result), end = -ENODATA;

	if (r == 0) {
		see(key, result.value.data, result.value.len, SFSHM_CACHED, 0);
		store_release(&storm->renewed[key], 1);
		end = sfshm_touch(f);
	}
	if (end >= 0) {
		one_more(&own->published);
		one_more(&own->renewed);
		tell(TOLD_DID, key, 0, gen, 0, 0);
	} else if (end == -ESTALE || sfshm_release(f)) {
		one_more(&own->fenced);
	} else {
		one_more(&own->released);
	}
}

static void lead(uint32_t key, struct sfshm_flight *f)
{
	char words[64];
	int r;

	one_more(&own->led);
	tell(TOLD_LED, key, 0, sfshm_flight_generation(f), 0, 0);
	work(key);
	switch (random_below(10)) {
	case 0:
		snprintf(words, sizeof(words), "no luck with key %u", key);
		r = sfshm_fail(f, -5, words);
		one_more(r ? &own->fenced : &own->failed);
		break;
	case 1:
		r = sfshm_release(f);
		one_more(r ? &own->fenced : &own->released);
		break;
	case 2: renew(key, f); break;
	default: publish(key, f);
	}
}

/* Of what is used less. */
static void choose_more(struct sfshm_policy *p)
{
	static const uint32_t flags[] = { SFSHM_STALE_ON_TIMEOUT,
					  SFSHM_RETRY_ON_FAILURE,
					  SFSHM_FAIL_IF_LOST, SFSHM_KEEP };
	static struct sfshm_cancel fired;

	sfshm_cancel_fire(&fired);
	switch (random_below(24)) {
	case 0: p->grace_ms = random_below(50); break;
	case 1: p->stale_if_error_ms = random_below(50); break;
	case 2: p->max_waiters = 1 + random_below(4); break;
	case 3:
		p->breaker_deaths = 1 + random_below(3);
		p->breaker_ms = 1 + random_below(10);
		break;
	case 4: p->cancel = &fired; break;
	case 5: p->beta = 1; break;
	default: break;
	}
	p->flags |= random_below(8) ? 0 : flags[random_below(4)];
}

static void choose_policy(struct sfshm_policy *p, uint32_t key)
{
	static const uint32_t lives[] = { 0, 1, 5, 100, SFSHM_FOREVER };

	*p = (struct sfshm_policy)SFSHM_POLICY_INIT;
	p->ttl_ms = lives[random_below(5)];
	p->neg_ttl_ms = random_below(3);
	p->lock_age_ms = key_has_age(key) ? STORM_LOCK_AGE_MS : 0;
	p->deadline_ns = clock_ns() + 2 * storm->bound_ns;
	if (random_below(4) == 0)
		p->flags |= SFSHM_REFRESH;
	if (random_below(10) == 0)
		p->flags |= SFSHM_TRY;
	if (random_below(10) == 0)
		p->flags |= SFSHM_FOLLOW;
	choose_more(p);
}

static void begin(uint32_t key, const char *name, size_t n)
{
	struct sfshm_policy policy;
	struct sfshm_flight flight;
	uint64_t from = clock_ns(), ns;
	int r;

	choose_policy(&policy, key);
	one_more(&own->started);
	r = sfshm_begin(h, name, n, &policy, &flight, &result);
	ns = clock_ns() - from;
	if (r == SFSHM_LEADER) {
		tell(TOLD_WAITED, key, 0, 0, 0, ns);
		lead(key, &flight);
	} else if (r == SFSHM_CACHED || r == SFSHM_AWAITED) {
		one_more(result.stale      ? &own->stale :
			 r == SFSHM_CACHED ? &own->hits :
					     &own->awaited);
		if (result.stale)
			one_more(&own->other);
		see(key, result.value.data, result.value.len, r, ns);
	} else if (r == -EREMOTEIO) {
		see_error(key, ns);
	} else {
		see_code(key, r, ns);
	}
}

static void get(uint32_t key, const char *name, size_t n)
{
	int r;

	one_more(&own->started);
	r = sfshm_get(h, name, n, &result);
	if (r == SFSHM_CACHED) {
		one_more(&own->hits);
		see(key, result.value.data, result.value.len, r, 0);
	} else if (r == -EREMOTEIO) {
		see_error(key, 0);
	} else {
		see_code(key, r, 0);
	}
}

/* On a condition now and then: over what a look has found. */
static int store(const char *name, size_t n, uint32_t len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	uint64_t over = random_below(2) ? result.generation : 0;

	policy.ttl_ms = random_below(4) ? SFSHM_FOREVER : random_below(20);
	return random_below(3) ?
		       sfshm_put(h, name, n, &policy, data, len) :
		       sfshm_put_if(h, name, n, &policy, data, len, over);
}

static void put(uint32_t key)
{
	uint64_t mark = PUT_MARK | (fetch_add_relaxed(&storm->puts, 1) + 1);
	uint32_t len = (uint32_t)VALUE_MIN + random_below(1000);
	uint64_t id, from, ns;
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	int r;

	get(key, name, n);
	id = value_make(data, len, key, mark, 0);
	tell(TOLD_WILL, key, 0, mark, id, 0);
	one_more(&own->uncounted);
	from = clock_ns();
	r = store(name, n, len);
	ns = clock_ns() - from;
	if (r >= 0)
		one_more(&own->puts);
	tell(TOLD_DID, key, r < 0 ? r : 0, mark, id, 0);
	if (r >= 0 || r == -ESTALE || r == -ENOSPC || r == -EBUSY)
		tell(TOLD_WAITED, key, r, 0, 0, ns);
	else
		tell(TOLD_WRONG, key, WRONG_CODE, 0, (uint64_t)-r, ns);
}

static void invalidate(uint32_t key, const char *name, size_t n)
{
	bool hard = key_is_taken(key) && random_below(2);
	int r = sfshm_invalidate(h, name, n, hard ? SFSHM_HARD : 0);

	if (r == 0)
		one_more(&own->invalidated);
	else if (r != -ENODATA)
		tell(TOLD_WRONG, key, WRONG_CODE, 0, (uint64_t)-r, 0);
}

static void peek(uint32_t key, const char *name, size_t n)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	int r;

	policy.grace_ms = random_below(100);
	one_more(&own->started);
	r = sfshm_peek(h, name, n, &policy, &result);
	if (r == SFSHM_CACHED) {
		one_more(result.stale ? &own->stale : &own->hits);
		if (result.stale)
			one_more(&own->other);
		see(key, result.value.data, result.value.len, r, 0);
	} else if (r == -EREMOTEIO) {
		see_error(key, 0);
	} else {
		see_code(key, r, 0);
	}
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

static void pin(uint32_t key, const char *name, size_t n)
{
	struct sfshm_pin held;
	int r;

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
		/* A fresh failure counts as one, and is answered as nothing. */
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

static void do_something(void)
{
	uint32_t key = random_below(random_below(2) ? STORM_HOT : STORM_KEYS);
	char name[64];
	size_t n = key_text(name, sizeof(name), key);

	switch (random_below(40)) {
	case 0: come_back(); break;
	case 1:
		if (sfshm_forget(h, name, n) == 0)
			one_more(&own->forgotten);
		break;
	case 2:
	case 3: pin(key, name, n); break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8: get(key, name, n); break;
	case 9:
	case 10: hold_lock(key % STORM_LOCKS); break;
	case 11: hold_permit(); break;
	case 12: put(key - key % 4 + 2); break;
	case 13: invalidate(key, name, n); break;
	case 14: peek(key, name, n); break;
	default: begin(key, name, n);
	}
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
	number = worker;
	own = &st->own[worker];
	random_seed(seed);
	tell(TOLD_BORN, 0, 0, 0, 0, 0);
	come_back();
	for (;;)
		do_something();
}
