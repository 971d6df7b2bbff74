// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
)

// A call is this process's one question for a key: the waiters share it. It is
// in one of these states:
//
//	asking   its first waiter is in go_call_begin(), outside of mu
//	waiting  another process leads; the poller finishes the wait
//	looking  as waiting, but the library cannot watch: lookAgain() asks
//	abroad   a thread of its own asks the fleet (fleet.go)
//	leading  one of the waiters was told to lead, and runs the work
//	over     nobody uses it any more
//
// and goes from one to the next under mu:
//
//	none -> asking               a caller finds no call for its key
//	asking, waiting, looking, abroad -> leading   a waiter is told to lead
//	asking -> waiting, looking   the library says that another caller leads
//	asking, waiting -> abroad    the segment has a fleet, and nobody leads here
//	asking, waiting, looking, abroad -> over      the waiters are told the
//	                             outcome
//	waiting, looking, abroad -> over     the last waiter has left
//	leading -> leading           the leader leaves before it runs the work, and
//	                             another waiter is told to lead
//	leading -> over              the leader has ended the flight; or it leaves,
//	                             and no waiter is left
//
// Each waiter is told one outcome, or leaves. In asking, waiting, looking
// and abroad there is at least one waiter; so when the library makes this process the
// leader, there is somebody to lead. A leader that ends takes the call from
// Segment.calls first, then ends the flight, then tells the waiters: no caller
// joins a call whose result may have been invalidated since.
type call struct {
	seg       *Segment
	key       string
	id        uint64
	c         *C.struct_go_call
	state     state
	following bool // the wait does not lead: a fleet is asked first
	ready     bool // asking: the poller has met the wait already
	alone     bool // leading: without the segment
	first     *waiter
	waiters   []*waiter
	flight    *Flight // leading: the leader's
}

type state int

const (
	asking state = iota
	waiting
	looking
	abroad
	leading
	over
)

type waiter struct {
	call *call
	told chan outcome // has room for the one outcome
	up   *Flight      // the flight whose work waits; nil: none
}

type outcome struct {
	kind   kind
	result Result
	flight *Flight // lead
}

type kind int

const (
	lead    kind = iota // run the work, and end the call
	value               // result has it
	failed              // the work failed; result.Err says how
	refused             // result is for this caller alone
	again               // ask anew
)

var (
	mu     sync.Mutex // guards all that follows, and all calls
	lastID uint64
	byID   = map[uint64]*call{}
	nested = map[*waiter]struct{}{} // the waiters that have an up
)

// newCall makes a call with its first waiter. nil: there is no memory.
func newCall(s *Segment, key string, p *Policy, w *waiter) *call {
	lastID++
	c := &call{seg: s, key: key, id: lastID, first: w}
	c.c = newC(s, key, p, c.id)
	if c.c == nil {
		return nil
	}
	s.calls[key] = c
	byID[c.id] = c
	c.join(w)
	return c
}

func (c *call) join(w *waiter) {
	w.call = c
	c.waiters = append(c.waiters, w)
	if w.up != nil {
		nested[w] = struct{}{}
	}
}

func (c *call) tell(w *waiter, o outcome) {
	delete(nested, w)
	w.told <- o
}

func (c *call) tellAll(o outcome) {
	for _, w := range c.waiters {
		c.tell(w, o)
	}
	c.waiters = nil
}

// unlist lets later callers ask anew.
func (c *call) unlist() {
	if c.seg.calls[c.key] == c {
		delete(c.seg.calls, c.key)
	}
}

// end frees the call, and tells all its waiters.
func (c *call) end(o outcome) {
	c.unlist()
	delete(byID, c.id)
	c.flight = nil
	c.state = over
	freeC(c.c)
	c.c = nil
	c.tellAll(o)
}

// promote tells a waiter to lead.
func (c *call) promote() {
	w := c.waiters[0]
	c.waiters = c.waiters[1:]
	c.state = leading
	c.flight = &Flight{call: c, up: w.up, handed: w != c.first,
		generation: uint64(C.sfshm_flight_generation(&c.c.flight.host)),
		ownerDied:  c.c.result.owner_died != 0}
	c.tell(w, outcome{kind: lead, flight: c.flight})
}

// settle acts on what the library says to begin or finish.
func (c *call) settle(rc C.int) {
	switch {
	case c.following && nobodyLeads(rc):
		c.goAbroad()
	case rc == -C.EINPROGRESS:
		c.state = waiting
	case rc == -C.EOPNOTSUPP && c.state != looking:
		c.state = looking
		go c.lookAgain()
	case rc == C.SFSHM_LEADER:
		c.promote()
	case isLocal(rc):
		c.alone = true
		c.promote()
	case rc >= 0:
		c.end(outcome{kind: value, result: resultOf(rc, c.c)})
	case rc == -C.EREMOTEIO || rc == -C.ENOENT:
		c.end(outcome{kind: failed, result: resultOf(rc, c.c)})
	default: // The outcome depends on the first waiter's policy.
		c.refuse(outcome{kind: refused, result: resultOf(rc, c.c)})
	}
}

func (c *call) refuse(o outcome) {
	if w := c.waiters[0]; w == c.first {
		c.waiters = c.waiters[1:]
		c.tell(w, o)
	}
	c.end(outcome{kind: again})
}

// ask begins; its caller is the first waiter, and does not have mu.
func (c *call) ask() {
	if c.seg.fleet != nil && !c.follows() {
		mu.Lock()
		c.goAbroad()
		mu.Unlock()
		return
	}
	if c.seg.fleet != nil {
		c.following = true
		c.c.policy.flags |= C.SFSHM_FOLLOW
	}
	rc := gated(func() C.int { return C.go_call_begin(c.c, queue) })
	mu.Lock()
	c.settle(rc)
	if c.state == waiting && c.ready {
		c.finish()
	}
	mu.Unlock()
}

// finish looks whether a wait is over.
func (c *call) finish() {
	c.settle(gated(func() C.int { return C.go_call_finish(c.c, queue) }))
}

// lookAgain asks from time to time, where the library cannot watch waits.
func (c *call) lookAgain() {
	for pause := time.Millisecond; ; {
		time.Sleep(pause)
		if pause *= 2; pause > 20*time.Millisecond {
			pause = 20 * time.Millisecond
		}
		mu.Lock()
		if c.state == looking {
			rc := gated(func() C.int { return C.go_call_try(c.c) })
			if rc != -C.EBUSY {
				c.settle(rc)
			}
		}
		still := c.state == looking
		mu.Unlock()
		if !still {
			return
		}
	}
}

// leave takes a waiter out, unless it was told its outcome already.
func (c *call) leave(w *waiter) bool {
	mu.Lock()
	defer mu.Unlock()
	for i, other := range c.waiters {
		if other == w {
			c.waiters = append(c.waiters[:i:i], c.waiters[i+1:]...)
			delete(nested, w)
			c.endUnused()
			return true
		}
	}
	return false
}

func (c *call) endUnused() {
	if len(c.waiters) > 0 || c.state == leading || c.state == over {
		return
	}
	if c.state == abroad {
		c.leaveAbroad()
		return
	}
	if c.state == waiting {
		gated(func() C.int { return C.go_call_cancel(c.c, queue) })
	}
	c.end(outcome{kind: again})
}

// handOn is for a waiter that was told to lead, and does not want to any more.
func (c *call) handOn() {
	mu.Lock()
	if len(c.waiters) > 0 {
		c.promote()
		mu.Unlock()
		return
	}
	c.unlist()
	mu.Unlock()
	c.giveUp()
}

// giveUp releases the flight: another caller leads.
func (c *call) giveUp() {
	c.release()
	mu.Lock()
	defer mu.Unlock()
	c.end(outcome{kind: again})
}

// publish ends the flight with a value, and reports whether callers of this
// process that waited may have it.
func (c *call) publish(f *Flight, p *Policy, v []byte) bool {
	if c.alone {
		return true
	}
	ttl, tags := f.settings(p)
	for _, tag := range tags {
		gated(func() C.int {
			return C.go_call_tag(c.c, bytesOf(tag), C.size_t(len(tag)))
		})
	}
	C.sfshm_flight_ttl(&c.c.flight.host, ms(ttl), ms(p.NegTTL))
	C.sfshm_flight_keep(&c.c.flight.host, p.keep())
	rc := c.gate()(func() C.int {
		return C.go_call_publish(c.c, bytesIn(v), C.size_t(len(v)))
	})
	runtime.KeepAlive(v)
	runtime.KeepAlive(tags)
	return rc != -C.ESTALE && rc != C.SFSHM_INVALIDATED
}

// gate returns what makes the calls that end the flight.
func (c *call) gate() func(func() C.int) C.int {
	if c.seg.fleet != nil {
		return sleeping
	}
	return gated
}

// circle reports whether the call's leader waits, maybe by way of others, for
// the work of f.
func (c *call) circle(f *Flight, seen map[*call]bool) bool {
	if f == nil || c.flight == nil || seen[c] {
		return false
	}
	seen[c] = true
	if c.flight.within(f) {
		return true
	}
	for w := range nested {
		if c.flight.within(w.up) && w.call.circle(f, seen) {
			return true
		}
	}
	return false
}

// fail ends the flight with an error of the work.
func (c *call) fail(p *Policy, err error) {
	if c.alone {
		return
	}
	message := messageOf(err) + "\x00"
	C.sfshm_flight_ttl(&c.c.flight.host, ms(p.TTL), ms(p.NegTTL))
	c.gate()(func() C.int {
		return C.go_call_fail(c.c, C.int(codeOf(err)), bytesOf(message))
	})
	runtime.KeepAlive(message)
}
