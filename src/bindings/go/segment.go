// SPDX-License-Identifier: MIT

// Package sfshm lets the goroutines of all processes of a host share a call and
// its result: x/sync/singleflight and a cache in shared memory. One caller runs
// the work for a key, the others wait and get its result. If the process that
// runs the work dies, even by kill -9, another caller runs it at once.
//
//	seg, err := sfshm.Open("shop")
//	...
//	page, err := seg.Do(ctx, "front", sfshm.Policy{TTL: time.Minute},
//		func(ctx context.Context) ([]byte, error) { return render(ctx) })
//
// A goroutine that waits takes no thread. All calls may be made by any number
// of goroutines.
package sfshm

// #cgo pkg-config: sfshm
// #cgo CFLAGS: -Wall -Wextra
// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Segment is a cache that the processes of a host share. It stays open as long
// as the process lives.
type Segment struct {
	handle *C.struct_sfshm
	at     *C.char          // the handle, for go_get()
	calls  map[string]*call // by key; under mu
	fleet  *fleet           // nil: none
}

// Option changes what Open does. The sizes and the mode count only if Open
// makes the segment; an existing segment keeps its own.
type Option func(*options)

type options struct {
	c       C.struct_sfshm_options
	threads int
	fleet   *fleet
}

// Size is the room for all values, in bytes; 16 MiB if it is not given.
func Size(bytes uint64) Option {
	return func(o *options) { o.c.bytes = C.uint64_t(bytes) }
}

// Slots is the number of keys at a time; 16384 if it is not given.
func Slots(n uint32) Option {
	return func(o *options) { o.c.slots = C.uint32_t(n) }
}

// MaxValue is the size of the largest value, in bytes; 1 MiB if it is not given.
func MaxValue(bytes uint32) Option {
	return func(o *options) { o.c.max_value = C.uint32_t(bytes) }
}

// Participants is the number of threads that the segment has records for; 1024
// if it is not given. A Go process takes at most two more than Threads says; with
// a fleet, at most 74 more.
func Participants(n uint32) Option {
	return func(o *options) { o.c.participants = C.uint32_t(n) }
}

// Mode is the segment's permission bits; 0600 if it is not given. A process that
// may write the segment can take over those that have it open.
func Mode(bits uint32) Option {
	return func(o *options) { o.c.mode = C.uint32_t(bits) }
}

// Existing makes Open fail if there is no segment of the name.
func Existing() Option {
	return func(o *options) { o.c.flags &^= C.SFSHM_CREATE }
}

// Threads bounds how many of the process's threads call the library; the others
// hand their calls to two that the package keeps. The first Open decides for
// the process. 2*GOMAXPROCS, and at least 8, if it is not given.
func Threads(n int) Option {
	return func(o *options) { o.threads = n }
}

var (
	opening  sync.Mutex
	segments = map[*C.struct_sfshm]*Segment{}
	queue    *C.struct_sfshm_queue
)

// Open opens the segment of that name, and makes it if it is missing. "" is the
// user's default segment; a name with a slash is a path. A second Open of a name
// returns the same Segment. The error is an *OpenError.
func Open(name string, opts ...Option) (*Segment, error) {
	o := options{threads: 2 * runtime.GOMAXPROCS(0)}
	if o.threads < 8 {
		o.threads = 8
	}
	o.c.flags = C.SFSHM_CREATE
	for _, opt := range opts {
		opt(&o)
	}
	opening.Lock()
	defer opening.Unlock()
	if err := start(name, o.threads); err != nil {
		return nil, err
	}
	handle, why := openHandle(name, &o.c)
	if handle == nil {
		return nil, &OpenError{name, why}
	}
	seg := segments[handle]
	if seg != nil {
		if why := seg.joined(o.fleet, false); why != "" {
			return nil, &OpenError{name, why}
		}
		return seg, nil
	}
	seg = &Segment{handle: handle, at: (*C.char)(unsafe.Pointer(handle)),
		calls: map[string]*call{}}
	if why := seg.joined(o.fleet, true); why != "" {
		return nil, &OpenError{name, why}
	}
	onAll(func() C.int { return C.go_get(seg.at, bytesOf("\x00"), 1, nil, 0).rc })
	segments[handle] = seg
	return seg, nil
}

// Version is that of the library that runs.
func Version() string { return C.GoString(C.sfshm_version()) }

// Unlink removes the segment's name. Processes that have it open go on with the
// next segment of that name, which they make if there is none.
func Unlink(name string) error {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return errOf(C.sfshm_unlink(cname))
}

// start makes what the process needs once.
func start(name string, threads int) error {
	if queue != nil {
		return nil
	}
	if C.go_library_fits() == 0 {
		return &OpenError{name, "the program is built for libsfshm " +
			C.SFSHM_VERSION + ", and the system has " + Version() +
			": install the former, or build the program anew"}
	}
	var q *C.struct_sfshm_queue
	if rc := C.sfshm_queue_open(&q); rc < 0 {
		return &OpenError{name, errOf(rc).Error()}
	}
	if threads < 0 {
		threads = 0
	}
	C.go_threads = C.uint(threads)
	startOwnThreads()
	if err := startPoller(q); err != nil {
		C.sfshm_queue_close(q)
		return &OpenError{name, err.Error()}
	}
	queue = q
	return nil
}

func openHandle(name string, from *C.struct_sfshm_options) (*C.struct_sfshm, string) {
	var cname *C.char
	if name != "" {
		cname = C.CString(name)
		defer C.free(unsafe.Pointer(cname))
	}
	const room = 256
	why := (*C.char)(C.calloc(1, room))
	defer C.free(unsafe.Pointer(why))
	c := (*C.struct_sfshm_options)(C.malloc(C.sizeof_struct_sfshm_options))
	defer C.free(unsafe.Pointer(c))
	*c = *from
	c.size = C.sizeof_struct_sfshm_options
	handle := C.go_open(cname, c, why, room)
	return handle, C.GoString(why)
}

// bytesOf returns a string's bytes, without a copy.
func bytesOf(s string) C.go_bytes {
	return *(*C.go_bytes)(unsafe.Pointer(&s))
}

func bytesIn(b []byte) C.go_bytes {
	return *(*C.go_bytes)(unsafe.Pointer(&b))
}

// Most values are copied into such a buffer first, because their length is not
// known.
const scratchSize = 4096

var scratches = sync.Pool{New: func() any { return new([scratchSize]byte) }}

// Get returns a copy of the key's fresh value. The error is ErrNoValue if there
// is none, or a *WorkError if a failure is kept (Policy.NegTTL).
func (s *Segment) Get(key string) ([]byte, error) {
	value, rc := s.get(key)
	if rc < 0 {
		return nil, s.getFailed(key, rc)
	}
	return value, nil
}

func (s *Segment) get(key string) ([]byte, C.int) {
	scratch := scratches.Get().(*[scratchSize]byte)
	n, rc := s.getInto(bytesOf(key), len(key), scratch[:])
	var value []byte
	if rc >= 0 {
		value = make([]byte, n)
		copy(value, scratch[:])
	}
	scratches.Put(scratch)
	for rc == -C.ERANGE {
		value = make([]byte, n)
		n, rc = s.getInto(bytesOf(key), len(key), value)
		if rc >= 0 {
			value = value[:n]
		}
	}
	runtime.KeepAlive(key)
	return value, rc
}

// GetInto copies the key's fresh value to buf and returns its length; it
// allocates nothing. If buf is too short, it copies nothing, and returns the
// length that the value needs, with ErrShortBuffer. Other errors are as Get's.
func (s *Segment) GetInto(key, buf []byte) (int, error) {
	n, rc := s.getInto(bytesIn(key), len(key), buf)
	runtime.KeepAlive(key)
	if rc >= 0 {
		return n, nil
	}
	if rc == -C.ERANGE {
		return n, ErrShortBuffer
	}
	return 0, s.getFailed(string(key), rc)
}

func (s *Segment) getInto(key C.go_bytes, keyLen int, buf []byte) (int, C.int) {
	got := C.go_get(s.at, key, C.size_t(keyLen),
		(*C.char)(unsafe.Pointer(bytesIn(buf))), C.size_t(len(buf)))
	if got.rc == C.GO_ELSEWHERE || got.rc == -C.EUSERS {
		return s.getElsewhere(key, keyLen, buf)
	}
	return int(got.len), got.rc
}

//go:noinline
func (s *Segment) getElsewhere(key C.go_bytes, keyLen int, buf []byte) (int, C.int) {
	var got C.struct_go_length
	rc := elsewhere(func() C.int {
		got = C.go_get(s.at, key, C.size_t(keyLen),
			(*C.char)(unsafe.Pointer(bytesIn(buf))), C.size_t(len(buf)))
		return got.rc
	})
	return int(got.len), rc
}

func (s *Segment) getFailed(key string, rc C.int) error {
	if rc != -C.EREMOTEIO && rc != -C.ENOENT {
		return errOf(rc)
	}
	_, err := s.Peek(key, Policy{})
	if err == nil { // a value has come since Get looked, and Get had none
		err = ErrNoValue
	}
	return err
}

// Peek returns the key's fresh value, or an old one that p.Grace,
// p.StaleIfError or p.StaleOnTimeout accepts. It neither waits nor leads.
func (s *Segment) Peek(key string, p Policy) (Result, error) {
	if err := p.check(key); err != nil {
		return Result{Err: err}, err
	}
	c := newC(s, key, &p, 0)
	if c == nil {
		return Result{Err: errOf(-C.ENOMEM)}, errOf(-C.ENOMEM)
	}
	rc := gated(func() C.int {
		return C.go_peek(s.handle, bytesOf(key), C.size_t(len(key)), c)
	})
	r := resultOf(rc, c)
	freeC(c)
	runtime.KeepAlive(key)
	return r, r.Err
}

// Set stores a value, even while another caller runs the work for the key: then
// the callers that wait get this value, and that run's is dropped. Of the
// policy, TTL, Grace, StaleIfError and Tags count.
func (s *Segment) Set(key string, value []byte, p Policy) error {
	if err := p.check(key); err != nil {
		return err
	}
	c := newC(s, key, &p, 0)
	if c == nil {
		return errOf(-C.ENOMEM)
	}
	defer freeC(c)
	var tags string
	var lens [C.SFSHM_TAGS_MAX]C.size_t
	for i, tag := range p.Tags {
		tags += tag
		lens[i] = C.size_t(len(tag))
	}
	rc := gated(func() C.int {
		return C.go_put(s.handle, bytesOf(key), C.size_t(len(key)), c,
			bytesIn(value), C.size_t(len(value)), bytesOf(tags),
			&lens[0], C.int(len(p.Tags)))
	})
	runtime.KeepAlive(key)
	runtime.KeepAlive(tags)
	runtime.KeepAlive(value)
	if rc >= 0 {
		s.fenced(key)
	}
	return errOf(rc)
}

// Invalidate ends the lifetime of the key's value or failure. A run under way
// goes on; the callers that wait for it get its result, later callers do not.
// It is no error if there is nothing to invalidate.
func (s *Segment) Invalidate(key string) error { return s.invalidate(key, 0) }

// Forget removes the key, and takes a run under way from its leader: its result
// is not stored, and one of those that wait for it runs the work anew.
func (s *Segment) Forget(key string) error {
	err := s.invalidate(key, C.SFSHM_HARD)
	s.fenced(key)
	return err
}

// fenced: if this process had a flight for the key, it was taken from its
// leader. Those that wait for it ask anew; the leader works on.
func (s *Segment) fenced(key string) {
	mu.Lock()
	defer mu.Unlock()
	if c := s.calls[key]; c != nil && c.state == leading {
		c.unlist()
		c.tellAll(outcome{kind: again})
	}
}

func (s *Segment) invalidate(key string, flags C.uint32_t) error {
	if s.fleet != nil {
		return s.fleet.invalidate(key, flags)
	}
	rc := gated(func() C.int {
		return C.go_invalidate(s.handle, bytesOf(key), C.size_t(len(key)), flags)
	})
	runtime.KeepAlive(key)
	if rc == -C.ENODATA {
		return nil
	}
	return errOf(rc)
}

// InvalidateTag ends the lifetime of all values that carry the tag.
func (s *Segment) InvalidateTag(tag string) error {
	rc := gated(func() C.int {
		return C.go_invalidate_tag(s.handle, bytesOf(tag), C.size_t(len(tag)))
	})
	runtime.KeepAlive(tag)
	return errOf(rc)
}

// InvalidateAll ends the lifetime of all values and failures.
func (s *Segment) InvalidateAll() error {
	return errOf(gated(func() C.int { return C.go_invalidate_all(s.handle, 0) }))
}
