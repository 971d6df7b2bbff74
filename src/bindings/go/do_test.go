// SPDX-License-Identifier: MIT

package sfshm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func init() {
	// Leads "key" until it is told, then publishes.
	roles["lead"] = func(seg *Segment) {
		v, err := seg.Do(ctx, "key", Policy{TTL: Forever},
			func(context.Context) ([]byte, error) {
				fmt.Println("leading")
				told()
				return []byte("of the child"), nil
			})
		fmt.Println(text(v, err))
	}
	roles["fail"] = func(seg *Segment) {
		for _, key := range []string{"errno", "own", "none", "text"} {
			seg.Do(ctx, key, Policy{NegTTL: Forever},
				func(context.Context) ([]byte, error) { return nil, failures[key] })
		}
	}
	roles["herd"] = func(seg *Segment) {
		fmt.Println("ready")
		told()
		var group sync.WaitGroup
		var runs int32
		for i := 0; i < 100; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				seg.Do(ctx, "key", Policy{TTL: Forever},
					func(context.Context) ([]byte, error) {
						atomic.AddInt32(&runs, 1)
						time.Sleep(100 * time.Millisecond)
						return nil, nil
					})
			}()
		}
		group.Wait()
		fmt.Println(runs)
	}
}

var failures = map[string]error{
	"errno": fmt.Errorf("disk: %w", syscall.EIO),
	"own":   &WorkError{-77, "seventy-seven"},
	"none":  fmt.Errorf("user 7: %w", ErrNotFound),
	"text":  errors.New("no such price"),
}

func TestOneOfManyGoroutinesRunsTheWork(t *testing.T) {
	seg, _ := open(t)
	var runs int32
	hold := make(chan struct{})
	results := make(chan Result, 64)
	for i := 0; i < 64; i++ {
		go func() {
			results <- seg.DoResult(ctx, "key", Policy{TTL: time.Minute},
				func(context.Context) ([]byte, error) {
					atomic.AddInt32(&runs, 1)
					<-hold
					return []byte("value"), nil
				})
		}()
	}
	until(t, "63 wait", func() bool { return seg.waiters("key") == 63 })
	close(hold)
	var sources [3]int
	for i := 0; i < 64; i++ {
		r := <-results
		is(t, text(r.Value, r.Err), "value", "a result")
		sources[r.Source]++
	}
	is(t, runs, int32(1), "runs")
	is(t, sources, [3]int{0, 63, 1}, "cached, awaited, computed")
	is(t, text(seg.Get("key")), "value", "Get")
	nothingLeft(t)
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	seg, _ := open(t, MaxValue(1<<20))
	for name, v := range map[string]string{"nil": "", "short": "x",
		"page": strings.Repeat("p", 5000), "large": strings.Repeat("l", 1<<20)} {
		is(t, text(seg.Do(ctx, name, Policy{TTL: Forever}, constant(v))), v, name)
		got, err := seg.Do(ctx, name, Policy{}, nil)
		is(t, text(got, err), v, name+", a hit")
		is(t, got != nil, true, name+" is a value")
	}
	v, err := seg.Do(ctx, "nothing", Policy{TTL: Forever},
		func(context.Context) ([]byte, error) { return nil, nil })
	is(t, err, nil, "a nil value")
	is(t, v != nil, true, "a nil value is a value")
	_, err = seg.Get("none")
	is(t, err, error(ErrNoValue), "no value")
	runs := 0
	for i := 0; i < 2; i++ {
		v, err = seg.Do(ctx, "too large", Policy{TTL: Forever},
			func(context.Context) ([]byte, error) {
				runs++
				return make([]byte, 2<<20), nil
			})
		is(t, len(v), 2<<20, "a value that the segment cannot keep")
	}
	is(t, runs, 2, "its maker alone has it; runs")
	is(t, seg.Set("large", make([]byte, 2<<20), Policy{}), error(ErrTooLarge), "Set")
	nothingLeft(t)
}

func TestGetIntoCopiesOrSaysHowMuchRoomItTakes(t *testing.T) {
	seg, _ := open(t)
	if err := seg.Set("key", []byte("value"), Policy{TTL: Forever}); err != nil {
		t.Fatal(err)
	}
	key, buf := []byte("key"), make([]byte, 64)
	n, err := seg.GetInto(key, buf)
	is(t, text(buf[:n], err), "value", "GetInto")
	n, err = seg.GetInto(key, buf[:4])
	is(t, n, 5, "room")
	is(t, err, error(ErrShortBuffer), "a short buffer")
	_, err = seg.GetInto([]byte("none"), nil)
	is(t, err, error(ErrNoValue), "no value")
	_, err = seg.GetInto(nil, buf)
	is(t, err, error(ErrInvalid), "no key")
	is(t, testing.AllocsPerRun(100, func() { seg.GetInto(key, buf) }), 0.0,
		"allocations of GetInto")
	is(t, testing.AllocsPerRun(100, func() { seg.Get("key") }), 1.0,
		"allocations of Get")
	is(t, testing.AllocsPerRun(100, func() { seg.Do(ctx, "key", Policy{}, nil) }), 1.0,
		"allocations of a hit")
}

func TestFailuresReachOtherProcesses(t *testing.T) {
	seg, name := open(t)
	c := startChild(t, name, "fail")
	c.cmd.Wait()
	for key, want := range map[string]WorkError{
		"errno": {-5, "disk: input/output error"},
		"own":   {-77, "seventy-seven"},
		"none":  {-2, "user 7: " + ErrNotFound.Error()},
		"text":  {-121, "no such price"},
	} {
		_, err := seg.Do(ctx, key, Policy{NegTTL: Forever}, nil)
		var failed *WorkError
		if !errors.As(err, &failed) || *failed != want {
			t.Errorf("%s: %#v", key, err)
		}
		is(t, errors.Is(err, ErrNotFound), key == "none", key+" is ErrNotFound")
		is(t, errors.Is(err, syscall.EIO), key == "errno", key+" is EIO")
		_, got := seg.Get(key)
		is(t, got.Error(), err.Error(), "Get of "+key)
	}
	v, err := seg.Do(ctx, "text", Policy{RetryOnFailure: true}, constant("retried"))
	is(t, text(v, err), "retried", "RetryOnFailure")
}

func TestFailuresReachGoroutinesThemselves(t *testing.T) {
	seg, _ := open(t)
	mine := errors.New("mine")
	hold := make(chan struct{})
	fail := func(context.Context) ([]byte, error) { <-hold; return nil, mine }
	a := seg.DoChan(ctx, "key", Policy{}, fail)
	until(t, "one leads", func() bool { return leads(seg, "key") })
	b := seg.DoChan(ctx, "key", Policy{}, fail)
	retries := seg.DoChan(ctx, "key", Policy{RetryOnFailure: true}, constant("retried"))
	until(t, "two wait", func() bool { return seg.waiters("key") == 2 })
	close(hold)
	is(t, (<-a).Err, mine, "the leader's error")
	is(t, (<-b).Err, mine, "the follower's error")
	r := <-retries
	is(t, text(r.Value, r.Err), "retried", "RetryOnFailure")
	nothingLeft(t)
}

func leads(s *Segment, key string) bool {
	mu.Lock()
	defer mu.Unlock()
	c := s.calls[key]
	return c != nil && c.state == leading
}

// held begins work that lasts until the channel is closed.
func held(t *testing.T, seg *Segment, key string) (chan struct{}, <-chan Result) {
	hold := make(chan struct{})
	r := seg.DoChan(ctx, key, Policy{TTL: Forever},
		func(context.Context) ([]byte, error) { <-hold; return []byte("held"), nil })
	until(t, "one leads", func() bool { return leads(seg, key) })
	return hold, r
}

func TestContextsAndTimeoutsEndWaits(t *testing.T) {
	seg, name := open(t)
	c := startChild(t, name, "lead")
	c.says("leading")
	hold, held := held(t, seg, "mine")
	for _, key := range []string{"mine", "key"} { // led by this process, and by another
		gone, cancel := context.WithCancel(ctx)
		first := seg.DoChan(gone, key, Policy{}, nil)
		other := seg.DoChan(ctx, key, Policy{TTL: Forever}, nil)
		until(t, "two wait", func() bool { return seg.waiters(key) == 2 })
		cancel()
		is(t, (<-first).Err, context.Canceled, key+": a cancelled context")
		is(t, seg.waiters(key), 1, key+": waiters")
		late, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, err := seg.Do(late, key, Policy{}, nil)
		is(t, err, context.DeadlineExceeded, key+": a deadline")
		cancel()
		_, err = seg.Do(ctx, key, Policy{Timeout: time.Millisecond}, nil)
		is(t, err, error(ErrTimeout), key+": a timeout")
		_, err = seg.Do(ctx, key, Policy{NoWait: true}, nil)
		is(t, err, error(ErrBusy), key+": NoWait")
		_, err = seg.Do(ctx, key, Policy{MaxWaiters: 1}, nil)
		is(t, err, error(ErrCrowded), key+": MaxWaiters")
		if key == "mine" {
			close(hold)
			<-held
		} else {
			c.tell()
			c.says("of the child")
		}
		if r := <-other; r.Err != nil {
			t.Error(key, ": the other waiter: ", r.Err)
		}
	}
	// All who wait for another process leave: nothing stays.
	seg.Forget("key")
	c = startChild(t, name, "lead")
	c.says("leading")
	_, err := seg.Do(ctx, "key", Policy{Timeout: time.Millisecond}, nil)
	is(t, err, error(ErrTimeout), "a timeout")
	nothingLeft(t)
}

func TestKilledLeaderIsReplaced(t *testing.T) {
	seg, name := open(t)
	c := startChild(t, name, "lead")
	c.says("leading")
	results := make(chan Result, 8)
	for i := 0; i < 8; i++ {
		go func() {
			results <- seg.DoResult(ctx, "key", Policy{TTL: Forever}, constant("anew"))
		}()
	}
	until(t, "eight wait", func() bool { return seg.waiters("key") == 8 })
	c.cmd.Process.Kill()
	died := 0
	for i := 0; i < 8; i++ {
		r := <-results
		is(t, text(r.Value, r.Err), "anew", "a result")
		if r.OwnerDied {
			died++
		}
	}
	is(t, died, 1, "callers that know of the death")
	nothingLeft(t)
}

func TestHerdOfFourProcessesRunsTheWorkOnce(t *testing.T) {
	_, name := open(t)
	var children []*child
	for i := 0; i < 4; i++ {
		c := startChild(t, name, "herd")
		c.says("ready")
		children = append(children, c)
	}
	runs := 0
	for _, c := range children {
		c.tell()
	}
	for _, c := range children {
		var n int
		fmt.Fscan(c.out, &n)
		runs += n
	}
	is(t, runs, 1, "runs")
}

// leaving runs work that leaves in some way, while another goroutine waits.
func leaving(t *testing.T, seg *Segment, way func(cancel func())) (result Result, recovered any) {
	t.Helper()
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	hold, left := make(chan struct{}), make(chan any)
	go func() {
		defer func() { left <- recover() }()
		_, err := seg.Do(mine, "key", Policy{}, func(ctx context.Context) ([]byte, error) {
			<-hold
			way(cancel)
			return nil, ctx.Err()
		})
		panic(err)
	}()
	until(t, "one leads", func() bool { return leads(seg, "key") })
	next := seg.DoChan(ctx, "key", Policy{}, constant("next"))
	until(t, "one waits", func() bool { return seg.waiters("key") == 1 })
	close(hold)
	recovered = <-left
	return <-next, recovered
}

func TestWorkThatLeavesHandsTheKeyOn(t *testing.T) {
	seg, _ := open(t)
	for name, way := range map[string]func(func()){
		"panic":  func(func()) { panic("panic") },
		"exit":   func(func()) { runtime.Goexit() },
		"cancel": func(cancel func()) { cancel() },
	} {
		r, recovered := leaving(t, seg, way)
		is(t, text(r.Value, r.Err), "next", name+": the one that waits")
		switch name {
		case "panic":
			is(t, recovered, any("panic"), "the panic goes on")
		case "exit":
			is(t, recovered, nil, "the goroutine ends")
		case "cancel":
			is(t, recovered, any(context.Canceled), "the error")
		}
	}
	nothingLeft(t)
}

func TestCirclesOfWaitsAreRefused(t *testing.T) {
	seg, _ := open(t)
	other, _ := open(t)
	_, err := seg.Do(ctx, "a", Policy{}, func(ctx context.Context) ([]byte, error) {
		return other.Do(ctx, "b", Policy{}, func(ctx context.Context) ([]byte, error) {
			return seg.Do(ctx, "a", Policy{}, nil)
		})
	})
	is(t, err, error(ErrDeadlock), "the work asks for its own key")

	both := make(chan struct{}, 2)
	ask := func(mine, yours string) <-chan Result {
		return seg.DoChan(ctx, mine, Policy{}, func(ctx context.Context) ([]byte, error) {
			both <- struct{}{}
			until(t, "both lead", func() bool { return len(both) == 2 })
			return seg.Do(ctx, yours, Policy{}, constant(yours))
		})
	}
	x, y := ask("x", "y"), ask("y", "x")
	errs := 0
	for _, r := range []Result{<-x, <-y} {
		if errors.Is(r.Err, ErrDeadlock) {
			errs++
		}
	}
	is(t, errs > 0, true, "two wait for each other: one is refused")
	nothingLeft(t)
}

func TestInvalidationOutlastsARun(t *testing.T) {
	seg, name := open(t)
	for _, how := range []string{"Invalidate", "Forget", "InvalidateTag", "Set"} {
		hold := make(chan struct{})
		old := seg.DoChan(ctx, how, Policy{TTL: Forever, Tags: []string{"tag"}},
			func(context.Context) ([]byte, error) { <-hold; return []byte("old"), nil })
		until(t, "one leads", func() bool { return leads(seg, how) })
		joined := seg.DoChan(ctx, how, Policy{TTL: Forever}, constant("new"))
		until(t, "one waits", func() bool { return seg.waiters(how) == 1 })
		switch how {
		case "Invalidate":
			seg.Invalidate(how)
		case "Forget":
			seg.Forget(how)
		case "InvalidateTag":
			seg.InvalidateTag("tag")
		case "Set":
			seg.Set(how, []byte("new"), Policy{TTL: Forever})
		}
		later := seg.DoChan(ctx, how, Policy{TTL: Forever}, constant("new"))
		if how == "Forget" || how == "Set" {
			r := <-joined // while the old run goes on
			is(t, text(r.Value, r.Err), "new", how+": one that waited")
		} else {
			until(t, "two wait", func() bool { return seg.waiters(how) == 2 })
		}
		close(hold)
		r := <-old
		is(t, text(r.Value, r.Err), "old", how+": the leader's own")
		r = <-later
		is(t, text(r.Value, r.Err), "new", how+": a later caller")
		is(t, text(seg.Get(how)), "new", how+": what is kept")
	}
	// The same for a run of another process: of two that wait here, the one
	// that came later than the invalidation runs the work.
	c := startChild(t, name, "lead")
	c.says("leading")
	early := seg.DoChan(ctx, "key", Policy{TTL: Forever}, nil)
	until(t, "one waits", func() bool { return seg.waiters("key") == 1 })
	seg.Invalidate("key")
	later := seg.DoChan(ctx, "key", Policy{TTL: Forever}, constant("new"))
	until(t, "two wait", func() bool { return seg.waiters("key") == 2 })
	c.tell()
	r := <-early
	is(t, text(r.Value, r.Err), "of the child", "a caller before the invalidation")
	r = <-later
	is(t, text(r.Value, r.Err), "new", "a caller after it")
	nothingLeft(t)
}

func TestOldValuesServe(t *testing.T) {
	seg, _ := open(t)
	seg.Set("key", []byte("old"), Policy{TTL: Forever, Grace: time.Hour, StaleIfError: time.Hour})
	seg.Invalidate("key")
	hold, done := held(t, seg, "key")
	r := seg.DoResult(ctx, "key", Policy{Grace: time.Hour}, nil)
	is(t, text(r.Value, r.Err), "old", "Grace")
	is(t, r.Stale, true, "it is stale")
	r = seg.DoResult(ctx, "key", Policy{Timeout: time.Millisecond, StaleOnTimeout: true}, nil)
	is(t, text(r.Value, r.Err), "old", "StaleOnTimeout")
	close(hold)
	<-done
	seg.Set("key", []byte("old"), Policy{TTL: Forever, StaleIfError: time.Hour})
	seg.Invalidate("key")
	r = seg.DoResult(ctx, "key", Policy{StaleIfError: time.Hour},
		func(context.Context) ([]byte, error) { return nil, errors.New("away") })
	is(t, text(r.Value, r.Err), "old", "StaleIfError")
}

func TestWorkChoosesLifetimeAndTags(t *testing.T) {
	seg, _ := open(t)
	seg.Do(ctx, "kept", Policy{}, func(ctx context.Context) ([]byte, error) {
		FlightOf(ctx).SetTTL(Forever)
		return []byte("kept"), FlightOf(ctx).Tag("tag")
	})
	is(t, text(seg.Get("kept")), "kept", "SetTTL")
	seg.InvalidateTag("tag")
	_, err := seg.Get("kept")
	is(t, err, error(ErrNoValue), "the tag's values")
	is(t, FlightOf(ctx) == nil, true, "a context without a flight")
	for name, p := range map[string]Policy{"time": {TTL: -1}, "tag": {Tags: []string{""}},
		"tags": {Tags: make([]string, 5)}, "breaker": {BreakerDeaths: 32}} {
		_, err = seg.Do(ctx, "key", p, nil)
		is(t, err, error(ErrInvalid), name)
	}
	_, err = seg.Do(ctx, "", Policy{}, nil)
	is(t, err, error(ErrInvalid), "no key")
	_, err = seg.Do(ctx, strings.Repeat("k", 1025), Policy{}, nil)
	is(t, err, error(ErrKeyTooLong), "a long key")
}

func TestOpen(t *testing.T) {
	seg, name := open(t)
	same, err := Open(name)
	is(t, same == seg && err == nil, true, "a second Open")
	_, err = Open(name+"-none", Existing())
	is(t, err != nil && strings.Contains(err.Error(), "no segment"), true,
		fmt.Sprint("no segment: ", err))
	_, err = Open("dir/none/" + name)
	var failed *OpenError
	is(t, errors.As(err, &failed), true, "a folder that is missing")
}
