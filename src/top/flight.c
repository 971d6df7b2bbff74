/* SPDX-License-Identifier: MIT */
/*
 * The public calls on flights: sfshm_begin(), the calls that end a flight, and
 * those that any thread may make.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/put.h>

#include "os/sys.h"
#include "peer/wait.h"
#include "sync/claim.h"
#include "sync/fast.h"
#include "sync/result.h"
#include "top/call.h"

/*
 * Whether fast_begin() may serve this policy: the policy has only harmless
 * flags, and its beta, fresh, fits and claim_key are 0 (one test checks all
 * four). The fields that concern a wait may have any value, because
 * fast_begin() never waits.
 */
static force_inline bool plain(const struct sfshm_policy *policy)
{
	const uint32_t harmless = SFSHM_KEEP | SFSHM_REFRESH | SFSHM_TRY |
				  SFSHM_INTR;
	uint64_t beta;

	memcpy(&beta, &policy->beta, sizeof(beta));
	return policy->size == sizeof(*policy) &&
	       !call_breaker_is_open_ended(policy) &&
	       !((policy->flags & ~harmless) | beta | (uintptr_t)policy->fresh |
		 (uintptr_t)policy->fits | (uintptr_t)policy->claim_key);
}

static force_inline int begin_at_once(struct sfshm *h, const void *key,
				      size_t len,
				      const struct sfshm_policy *policy,
				      struct flight *f,
				      struct sfshm_result *result)
{
	struct peer *p;
	struct key k;

	policy = policy ? policy : &call_no_policy;
	if (unlikely(!plain(policy)))
		return AGAIN;
	p = call_at_once(h, SHM_VALUE, key, len, result, &k);
	return likely(p) ? fast_begin(p, &k, policy, f, result) : AGAIN;
}

static on_waking __attribute__((noinline)) int
begin_slowly(struct sfshm *h, const void *key, size_t len,
	     const struct sfshm_policy *policy, struct flight *f,
	     struct sfshm_result *result)
{
	struct sfshm_policy own;
	int r = sized_adopt(&policy, &own);

	if (unlikely(r)) {
		f->map = NULL;
		f->alone = false;
		return r;
	}
	return call_begin(h, SHM_VALUE, key, len, policy, f, result);
}

on_waking int sfshm_begin(struct sfshm *h, const void *key, size_t key_len,
			  const struct sfshm_policy *policy,
			  struct sfshm_flight *flight,
			  struct sfshm_result *result)
{
	struct flight *f = flight_of(flight);
	int r;

	if (unlikely(!flight))
		return -EINVAL;
	r = begin_at_once(h, key, key_len, policy, f, result);
	if (likely(r != AGAIN))
		return r;
	return begin_slowly(h, key, key_len, policy, f, result);
}

/*
 * Finds the calling thread's peer before the thread ends the flight. Notes in
 * f->doubtful whether another caller may have led the key, too. Returns 0, or
 * an error if this thread does not lead the flight. *out is NULL for a flight
 * outside the segment (f->alone).
 */
static force_inline int leader(struct flight *f, struct peer **out)
{
	*out = NULL;
	if (unlikely(!f))
		return -EINVAL;
	if (likely(f->map)) {
		*out = peer_of(f->life);
		if (likely(*out)) {
			f->doubtful =
				flight_is_doubtful(f->map, f->slot, f->ctl);
			if (unlikely(f->doubtful))
				handle_warn_newcomers(f->map);
			return 0;
		}
	}
	if (!f->map && !f->alone)
		return -ESTALE;
	if (f->cookie != process_cookie())
		return -ECHILD;
	return f->alone ? 0 : -EPERM;
}

/*
 * Ends the claim of a flight that has ended. Returns `r`; but -ESHUTDOWN if the
 * flight ended as asked and another caller may have led the key, too.
 */
static force_inline int ended(struct flight *f, int r)
{
	if (unlikely(f->has_claim) && !flight_open(f))
		claim_end(f);
	if (unlikely(f->doubtful) && r >= 0) {
		f->doubtful = false;
		return -ESHUTDOWN;
	}
	return r;
}

/* Asks the policy's `fits` whether the value is this key's. */
static int check_fit(const struct flight *f, const struct iovec *iov, int count)
{
	struct sfshm_result whole = SFSHM_RESULT_INIT;
	size_t total = 0;
	int r;

	whole.generation = ctl_gen(f->ctl);
	for (int i = 0; i < count; i++)
		if (__builtin_add_overflow(total, iov[i].iov_len, &total))
			return 0;
	/* flight_publish() refuses a value of this size. */
	if (total > flight_largest(f))
		return 0;
	r = buf_reserve(&whole.value, total);
	for (int i = 0; !r && i < count; i++) {
		if (!iov[i].iov_len)
			continue;
		memcpy((char *)whole.value.data + whole.value.len,
		       iov[i].iov_base, iov[i].iov_len);
		whole.value.len += iov[i].iov_len;
	}
	if (!r && !f->fits(&whole, f->arg))
		r = -EILSEQ;
	free(whole.value.data);
	return r;
}

/* Fails the flight, because its value belongs to another key. */
static int refuse_misfit(struct flight *f, struct peer *p)
{
	int r;

	if (p)
		peer_count(p, COUNT_misfits);
	r = flight_fail(f, p, -EILSEQ, "the value belongs to another key");
	return r ? r : -EILSEQ;
}

static force_inline int publish(struct flight *f, const struct iovec *iov,
				int count)
{
	struct peer *p;
	int r = leader(f, &p);

	if (!r && (count < 0 || (count && !iov)))
		r = -EINVAL;
	if (!r && f->fits)
		r = check_fit(f, iov, count);
	if (r == -EILSEQ)
		return ended(f, refuse_misfit(f, p));
	return r ? r : ended(f, flight_publish(f, p, iov, count));
}

on_waking int sfshm_publishv(struct sfshm_flight *flight,
			     const struct iovec *iov, int count)
{
	return publish(flight_of(flight), iov, count);
}

on_waking int sfshm_publish(struct sfshm_flight *flight, const void *data,
			    size_t len)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)data,
		.iov_len = len,
	};

	if (len && !data)
		return -EINVAL;
	return publish(flight_of(flight), &iov, 1);
}

int sfshm_fail(struct sfshm_flight *flight, int code, const char *message)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, flight_fail(f, p, code, message));
}

/*
 * Copies the value that the flight is to renew; if `tagging` is not NULL, also
 * copies the value's tags. Returns 0; -ENODATA, there is no value that `fits`
 * accepts; -ESTALE, another caller took the slot; or an error as look().
 */
static int last_value(const struct flight *f, struct peer *p,
		      struct sfshm_result *result, struct shm_tagging *tagging)
{
	struct call c = {
		.self = p,
		.policy = &call_no_policy,
		.result = result,
		.tagging = tagging,
	};
	int r;

	result_empty(result);
	r = p ? look_at_last(&c, f->slot, f->ctl) : LOOK_ABSENT;
	if (r == LOOK_HIT && f->fits && !f->fits(result, f->arg)) {
		result_empty(result);
		r = LOOK_ABSENT;
	}
	return r == LOOK_HIT    ? 0 :
	       r == LOOK_ABSENT ? -ENODATA :
	       r == -EAGAIN     ? -ESTALE :
				  r;
}

int sfshm_flight_value(const struct sfshm_flight *flight,
		       struct sfshm_result *result)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = sized_result_is_valid(result) ? leader(f, &p) : -EINVAL;

	return r ? r : last_value(f, p, result, NULL);
}

int sfshm_touch(struct sfshm_flight *flight)
{
	struct sfshm_result last = SFSHM_RESULT_INIT;
	struct flight *f = flight_of(flight);
	struct shm_tagging tagging = { 0 };
	struct iovec iov;
	bool own_tags;
	struct peer *p;
	int r = leader(f, &p);

	if (r)
		return r;
	r = last_value(f, p, &last, &tagging);
	iov.iov_base = last.value.data;
	iov.iov_len = last.value.len;
	own_tags = flight_head(f) != 0;
	/* The leader's own tags replace the value's. */
	if (!r && !own_tags)
		memcpy(f->tagging.tag, tagging.tag, sizeof(tagging.tag));
	if (!r)
		r = ended(f, flight_publish(f, p, &iov, 1));
	else if (r == -ESTALE)
		r = ended(f, flight_release(f, p));
	/* If the flight goes on, its value is another one. */
	if (!own_tags)
		f->tagging.tag[0] = 0;
	free(last.value.data);
	return r;
}

int call_end(struct flight *f, int code, const char *message)
{
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, flight_end_somehow(f, p, code, message));
}

int sfshm_release(struct sfshm_flight *flight)
{
	struct flight *f = flight_of(flight);
	struct peer *p;
	int r = leader(f, &p);

	return r ? r : ended(f, flight_release(f, p));
}

void sfshm_flight_cleanup(struct sfshm_flight *flight)
{
	if (flight && flight_open(flight_of(flight)))
		(void)sfshm_release(flight);
}

void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms)
{
	struct flight *f = flight_of(flight);

	f->ttl_ms = ttl_ms;
	f->neg_ttl_ms = neg_ttl_ms;
}

void sfshm_flight_keep(struct sfshm_flight *flight, uint32_t keep_ms)
{
	flight_of(flight)->keep_ms = keep_ms;
}

void sfshm_flight_uncacheable(struct sfshm_flight *flight, uint32_t ms)
{
	struct flight *f = flight_of(flight);

	f->uncacheable = true;
	f->uncacheable_ms = ms;
}

uint64_t sfshm_flight_generation(const struct sfshm_flight *flight)
{
	return ctl_gen(load_relaxed(&flight_of(flight)->ctl));
}

/*
 * A copy of a flight for a thread that may not be its leader. Meanwhile the
 * leader may end the flight, or give up an old value (FLIGHT-T16), and the
 * process may drop the mapping. Therefore such a thread copies each field once,
 * and then uses only the copy.
 */
struct grip {
	struct flight f;      /* only the fields that flight_extend() reads */
	struct mapping *held; /* a reference; NULL: the thread is attached */
};

/* Copies the flight, and makes sure that its mapping stays until let_go(). */
static int reach(const struct flight *f, struct grip *g)
{
	g->held = NULL;
	g->f.map = load_relaxed(&f->map);
	if (!g->f.map)
		return -ESTALE;
	g->f.cookie = load_relaxed(&f->cookie);
	g->f.serial = load_relaxed(&f->serial);
	g->f.ctl = load_relaxed(&f->ctl);
	g->f.slot = load_relaxed(&f->slot);
	if (g->f.cookie != process_cookie())
		return -ECHILD;
	if (peer_attached(g->f.map, g->f.serial))
		return 0;
	g->held = mapping_get_serial(g->f.serial);
	return g->held ? 0 : -ESTALE;
}

static void let_go(struct grip *g)
{
	if (g->held)
		mapping_put(g->held);
}

/* Adds a flight's waiters to *n; sets *ever if any caller has ever waited. */
static int waiters_of(const struct flight *f, uint32_t *n, bool *ever)
{
	struct grip g;
	int r = reach(f, &g);

	if (r)
		return r;
	if (flight_stands(&g.f)) {
		*ever |= load_seq(&g.f.map->cold[g.f.slot].event) &
			 EVENT_WAITERS;
		*n += peer_waiters(g.f.map, g.f.slot);
	} else {
		r = -ESTALE;
	}
	let_go(&g);
	return r;
}

/* Counts the waiters of a flight and of its claim. */
static int waiters(const struct flight *f, uint32_t *n, bool *ever)
{
	const struct flight *claim = claim_of(f);
	int r = waiters_of(f, n, ever);

	if (!r && claim)
		(void)waiters_of(claim, n, ever);
	return r;
}

uint32_t sfshm_flight_waiters(const struct sfshm_flight *flight)
{
	const struct flight *f = flight_of(flight);
	uint32_t n = 0;
	bool ever = false;

	return waiters(f, &n, &ever) ? 0 : n;
}

int sfshm_abandoned(const struct sfshm_flight *flight)
{
	const struct flight *f = flight_of(flight);
	bool ever = false;
	uint32_t n = 0;
	int r;

	if (!f)
		return -EINVAL;
	if (load_relaxed(&f->alone))
		return 0;
	r = waiters(f, &n, &ever);
	return r ? r : ever && !n;
}

static int extend(const struct flight *f, uint32_t ms)
{
	struct grip g;
	int r = reach(f, &g);

	if (r)
		return r;
	r = flight_extend(&g.f, ms);
	let_go(&g);
	return r;
}

int sfshm_extend(struct sfshm_flight *flight, uint32_t ms)
{
	struct flight *f = flight_of(flight), *claim;
	int r;

	if (!f)
		return -EINVAL;
	if (load_relaxed(&f->alone))
		return 0;
	r = extend(f, ms);
	claim = claim_of(f);
	return !r && claim ? extend(claim, ms) : r;
}
