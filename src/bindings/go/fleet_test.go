// SPDX-License-Identifier: MIT

package sfshm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Two segments stand for two hosts, and a Redis server is their engine.
type server struct {
	t    *testing.T
	path string
	cmd  *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server here (package redis-server)")
	}
	s := &server{t: t, path: filepath.Join(t.TempDir(), "socket")}
	s.cmd = exec.Command(program)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.cmd.Path, "--port", "0", "--unixsocket", s.path,
		"--save", "", "--appendonly", "no", "--dir", filepath.Dir(s.path))
	// The server does not outlive a test that is killed.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	until(s.t, "the server answers", func() bool {
		return strings.HasPrefix(s.say("PING"), "+PONG")
	})
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *server) say(command string) string {
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		return ""
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nQUIT\r\n", command)
	reply, _ := io.ReadAll(conn)
	return string(reply)
}

// number is a field of the server's INFO.
func (s *server) number(section, field string) (n int) {
	for _, line := range strings.Split(s.say("INFO "+section), "\r\n") {
		fmt.Sscanf(line, field+":%d", &n)
	}
	return n
}

func (s *server) url() string { return "unix:" + s.path + "?ns=t" }

func (s *server) host(f FleetOptions) *Segment {
	s.t.Helper()
	seg, _ := open(s.t, Fleet(s.url(), f))
	return seg
}

// A log that tests read while others write.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), "the server of the fleet")
}

// No test that ends before has waited for this lease.
var long = FleetOptions{Lease: time.Hour}

var kept = Policy{TTL: time.Minute}

func TestOneHostOfAFleetMakesTheValue(t *testing.T) {
	s := startServer(t)
	here, there := s.host(long), s.host(long)
	is(t, text(here.Do(ctx, "key", kept, constant("here"))), "here", "the first host")
	is(t, text(there.Do(ctx, "key", kept, constant("there"))), "here", "the second host")
	before := s.number("stats", "total_commands_processed")
	for i := 0; i < 100; i++ {
		text(here.Do(ctx, "key", kept, constant("again")))
		r := there.DoResult(ctx, "key", kept, constant("again"))
		is(t, text(r.Value, r.Err), "here", "a hit")
	}
	// INFO and QUIT are the two.
	is(t, s.number("stats", "total_commands_processed")-before, 2,
		"requests of 200 hits")
	is(t, here.Invalidate("key"), nil, "Invalidate")
	third := s.host(long)
	is(t, text(third.Do(ctx, "key", kept, constant("third"))), "third", "a third host")
	is(t, here.Forget("key"), nil, "Forget on the first host")
	is(t, there.Forget("key"), nil, "Forget on the second host")
	is(t, text(there.Do(ctx, "key", kept, constant("there"))), "there", "a new value")
	is(t, text(here.Do(ctx, "key", kept, constant("here"))), "there", "the new value")
	p := kept
	p.Refresh = true
	is(t, text(here.Do(ctx, "key", p, constant("fresh"))), "fresh", "a refresh")
	nothingLeft(t)
}

// leadOn lets a goroutine lead until the channel is closed.
func leadOn(t *testing.T, seg *Segment) (<-chan Result, chan struct{}) {
	begun, end := make(chan struct{}), make(chan struct{})
	led := seg.DoChan(ctx, "key", kept, func(context.Context) ([]byte, error) {
		close(begun)
		<-end
		return []byte("awaited"), nil
	})
	<-begun
	return led, end
}

func TestHostWaitsForAnother(t *testing.T) {
	s := startServer(t)
	here, there := s.host(long), s.host(long)
	led, end := leadOn(t, here)
	p := kept
	p.NoWait = true
	_, err := there.Do(ctx, "key", p, constant("there"))
	is(t, err, error(ErrBusy), "a call that does not wait")
	const crowd = 20
	var wait [crowd]<-chan Result
	for i := range wait {
		wait[i] = there.DoChan(ctx, "key", kept, constant("there"))
	}
	p.NoWait, p.Timeout = false, time.Millisecond
	until(t, "a host waits", func() bool {
		return there.waiters("key") == crowd && s.number("clients", "blocked_clients") == 1
	})
	_, err = there.Do(ctx, "key", p, constant("there"))
	is(t, err, error(ErrTimeout), "a call that waits for a millisecond")
	close(end)
	<-led
	for _, w := range wait {
		r := <-w
		is(t, text(r.Value, r.Err), "awaited", "one of the crowd")
	}
	nothingLeft(t)
}

func TestLastWaiterEndsTheWaitForAnotherHost(t *testing.T) {
	s := startServer(t)
	here, there := s.host(long), s.host(long)
	led, end := leadOn(t, here)
	mine, cancel := context.WithCancel(ctx)
	left := there.DoChan(mine, "key", kept, constant("there"))
	until(t, "it waits", func() bool { return s.number("clients", "blocked_clients") == 1 })
	cancel()
	is(t, (<-left).Err, context.Canceled, "the one that leaves")
	until(t, "nobody waits", func() bool { return s.number("clients", "blocked_clients") == 0 })
	stays := there.DoChan(ctx, "key", kept, constant("there"))
	close(end)
	<-led
	r := <-stays
	is(t, text(r.Value, r.Err), "awaited", "the next one")
	nothingLeft(t)
}

func TestWorkThatFailsEndsTheLease(t *testing.T) {
	s := startServer(t)
	here, there := s.host(long), s.host(long)
	func() {
		defer func() { recover() }()
		here.Do(ctx, "panic", kept, func(context.Context) ([]byte, error) { panic("panic") })
	}()
	mine, cancel := context.WithCancel(ctx)
	here.Do(mine, "leaves", kept, func(ctx context.Context) ([]byte, error) {
		cancel()
		return nil, ctx.Err()
	})
	p := kept
	p.NoWait = true // The lease is not one that has to run out.
	for _, key := range []string{"panic", "leaves"} {
		is(t, text(there.Do(ctx, key, p, constant("there"))), "there", key)
	}
	p.NegTTL = time.Minute
	here.Do(ctx, "fails", p, func(context.Context) ([]byte, error) {
		return nil, fmt.Errorf("no such price: %w", ErrNotFound)
	})
	_, err := there.Do(ctx, "fails", p, constant("there"))
	var failed *WorkError
	is(t, errors.As(err, &failed) && errors.Is(err, ErrNotFound) &&
		strings.HasPrefix(failed.Message, "no such price"), true, "the failure's message")
	nothingLeft(t)
}

func TestKilledLeaderOfAFleetIsReplaced(t *testing.T) {
	s := startServer(t)
	short := FleetOptions{Lease: 6 * time.Second}
	seg, name := open(t, Fleet(s.url(), short))
	there := s.host(short)
	c := startChild(t, name, "lead", "SFSHM_TEST_FLEET="+s.url())
	c.says("leading")
	next := seg.DoChan(ctx, "key", kept, constant("the next one"))
	other := there.DoChan(ctx, "key", kept, constant("the other host"))
	until(t, "both wait", func() bool {
		mu.Lock()
		call := seg.calls["key"]
		follows := call != nil && call.state == waiting
		mu.Unlock()
		return follows && s.number("clients", "blocked_clients") == 1
	})
	c.cmd.Process.Kill()
	r := <-next
	is(t, text(r.Value, r.Err), "the next one", "the next one of the host")
	is(t, r.OwnerDied, true, "its leader has died")
	r = <-other
	is(t, text(r.Value, r.Err), "the next one", "the other host")

	seg.Forget("key")
	there.Forget("key")
	c = startChild(t, name, "lead", "SFSHM_TEST_FLEET="+s.url())
	c.says("leading")
	other = there.DoChan(ctx, "key", kept, constant("the other host"))
	until(t, "it waits", func() bool { return s.number("clients", "blocked_clients") == 1 })
	c.cmd.Process.Kill()
	r = <-other
	is(t, text(r.Value, r.Err), "the other host", "if nobody of the host asks, the lease ends")
	nothingLeft(t)
}

func TestHostsGoOnWhileTheServerIsAway(t *testing.T) {
	s := startServer(t)
	var log1, log2 lines
	here := s.host(FleetOptions{Retry: time.Millisecond, ErrorLog: log.New(&log1, "", 0)})
	there := s.host(FleetOptions{Retry: time.Millisecond, ErrorLog: log.New(&log2, "", 0)})
	strict := s.host(FleetOptions{Strict: true})
	strict.Do(ctx, "kept", kept, constant("kept"))
	s.kill()
	for _, key := range []string{"a", "b"} {
		is(t, text(here.Do(ctx, key, kept, constant("here"))), "here", key)
		is(t, text(there.Do(ctx, key, kept, constant("there"))), "there", key)
	}
	is(t, log1.count(), 1, "lines of the first host")
	is(t, log2.count(), 1, "lines of the second host")
	is(t, text(strict.Do(ctx, "kept", kept, constant("anew"))), "kept", "a strict hit")
	_, err := strict.Do(ctx, "a", kept, constant("strict"))
	is(t, err, error(ErrFleetAway), "a strict call")
	is(t, here.Invalidate("b"), error(ErrFleetAway), "Invalidate")
	is(t, here.Forget("a"), error(ErrFleetAway), "Forget")
	_, err = here.Get("a")
	is(t, err, error(ErrNoValue), "what this host has")
	s.start()
	for n := 0; ; n++ {
		key := fmt.Sprint("back", n)
		here.Do(ctx, key, kept, constant("here"))
		if text(there.Do(ctx, key, kept, constant("there"))) == "here" {
			break
		}
		if n == 10000 {
			t.Fatal("the hosts do not share their runs again")
		}
	}
	is(t, log1.count()+log2.count(), 2, "lines of one outage")
	s.kill()
	here.Do(ctx, "c", kept, constant("here"))
	is(t, log1.count(), 2, "lines after a second outage")
	nothingLeft(t)
}

func TestFleetsThatCannotBeOpened(t *testing.T) {
	s := startServer(t)
	_, name := open(t, Fleet(s.url(), long))
	_, plain := open(t)
	file := filepath.Join(t.TempDir(), "password")
	for _, c := range []struct{ name, url, why string }{
		{name, s.url() + "2", "with another fleet"},
		{plain, s.url(), "without a fleet"},
	} {
		_, err := Open(c.name, Fleet(c.url, long))
		is(t, err != nil && strings.Contains(err.Error(), c.why), true, c.why)
	}
	for url, why := range map[string]string{
		"http://example.org":               "URL",
		s.url() + "&password-file=" + file: file,
	} {
		fresh := fmt.Sprint(name, "-", len(why))
		defer Unlink(fresh)
		_, err := Open(fresh, Fleet(url, long))
		var failed *OpenError
		is(t, errors.As(err, &failed) && strings.Contains(failed.Why, why), true, why)
		if why == file {
			os.WriteFile(file, []byte("secret\n"), 0600)
			_, err = Open(fresh, Fleet(url, long))
			is(t, err, nil, "the file is there now")
		}
	}
	for _, f := range []FleetOptions{{Jitter: 101}, {Jitter: -1}, {Lease: -1},
		{Lease: time.Millisecond}} {
		fresh := name + "-options"
		defer Unlink(fresh)
		_, err := Open(fresh, Fleet(s.url(), f))
		is(t, err != nil, true, fmt.Sprint(f))
	}
	seg, err := Open(name, Fleet(s.url(), long))
	is(t, err, nil, "the same fleet again")
	again, _ := Open(name)
	is(t, seg == again, true, "without the fleet it is the same segment")
}
