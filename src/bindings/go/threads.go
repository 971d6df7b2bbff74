// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
)

// Two goroutines, each with a thread of its own, make the calls of threads that
// the gate in shim.c turns away, and those of threads for which the segment has
// no participant record. Open attaches both to the segment. Calls do not sleep,
// so two are enough.
const ownThreads = 2

type errand struct {
	call func() C.int
	rc   C.int
	done chan struct{}
}

var (
	errands    chan *errand
	ownStarted sync.Once
)

func startOwnThreads() {
	ownStarted.Do(func() {
		errands = make(chan *errand)
		for i := 0; i < ownThreads; i++ {
			go runErrands()
		}
	})
}

func runErrands() {
	runtime.LockOSThread()
	C.go_thread_enter()
	for e := range errands {
		e.rc = e.call()
		close(e.done)
	}
}

func elsewhere(call func() C.int) C.int {
	e := &errand{call: call, done: make(chan struct{})}
	errands <- e
	<-e.done
	return e.rc
}

// gated makes a call, on this thread if it may.
func gated(call func() C.int) C.int {
	rc := call()
	if rc == C.GO_ELSEWHERE || rc == -C.EUSERS {
		rc = elsewhere(call)
	}
	return rc
}

// threadsIn returns how many threads of this process the gate has let in.
func threadsIn() int { return int(C.go_thread_count()) }

// onAll makes a call once on each of the threads of our own.
func onAll(call func() C.int) {
	var ready, done sync.WaitGroup
	ready.Add(ownThreads)
	done.Add(ownThreads)
	for i := 0; i < ownThreads; i++ {
		go func() {
			defer done.Done()
			elsewhere(func() C.int {
				ready.Done()
				ready.Wait()
				return call()
			})
		}()
	}
	done.Wait()
}
