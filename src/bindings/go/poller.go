// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"os"
	"syscall"
	"time"
)

// startPoller starts the goroutine that finishes the waits of the process. Go's
// netpoller tells it when the queue's descriptor is readable. The goroutine has
// a duplicate of that descriptor, because os.File closes its own. Only the
// library reads from the descriptor.
func startPoller(q *C.struct_sfshm_queue) error {
	fd := C.sfshm_queue_fd(q)
	if fd < 0 {
		return errOf(fd)
	}
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd),
		syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	file := os.NewFile(copied, "sfshm")
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Time{}) // fails without the netpoller
	}
	if err != nil {
		file.Close()
		return err
	}
	go func() {
		// The netpoller tells of each edge once, so each turn takes all.
		conn.Read(func(uintptr) bool {
			for id := C.go_queue_next(q); id != 0; id = C.go_queue_next(q) {
				ready(uint64(id))
			}
			return false
		})
	}()
	return nil
}

func ready(id uint64) {
	mu.Lock()
	defer mu.Unlock()
	c := byID[id]
	switch {
	case c == nil: // the last waiter has left
	case c.state == asking:
		c.ready = true
	case c.state == waiting:
		c.finish()
	}
}
