// SPDX-License-Identifier: MIT

package sfshm

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestThreadsAreBounded(t *testing.T) {
	seg, _ := open(t)
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			// A thread that stays blocked, so that Go makes many.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			key := fmt.Sprint(i % 100)
			for n := 0; n < 3; n++ {
				v, err := seg.Do(ctx, key, Policy{TTL: Forever}, constant(key))
				is(t, text(v, err), key, "a value")
				is(t, text(seg.Get(key)), key, "Get")
			}
		}(i)
	}
	group.Wait()
	most := 2*runtime.GOMAXPROCS(0) + ownThreads
	if most < 8+ownThreads {
		most = 8 + ownThreads
	}
	if n := threadsIn(); n > most {
		t.Errorf("%d threads are in, more than %d", n, most)
	}
	t.Logf("%d of the process's threads are in; %d allowed", threadsIn(), most)
	nothingLeft(t)
}

func TestThreadThatEndsMakesRoom(t *testing.T) {
	seg, _ := open(t)
	before := threadsIn()
	for i := 0; i < 100; i++ {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread() // ends the thread with the goroutine
			seg.Get("key")
			close(done)
		}()
		<-done
	}
	until(t, "the threads are out", func() bool { return threadsIn() <= before+1 })
}

func TestWaitsWithoutTheLibrarysThread(t *testing.T) {
	_, name := open(t)
	c := startChild(t, name, "lead")
	c.says("leading")
	waits := startChild(t, name, "wait", "SFSHM_NO_THREADS=1")
	waits.says("waiting")
	c.tell()
	waits.says("of the child")
}

func init() {
	roles["wait"] = func(seg *Segment) {
		r := seg.DoChan(ctx, "key", Policy{}, nil)
		for seg.waiters("key") == 0 {
			time.Sleep(time.Millisecond)
		}
		fmt.Println("waiting")
		fmt.Println(text((<-r).Value, nil))
	}
}
