// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"math"
	"time"
)

// Forever is a time that never ends, in every field of a Policy.
const Forever time.Duration = math.MaxInt64

// Policy is the behaviour of a call. With the zero Policy a result goes to the
// callers that wait for it, and is not kept, as in x/sync/singleflight. Times
// are rounded up to milliseconds.
type Policy struct {
	TTL          time.Duration // how long a value serves later callers
	NegTTL       time.Duration // how long a failure serves later callers
	Grace        time.Duration // how long an old value serves while one caller makes a new one
	StaleIfError time.Duration // how long an old value serves after a failure

	// Timeout bounds the wait for another caller's run: then ErrTimeout. 0:
	// only the context bounds it.
	Timeout time.Duration
	// NoWait returns ErrBusy if another caller leads.
	NoWait bool
	// MaxWaiters is the number of callers that may wait; for more there is
	// ErrCrowded. Callers of one process that wait for one key count as one
	// for the other processes. 0: no limit.
	MaxWaiters int
	// StaleOnTimeout returns the old value, however old, in place of
	// ErrTimeout, of an expired context's error, of ErrCrowded and of
	// ErrLeadersDie.
	StaleOnTimeout bool
	// RetryOnFailure ignores another caller's failure and runs the work.
	RetryOnFailure bool

	// Refresh runs the work even if there is a fresh value.
	Refresh bool
	// Beta refreshes early, by chance (XFetch); 1 is usual. With it a hit
	// takes a mutex of the process.
	Beta float64
	// Lease is the time after which another caller may run the work, too. 0:
	// no limit.
	Lease time.Duration
	// After BreakerDeaths deaths of leaders in a row (at most 31), callers get
	// ErrLeadersDie for the time Breaker.
	BreakerDeaths int
	Breaker       time.Duration
	// Tags, at most 4, are those of the value (InvalidateTag).
	Tags []string
}

func ms(d time.Duration) C.uint32_t {
	if d == Forever {
		return C.SFSHM_FOREVER
	}
	if d <= 0 {
		return 0
	}
	n := (d-1)/time.Millisecond + 1
	if n >= C.SFSHM_FOREVER {
		n = C.SFSHM_FOREVER - 1
	}
	return C.uint32_t(n)
}

func (p *Policy) check(key string) error {
	for _, d := range [...]time.Duration{p.TTL, p.NegTTL, p.Grace,
		p.StaleIfError, p.Timeout, p.Lease, p.Breaker} {
		if d < 0 {
			return ErrInvalid
		}
	}
	if p.MaxWaiters < 0 || p.MaxWaiters > math.MaxInt32 ||
		p.BreakerDeaths < 0 || p.BreakerDeaths > 31 ||
		len(p.Tags) > C.SFSHM_TAGS_MAX || key == "" {
		return ErrInvalid
	}
	for _, tag := range p.Tags {
		if tag == "" {
			return ErrInvalid
		}
	}
	if len(key) > C.SFSHM_KEY_MAX {
		return ErrKeyTooLong
	}
	return nil
}

// keep is how long a value is kept past its lifetime.
func (p *Policy) keep() C.uint32_t {
	if p.Grace > p.StaleIfError {
		return ms(p.Grace)
	}
	return ms(p.StaleIfError)
}

// fill writes the policy as the library reads it. Go's own timers bound waits.
func (p *Policy) fill(c *C.struct_sfshm_policy) {
	c.flags = C.SFSHM_DETACHED
	for _, flag := range [...]struct {
		set bool
		bit C.uint32_t
	}{
		{p.NoWait, C.SFSHM_TRY},
		{p.StaleOnTimeout, C.SFSHM_STALE_ON_TIMEOUT},
		{p.RetryOnFailure, C.SFSHM_RETRY_ON_FAILURE},
		{p.Refresh, C.SFSHM_REFRESH},
	} {
		if flag.set {
			c.flags |= flag.bit
		}
	}
	c.ttl_ms = ms(p.TTL)
	c.neg_ttl_ms = ms(p.NegTTL)
	c.grace_ms = ms(p.Grace)
	c.stale_if_error_ms = ms(p.StaleIfError)
	c.max_waiters = C.uint32_t(p.MaxWaiters)
	c.lock_age_ms = ms(p.Lease)
	c.breaker_deaths = C.uint32_t(p.BreakerDeaths)
	c.breaker_ms = ms(p.Breaker)
	c.beta = C.double(p.Beta)
}
