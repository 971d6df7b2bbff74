// SPDX-License-Identifier: MIT

package sfshm

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const crowdKeys = 3

func init() {
	roles["crowd"] = func(seg *Segment) {
		fmt.Println("ready")
		told()
		fmt.Println(crowd(seg))
	}
}

// callOnce makes one of the calls of a crowd, and returns what is wrong.
func callOnce(seg *Segment, random *rand.Rand) (wrong string) {
	key := fmt.Sprint("key", random.Intn(crowdKeys))
	dice := random.Intn(100)
	p := Policy{TTL: time.Duration(random.Intn(3)) * time.Millisecond,
		Timeout: time.Hour, RetryOnFailure: true}
	mine, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if it := recover(); it != nil && it != "panic" {
			panic(it)
		}
	}()
	switch {
	case dice < 5:
		seg.Invalidate(key)
	case dice < 8:
		seg.Forget(key)
	case dice < 12:
		seg.Set(key, []byte("value of "+key), p)
	case dice < 30:
		time.AfterFunc(time.Duration(random.Intn(1000))*time.Microsecond, cancel)
	}
	v, err := seg.Do(mine, key, p, func(ctx context.Context) ([]byte, error) {
		runtime.Gosched()
		switch {
		case dice%10 == 0:
			panic("panic")
		case dice%10 == 1:
			return nil, errors.New("failed")
		case dice%10 == 2:
			cancel()
			return nil, ctx.Err()
		}
		return []byte("value of " + key), nil
	})
	switch {
	case err == nil && string(v) != "value of "+key:
		return "got " + string(v)
	case err != nil && !errors.Is(err, context.Canceled) && err.Error() != "failed":
		return err.Error()
	}
	return ""
}

func crowd(seg *Segment) string {
	const goroutines, calls = 16, 300
	var group sync.WaitGroup
	said := make(chan string, goroutines)
	for i := 0; i < goroutines; i++ {
		group.Add(1)
		go func(seed int64) {
			defer group.Done()
			random := rand.New(rand.NewSource(seed))
			for n := 0; n < calls; n++ {
				if wrong := callOnce(seg, random); wrong != "" {
					said <- wrong
					return
				}
			}
		}(time.Now().UnixNano() + int64(i))
	}
	group.Wait()
	close(said)
	wrong := "all is well"
	for line := range said {
		wrong = strings.ReplaceAll(line, "\n", " ")
	}
	return wrong
}

func TestCallersOfThreeProcessesComeAndGo(t *testing.T) {
	seg, name := open(t)
	children := []*child{startChild(t, name, "crowd"), startChild(t, name, "crowd")}
	for _, c := range children {
		c.says("ready")
	}
	for _, c := range children {
		c.tell()
	}
	is(t, crowd(seg), "all is well", "this process")
	for _, c := range children {
		c.says("all is well")
	}
	nothingLeft(t)
	for i := 0; i < crowdKeys; i++ {
		key := fmt.Sprint("key", i)
		v, err := seg.Do(ctx, key, Policy{Refresh: true}, constant("after"))
		is(t, text(v, err), "after", "a caller afterwards")
	}
}
