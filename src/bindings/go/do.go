// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"context"
	"time"
)

// Work makes the value of a key. nil is a value, of no bytes.
type Work func(ctx context.Context) ([]byte, error)

// Do returns the key's fresh value; or it runs the work, if no other caller on
// this host does; or it waits for the caller that does, and returns its result.
//
// The work runs in the calling goroutine, with a context made from ctx. If it
// fails, the callers that wait share its error: those of this process get err
// itself, those of other processes a *WorkError. If it fails because ctx is
// done, or panics, or calls runtime.Goexit, the others do not share that: one of
// them runs its own work. A panic goes on to the caller.
//
// A wait ends at once when ctx is done, with ctx.Err(); the run goes on.
//
// If the segment has no room or cannot be used, Do runs the work in each
// process once.
func (s *Segment) Do(ctx context.Context, key string, p Policy, work Work) ([]byte, error) {
	if !p.Refresh && p.Beta == 0 {
		if v, rc := s.get(key); rc >= 0 {
			return v, nil
		}
	}
	r := s.ask(ctx, key, p, work)
	return r.Value, r.Err
}

// DoResult is Do, and says more.
func (s *Segment) DoResult(ctx context.Context, key string, p Policy, work Work) Result {
	return s.ask(ctx, key, p, work)
}

// DoChan is DoResult in a goroutine of its own. The channel has room for the
// result, so nobody has to read it. As in x/sync/singleflight, a panic in the
// work ends the program.
func (s *Segment) DoChan(ctx context.Context, key string, p Policy, work Work) <-chan Result {
	ch := make(chan Result, 1)
	go func() { ch <- s.ask(ctx, key, p, work) }()
	return ch
}

// A question is one caller's Do.
type question struct {
	seg     *Segment
	ctx     context.Context
	key     string
	policy  Policy
	work    Work
	timeout <-chan time.Time // nil: there is none
}

func (s *Segment) ask(ctx context.Context, key string, p Policy, work Work) Result {
	if err := p.check(key); err != nil {
		return Result{Err: err}
	}
	q := &question{seg: s, ctx: ctx, key: key, policy: p, work: work}
	if p.Timeout > 0 && p.Timeout != Forever {
		timer := time.NewTimer(p.Timeout)
		defer timer.Stop()
		q.timeout = timer.C
	}
	for {
		w := &waiter{told: make(chan outcome, 1), up: FlightOf(ctx)}
		if r, stop := q.enter(w); stop {
			return r
		}
		if r, stop := q.act(w, q.wait(w)); stop {
			return r
		}
	}
}

// enter joins the process's call for the key, or makes it.
func (q *question) enter(w *waiter) (Result, bool) {
	s, p := q.seg, &q.policy
	mu.Lock()
	c := s.calls[q.key]
	if c == nil {
		c = newCall(s, q.key, p, w)
		mu.Unlock()
		if c == nil {
			return Result{Err: errOf(-C.ENOMEM)}, true
		}
		c.ask()
		return Result{}, false
	}
	var err error
	switch {
	case c.circle(w.up, map[*call]bool{}):
		err = ErrDeadlock
	case p.NoWait:
		err = ErrBusy
	case p.MaxWaiters > 0 && len(c.waiters) >= p.MaxWaiters:
		err = ErrCrowded
	case p.Grace == 0:
		c.join(w)
		mu.Unlock()
		return Result{}, false
	}
	mu.Unlock()
	if err == ErrDeadlock {
		return Result{Err: err}, true
	}
	if r, ok := q.old(p.Grace, 0, err == ErrCrowded); ok {
		return r, true
	}
	if err != nil {
		return Result{Err: err}, true
	}
	mu.Lock()
	defer mu.Unlock()
	if c = s.calls[q.key]; c == nil {
		w.told <- outcome{kind: again}
		w.call = &call{state: over}
	} else {
		c.join(w)
	}
	return Result{}, false
}

// old looks for an old value that may serve.
func (q *question) old(grace, ifError time.Duration, atLast bool) (Result, bool) {
	atLast = atLast && q.policy.StaleOnTimeout
	if grace == 0 && ifError == 0 && !atLast {
		return Result{}, false
	}
	r, err := q.seg.Peek(q.key, Policy{Grace: grace, StaleIfError: ifError,
		StaleOnTimeout: atLast, RetryOnFailure: true})
	return r, err == nil
}

// wait returns the waiter's outcome.
func (q *question) wait(w *waiter) outcome {
	var err error
	select {
	case o := <-w.told:
		return o
	default:
	}
	select {
	case o := <-w.told:
		return o
	case <-q.ctx.Done():
		err = q.ctx.Err()
	case <-q.timeout:
		err = ErrTimeout
	}
	if !w.call.leave(w) {
		o := <-w.told
		if o.kind != lead && o.kind != again {
			return o
		}
		if o.kind == lead {
			w.call.handOn()
		}
	}
	if err != context.Canceled {
		if r, ok := q.old(0, 0, true); ok {
			return outcome{kind: refused, result: r}
		}
	}
	return outcome{kind: refused, result: Result{Err: err}}
}

// act does what the outcome says. Unless it reports true, the caller asks again.
func (q *question) act(w *waiter, o outcome) (Result, bool) {
	r, p := o.result, &q.policy
	first := w.call.first == w
	switch o.kind {
	case lead:
		return q.lead(w.call, o.flight), true
	case value:
		// The value may be from before an invalidation that came before this
		// caller, or too old for its policy.
		if !first && (r.outdated && p.TTL > 0 || r.Stale) {
			return r, false
		}
	case failed:
		if !first && p.RetryOnFailure {
			return r, false
		}
		if old, ok := q.old(0, p.StaleIfError, false); ok {
			return old, true
		}
	case again:
		return r, false
	}
	return r, true
}

// lead runs the work and ends the call, whatever the work does.
func (q *question) lead(c *call, f *Flight) Result {
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit
			c.giveUp()
		}
	}()
	f.tags = append(f.tags, q.policy.Tags...)
	if f.handed && !c.alone {
		gated(func() C.int { return C.go_call_extend(c.c, ms(q.policy.Lease)) })
	}
	v, err := q.work(context.WithValue(q.ctx, flightKey{}, f))
	returned = true
	if err != nil {
		return q.fail(c, f, err)
	}
	return q.publish(c, f, v)
}

func (q *question) publish(c *call, f *Flight, v []byte) Result {
	if v == nil {
		v = []byte{}
	}
	r := Result{Value: v, Source: Computed, Alone: c.alone,
		OwnerDied: f.ownerDied, Generation: f.generation}
	o := outcome{kind: value, result: r}
	o.result.Source, o.result.OwnerDied = Awaited, false
	mu.Lock()
	c.unlist()
	mu.Unlock()
	if !c.publish(f, &q.policy, v) {
		o = outcome{kind: again}
	}
	mu.Lock()
	c.end(o)
	mu.Unlock()
	return r
}

func (q *question) fail(c *call, f *Flight, err error) Result {
	r := Result{Err: err, Source: Computed, Alone: c.alone,
		OwnerDied: f.ownerDied, Generation: f.generation}
	if concernsCaller(q.ctx, err) {
		c.giveUp()
		return r
	}
	mu.Lock()
	c.unlist()
	mu.Unlock()
	c.fail(&q.policy, err)
	mu.Lock()
	c.end(outcome{kind: failed, result: r})
	mu.Unlock()
	if old, ok := q.old(0, q.policy.StaleIfError, false); ok {
		return old
	}
	return r
}
