// SPDX-License-Identifier: MIT

package sfshm

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// FleetOptions are the terms of a membership in a fleet. The zero FleetOptions
// has the defaults.
type FleetOptions struct {
	// Strict returns ErrFleetAway if the server does not answer, or refuses
	// the key; else each host makes its own value.
	Strict bool
	// Lease is how long the other hosts wait for a host that is gone. Give
	// all hosts the same. 0: 10 seconds.
	Lease time.Duration
	// Timeout bounds one request to the server. 0: half a second.
	Timeout time.Duration
	// Retry is the time between two tries of a server that does not answer.
	// 0: a second.
	Retry time.Duration
	// Jitter is the percentage by which this host shortens, at random, the
	// lifetimes of values from other hosts.
	Jitter int
	// ErrorLog gets a line when the server is away, and no further one until
	// the server has answered again. nil: the standard logger.
	ErrorLog *log.Logger
}

// Fleet makes the segment a member of the fleet of the hosts that share a Redis
// (6 or newer) or Valkey server: Do runs the work in one process of all hosts.
// docs/fleet.md says what a fleet promises. The URL is that of
// sfshm_fleet_redis(3), such as redis://10.0.0.5/0?ns=shop; segments that join
// one fleet share their keys. A segment that is open already keeps its fleet,
// and Open fails if another one is asked for. Open needs libsfshm-redis, and
// does not wait for the server.
func Fleet(url string, f FleetOptions) Option {
	return func(o *options) { o.fleet = &fleet{url: url, FleetOptions: f} }
}

type fleet struct {
	FleetOptions
	url  string
	c    *C.struct_sfshm_fleet
	told atomic.Bool // the log has that the server is away
}

// joined returns why the segment cannot be of that fleet; "": it is.
func (s *Segment) joined(f *fleet, isNew bool) string {
	switch {
	case f == nil:
		return ""
	case s.fleet == nil && isNew:
		why := f.open(s.handle)
		if why == "" {
			s.fleet = f
		}
		return why
	case s.fleet == nil:
		return "it is open already, without a fleet"
	case s.fleet.url != f.url || s.fleet.FleetOptions != f.FleetOptions:
		return "it is open already, with another fleet"
	}
	return ""
}

func (f *fleet) open(handle *C.struct_sfshm) string {
	for _, d := range [...]time.Duration{f.Lease, f.Timeout, f.Retry} {
		if d < 0 {
			return "a time of the fleet is negative"
		}
	}
	if f.Jitter < 0 || f.Jitter > 100 {
		return "the fleet's jitter is not 0 to 100 percent"
	}
	url := C.CString(f.url)
	defer C.free(unsafe.Pointer(url))
	const room = 512
	why := (*C.char)(C.calloc(1, room))
	defer C.free(unsafe.Pointer(why))
	c := (*C.struct_sfshm_fleet_options)(C.calloc(1,
		C.sizeof_struct_sfshm_fleet_options))
	defer C.free(unsafe.Pointer(c))
	c.size = C.sizeof_struct_sfshm_fleet_options
	if f.Strict {
		c.flags = C.SFSHM_FLEET_STRICT
	}
	c.lease_ms, c.command_ms = ms(f.Lease), ms(f.Timeout)
	c.retry_ms, c.jitter = ms(f.Retry), C.uint32_t(f.Jitter)
	f.c = C.go_fleet_open(handle, url, c, why, room)
	if f.c == nil {
		return C.GoString(why)
	}
	return ""
}

// tell logs that the server is away, once in an outage.
func (f *fleet) tell() {
	if f.told.Swap(true) {
		return
	}
	const line = "sfshm: the server of the fleet does not answer, or refuses " +
		"a key: this host makes its own values"
	if f.ErrorLog != nil {
		f.ErrorLog.Print(line)
	} else {
		log.Print(line)
	}
}

// A crew is a number of threads that may sleep in calls. It starts them as they
// are needed, and keeps them.
type crew struct {
	most  int32
	count atomic.Int32
	idle  chan func()
}

// Calls that begin flights sleep while another host leads; those that end
// flights sleep for FleetOptions.Timeout at most, and must not wait for the
// former.
var (
	beginners = crew{most: 64, idle: make(chan func())}
	enders    = crew{most: 8, idle: make(chan func())}
)

// do makes a call on a thread of the crew, and waits until one is free.
func (w *crew) do(call func()) {
	select {
	case w.idle <- call:
		return
	default:
	}
	if w.count.Add(1) <= w.most {
		go w.work(call)
		return
	}
	w.count.Add(-1)
	w.idle <- call
}

func (w *crew) work(call func()) {
	runtime.LockOSThread()
	C.go_thread_enter()
	for {
		call()
		call = <-w.idle
	}
}

// sleeping makes a call that may sleep, on this thread if the gate has let it in.
func sleeping(call func() C.int) C.int {
	rc := call()
	if rc != C.GO_ELSEWHERE && rc != -C.EUSERS {
		return rc
	}
	var done sync.WaitGroup
	done.Add(1)
	enders.do(func() {
		rc = call()
		done.Done()
	})
	done.Wait()
	return rc
}

// follows reports whether the call can wait for another caller of this host
// without a thread. A wait that only follows takes no flight over after a lease,
// and gets no refresh.
func (c *call) follows() bool {
	return c.c.policy.lock_age_ms == 0 && c.c.policy.flags&C.SFSHM_REFRESH == 0
}

// nobodyLeads reports whether a wait that only follows has ended without a
// result, or cannot be watched.
func nobodyLeads(rc C.int) bool {
	switch rc {
	case -C.ENODATA, -C.ESRCH, -C.EOWNERDEAD, -C.EOPNOTSUPP:
		return true
	}
	return false
}

// goAbroad asks the fleet, on a thread that may sleep.
func (c *call) goAbroad() {
	c.state = abroad
	c.following = false
	c.c.policy.flags &^= C.SFSHM_FOLLOW
	half := c.c
	go beginners.do(func() { c.askFleet(half) })
}

func (c *call) askFleet(half *C.struct_go_call) {
	var away C.int
	f := c.seg.fleet
	rc := C.go_call_fleet_begin(half, f.c, &away)
	if away != 0 {
		f.tell()
	} else if half.result.fleet != 0 {
		f.told.Store(false)
	}
	mu.Lock()
	defer mu.Unlock()
	if c.state == abroad {
		c.settle(rc)
		return
	}
	mu.Unlock() // the last waiter has left
	C.go_call_release(half)
	mu.Lock()
	freeC(half)
}

// leaveAbroad ends the wait of a call that nobody waits for any more. Its
// thread frees it.
func (c *call) leaveAbroad() {
	C.sfshm_cancel_fire(&c.c.cancel)
	c.unlist()
	delete(byID, c.id)
	c.state = over
	c.c = nil
}

// release ends a flight of a fleet, if the call has one; its caller does not
// have mu, because the server may have to be waited for.
func (c *call) release() {
	if c.seg.fleet == nil {
		return
	}
	mu.Lock()
	c.unlist()
	mu.Unlock()
	sleeping(func() C.int { return C.go_call_release(c.c) })
}

func (f *fleet) invalidate(key string, flags C.uint32_t) error {
	rc := sleeping(func() C.int {
		return C.go_fleet_invalidate(f.c, bytesOf(key), C.size_t(len(key)), flags)
	})
	runtime.KeepAlive(key)
	return errOf(rc)
}
