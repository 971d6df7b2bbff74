// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"context"
	"sync"
	"time"
)

// Flight is one run of the work. The work finds its flight in its context.
type Flight struct {
	call       *call
	up         *Flight // the flight whose work asked
	handed     bool    // the leader is not call.first, whose policy the library has
	ownerDied  bool
	generation uint64

	mu   sync.Mutex
	ttl  *time.Duration
	tags []string
}

type flightKey struct{}

// FlightOf returns the flight whose work has this context; nil: there is none.
func FlightOf(ctx context.Context) *Flight {
	f, _ := ctx.Value(flightKey{}).(*Flight)
	return f
}

// SetTTL sets the value's lifetime, in place of Policy.TTL.
func (f *Flight) SetTTL(ttl time.Duration) error {
	if ttl < 0 {
		return ErrInvalid
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ttl = &ttl
	return nil
}

// Tag adds a tag to those of the policy; a value has 4 at most.
func (f *Flight) Tag(tag string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tag == "" || len(f.tags) == C.SFSHM_TAGS_MAX {
		return ErrInvalid
	}
	f.tags = append(f.tags, tag)
	return nil
}

// Generation is a fencing token, which grows with each run for the key.
func (f *Flight) Generation() uint64 { return f.generation }

// OwnerDied reports whether the leader before this one died.
func (f *Flight) OwnerDied() bool { return f.ownerDied }

// settings returns the value's lifetime and tags.
func (f *Flight) settings(p *Policy) (time.Duration, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ttl := p.TTL
	if f.ttl != nil {
		ttl = *f.ttl
	}
	return ttl, f.tags
}

// within reports whether f's work runs the work of `inner`.
func (f *Flight) within(inner *Flight) bool {
	for ; inner != nil; inner = inner.up {
		if inner == f {
			return true
		}
	}
	return false
}
