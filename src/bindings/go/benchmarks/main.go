// SPDX-License-Identifier: MIT

// Command benchmarks prints what a call costs, beside the same call in C and
// beside x/sync/singleflight. Each figure is the fastest of many batches in one
// thread, in its processor time.
package main

/*
#cgo pkg-config: sfshm
#include <sfshm.h>

static int c_hits(const char *name, const char *key, size_t len, int times)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	static struct sfshm *segment;
	int i, rc = 0;

	if (!segment)
		segment = sfshm_shared(name, NULL);
	for (i = 0; segment && i < times && rc >= 0; i++)
		rc = sfshm_get(segment, key, len, &result);
	return segment ? rc : -1;
}

static void nothing(void)
{
}
*/
import "C"

import (
	"context"
	"fmt"
	"log"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sync/singleflight"
	"sfshm"
)

const batch, batches = 5000, 100

func processorTime() int64 {
	var now syscall.Timespec
	const threadTime = 3
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadTime,
		uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func row(what string, calls func(times int)) {
	best := int64(1) << 62
	for i := 0; i < batches; i++ {
		start := processorTime()
		calls(batch)
		if took := processorTime() - start; took < best {
			best = took
		}
	}
	fmt.Printf("| %-52s | %4d |\n", what, (best+batch/2)/batch)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	runtime.LockOSThread()
	name := fmt.Sprint("go-bench-", os.Getpid())
	seg, err := sfshm.Open(name)
	must(err)
	defer sfshm.Unlink(name)
	ctx, forever := context.Background(), sfshm.Policy{TTL: sfshm.Forever}
	must(seg.Set("key", make([]byte, 64), forever))
	cname, ckey := C.CString(name), C.CString("key")
	key, buf := []byte("key"), make([]byte, 64)
	var group singleflight.Group

	fmt.Printf("| %-52s | %4s |\n| --- | ---: |\n", "call", "ns")
	row("sfshm_get() in C, 64 bytes", func(n int) {
		if C.c_hits(cname, ckey, 3, C.int(n)) < 0 {
			log.Fatal("no hit in C")
		}
	})
	row("an empty function in C, called from Go", func(n int) {
		for ; n > 0; n-- {
			C.nothing()
		}
	})
	row("GetInto, 64 bytes", func(n int) {
		for ; n > 0; n-- {
			_, err = seg.GetInto(key, buf)
			must(err)
		}
	})
	row("Get, 64 bytes", func(n int) {
		for ; n > 0; n-- {
			_, err = seg.Get("key")
			must(err)
		}
	})
	row("Do, a hit of 64 bytes", func(n int) {
		for ; n > 0; n-- {
			_, err = seg.Do(ctx, "key", forever, nil)
			must(err)
		}
	})
	work := func(context.Context) ([]byte, error) { return buf, nil }
	row("Do, which runs work that nobody shares", func(n int) {
		for ; n > 0; n-- {
			_, err = seg.Do(ctx, "run", sfshm.Policy{}, work)
			must(err)
		}
	})
	row("singleflight.Do, which runs work that nobody shares", func(n int) {
		for ; n > 0; n-- {
			_, err, _ = group.Do("run", func() (any, error) { return buf, nil })
			must(err)
		}
	})
}
