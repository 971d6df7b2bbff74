// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"sfshm"
)

var (
	cache  *sfshm.Segment
	policy = sfshm.Policy{TTL: time.Hour}
)

func work() {
	var err error
	if cache, err = sfshm.Open(os.Getenv("SEGMENT")); err != nil {
		log.Fatal(err)
	}
	listener, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(page)}
	done := make(chan struct{})
	go func() {
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		<-told
		server.Shutdown(context.Background())
		close(done)
	}()
	if err = server.Serve(listener); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-done
}

// note adds a line to the file RUNS: the key, the process, the time.
func note(key string) {
	var now syscall.Timespec
	const monotonic = 1
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, monotonic,
		uintptr(unsafe.Pointer(&now)), 0)
	file, err := os.OpenFile(os.Getenv("RUNS"),
		os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintf(file, "%s %d %d\n", key, os.Getpid(), now.Nano())
}

// slow is 300 ms of work, and more while the file HOLD exists.
func slow(key string) sfshm.Work {
	return func(ctx context.Context) ([]byte, error) {
		note(key)
		time.Sleep(300 * time.Millisecond)
		for {
			if _, err := os.Stat(os.Getenv("HOLD")); err != nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		return []byte(fmt.Sprint("made by ", os.Getpid())), nil
	}
}

// leave is work that leaves in some way, the first time.
func leave(key string, how func()) sfshm.Work {
	return func(context.Context) ([]byte, error) {
		runs, _ := os.ReadFile(os.Getenv("RUNS"))
		first := !bytes.Contains(runs, []byte("\n"+key+" "))
		note(key)
		if first {
			how()
		}
		return []byte("made at last"), nil
	}
}

func many(ctx context.Context, n int) (string, error) {
	for i := 0; i < n; i++ {
		want := strconv.Itoa(i)
		v, err := cache.Do(ctx, "many"+want, policy,
			func(context.Context) ([]byte, error) {
				note("many")
				return []byte(want), nil
			})
		if err != nil || string(v) != want {
			return string(v), err
		}
	}
	return "all of them", nil
}

func page(w http.ResponseWriter, r *http.Request) {
	key, ctx := r.FormValue("key"), r.Context()
	var body []byte
	var err error
	switch r.URL.Path {
	case "/work":
		body, err = cache.Do(ctx, key, policy, slow(key))
	case "/exit":
		body, err = cache.Do(ctx, key, policy, leave(key, func() { os.Exit(1) }))
	case "/panic":
		body, err = cache.Do(ctx, key, policy, leave(key, func() { panic(key) }))
	case "/goexit":
		body, err = cache.Do(ctx, key, policy, leave(key, runtime.Goexit))
	case "/many":
		n, _ := strconv.Atoi(r.FormValue("n"))
		var text string
		text, err = many(ctx, n)
		body = []byte(text)
	case "/invalidate":
		err = cache.Invalidate(key)
	default:
		body = strconv.AppendInt(nil, int64(os.Getpid()), 10)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		body = []byte(err.Error())
	}
	w.Write(body)
}
