// SPDX-License-Identifier: MIT

package sfshm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

var (
	ctx      = context.Background()
	segCount int32
)

// roles has what a child process of a test does. SFSHM_TEST_ROLE names the role.
var roles = map[string]func(seg *Segment){}

func TestMain(m *testing.M) {
	role := os.Getenv("SFSHM_TEST_ROLE")
	if role == "" {
		os.Exit(m.Run())
	}
	var opts []Option
	if url := os.Getenv("SFSHM_TEST_FLEET"); url != "" {
		opts = append(opts, Fleet(url, FleetOptions{Lease: 2 * time.Second}))
	}
	seg, err := Open(os.Getenv("SFSHM_TEST_SEGMENT"), opts...)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	roles[role](seg)
}

// open makes a segment that is gone when the test ends.
func open(t testing.TB, opts ...Option) (*Segment, string) {
	t.Helper()
	name := fmt.Sprintf("go-test-%d-%d", os.Getpid(), atomic.AddInt32(&segCount, 1))
	seg, err := Open(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Unlink(name) })
	return seg, name
}

// A child process: what it says, a line at a time, and what it is told.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startChild(t *testing.T, name, role string, env ...string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(append(os.Environ(), "SFSHM_TEST_ROLE="+role,
		"SFSHM_TEST_SEGMENT="+name), env...)
	c.cmd.Stderr = os.Stderr
	c.in, _ = c.cmd.StdinPipe()
	out, _ := c.cmd.StdoutPipe()
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	return c
}

func (c *child) says(want string) {
	c.t.Helper()
	line, err := c.out.ReadString('\n')
	if line != want+"\n" {
		c.t.Fatalf("the child says %q (%v), not %q", line, err, want)
	}
}

func (c *child) tell() { fmt.Fprintln(c.in) }

func told() { bufio.NewReader(os.Stdin).ReadString('\n') }

// until waits for a state.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: ", what)
		}
	}
}

// waiters is how many callers of this process wait for the key.
func (s *Segment) waiters(key string) int {
	mu.Lock()
	defer mu.Unlock()
	if c := s.calls[key]; c != nil && c.state != asking {
		return len(c.waiters)
	}
	return 0
}

func is(t testing.TB, got, want any, what string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

func text(v []byte, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return string(v)
}

func constant(s string) Work {
	return func(context.Context) ([]byte, error) { return []byte(s), nil }
}

// nothingLeft: no call and no waiter stays behind.
func nothingLeft(t *testing.T) {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	is(t, len(byID), 0, "calls that are left over")
	is(t, len(nested), 0, "nested waiters that are left over")
}
