// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// Source says where a result comes from.
type Source int

const (
	Cached   Source = iota // the segment had it
	Awaited                // another caller made it while this one waited
	Computed               // this caller ran the work
)

// Result is the outcome of a call.
type Result struct {
	// Value belongs to all callers of this process that waited for it
	// together: do not change it.
	Value  []byte
	Err    error
	Source Source
	// Stale: the value is past its lifetime (Policy.Grace and the like).
	Stale bool
	// OwnerDied: this caller ran the work because the key's last leader had
	// died.
	OwnerDied bool
	// Alone: the segment could not be used, so only this process has the
	// value.
	Alone bool
	// Generation grows with each run for the key; 0: not known.
	Generation uint64
	Age        time.Duration // since the value was published

	outdated bool // the segment does not have the value for later callers
}

// newC makes the library's half of a call. nil: there is no memory.
func newC(s *Segment, key string, p *Policy, id uint64) *C.struct_go_call {
	c := C.go_call_new(s.handle, bytesOf(key), C.size_t(len(key)), C.uint64_t(id))
	runtime.KeepAlive(key)
	if c != nil {
		p.fill(&c.policy)
	}
	return c
}

// freeC releases the flight unless it has ended.
func freeC(c *C.struct_go_call) {
	gated(func() C.int { return C.go_call_free(c) })
}

// resultOf copies an outcome of the library.
func resultOf(rc C.int, c *C.struct_go_call) Result {
	if rc < 0 {
		return Result{Err: failure(rc, &c.result)}
	}
	r := Result{
		Value:      make([]byte, int(c.result.value.len)),
		Source:     Source(c.result.source),
		Stale:      c.result.stale != 0,
		Generation: uint64(c.result.generation),
		Age:        time.Duration(c.result.age_ns),
		outdated:   c.result.uncached != 0,
	}
	if len(r.Value) > 0 {
		copy(r.Value, unsafe.Slice((*byte)(c.result.value.data), len(r.Value)))
	}
	return r
}
