// SPDX-License-Identifier: MIT

package sfshm

import (
	"context"
	"runtime"
	"strings"
	"testing"
)

func TestWaiterThatIsToldToLeadAsItLeavesHandsOn(t *testing.T) {
	seg, name := open(t)
	c := startChild(t, name, "lead")
	c.says("leading")
	mine, cancel := context.WithCancel(ctx)
	leaves := seg.DoChan(mine, "key", Policy{}, constant("too late"))
	until(t, "one waits", func() bool { return seg.waiters("key") == 1 })
	stays := seg.DoChan(ctx, "key", Policy{}, constant("handed on"))
	until(t, "two wait", func() bool { return seg.waiters("key") == 2 })
	mu.Lock()
	cancel()
	stack := make([]byte, 1<<20)
	until(t, "it is about to leave", func() bool {
		n := runtime.Stack(stack, true)
		return strings.Contains(string(stack[:n]), "(*call).leave(")
	})
	c.cmd.Process.Kill()
	shared := seg.calls["key"]
	until(t, "it is told to lead", func() bool {
		shared.finish()
		return shared.state == leading
	})
	mu.Unlock()
	is(t, (<-leaves).Err, context.Canceled, "the one that leaves")
	r := <-stays
	is(t, text(r.Value, r.Err), "handed on", "the other one")
	nothingLeft(t)
}
