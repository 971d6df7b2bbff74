// SPDX-License-Identifier: MIT

package sfshm

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Error is an error of the library: an errno value. Compare with errors.Is.
type Error syscall.Errno

// The errors that a caller may want to tell apart.
const (
	// ErrNoValue: Get found no fresh value, and Peek no usable one.
	ErrNoValue = Error(C.ENODATA)
	// ErrNotFound: the work reported that what the key stands for does not
	// exist. Work returns it, or wraps it, to say so.
	ErrNotFound = Error(C.ENOENT)
	// ErrTimeout: Policy.Timeout has passed. The run goes on.
	ErrTimeout = Error(C.ETIMEDOUT)
	// ErrBusy: another caller leads, and Policy.NoWait is set.
	ErrBusy = Error(C.EBUSY)
	// ErrCrowded: Policy.MaxWaiters callers wait already.
	ErrCrowded = Error(C.EAGAIN)
	// ErrLeadersDie: the key's leaders keep dying (Policy.BreakerDeaths).
	ErrLeadersDie = Error(C.EHOSTDOWN)
	// ErrFleetAway: the server of a fleet does not answer, or refuses the
	// key. Of Do this is so only with FleetOptions.Strict.
	ErrFleetAway = Error(C.EHOSTUNREACH)
	// ErrDeadlock: the work asks for a key whose leader waits for the work.
	ErrDeadlock = Error(C.EDEADLK)
	// ErrTooLarge: the value is larger than the segment's MaxValue.
	ErrTooLarge = Error(C.EMSGSIZE)
	// ErrFull: the segment has no room.
	ErrFull = Error(C.ENOSPC)
	// ErrOutdated: another Set or Forget came before this value was visible.
	ErrOutdated = Error(C.ESTALE)
	// ErrInvalid: an argument is out of range.
	ErrInvalid = Error(C.EINVAL)
	// ErrKeyTooLong: the key has more than 1024 bytes. Hash it first.
	ErrKeyTooLong = Error(C.ENAMETOOLONG)
	// ErrShortBuffer: GetInto's buffer is too short for the value.
	ErrShortBuffer = Error(C.ERANGE)
)

// Error says what happened and what to do next.
func (e Error) Error() string {
	return "sfshm: " + C.GoString(C.sfshm_strerror(C.int(e)))
}

// Unwrap returns the syscall.Errno.
func (e Error) Unwrap() error { return syscall.Errno(e) }

// Timeout reports whether e is ErrTimeout.
func (e Error) Timeout() bool { return e == ErrTimeout }

// WorkError is a failure of the work that another caller ran. The caller that
// ran the work, and those of its process that waited for it, get the work's own
// error.
//
// Work may return a *WorkError to choose the code.
type WorkError struct {
	Code    int    // by convention a negated errno value
	Message string // of at most 255 bytes
}

func (e *WorkError) Error() string {
	return fmt.Sprintf("sfshm: the work failed with %d: %s", e.Code, e.Message)
}

// Is makes errors.Is(e, ErrNotFound) true for failures that say so, and
// errors.Is(e, errno) for the failure's code.
func (e *WorkError) Is(target error) bool {
	switch t := target.(type) {
	case Error:
		return e.Code == -int(t)
	case syscall.Errno:
		return e.Code == -int(t)
	}
	return false
}

// OpenError says why Open failed.
type OpenError struct {
	Name string
	Why  string
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("sfshm: cannot open %q: %s", e.Name, e.Why)
}

// errOf makes an error of an outcome.
func errOf(rc C.int) error {
	if rc >= 0 {
		return nil
	}
	if rc == -C.EREMOTE {
		return ErrFleetAway
	}
	return Error(-rc)
}

// failure makes an error of an outcome, with the result of the failed work.
func failure(rc C.int, r *C.struct_sfshm_result) error {
	if rc != -C.EREMOTEIO && rc != -C.ENOENT {
		return errOf(rc)
	}
	return &WorkError{Code: int(r.code), Message: C.GoString(&r.message[0])}
}

// codeOf returns the code with which an error of the work reaches followers of
// other processes.
func codeOf(err error) int {
	var failed *WorkError
	var ours Error
	var errno syscall.Errno
	switch {
	case errors.As(err, &failed) && failed.Code != 0 &&
		failed.Code == int(int32(failed.Code)) && failed.Code != -1<<31:
		return failed.Code
	case errors.Is(err, ErrNotFound):
		return -int(C.ENOENT)
	case errors.As(err, &ours) && ours != 0:
		return -int(ours)
	case errors.As(err, &errno) && errno != 0:
		return -int(errno)
	}
	return -int(C.EREMOTEIO)
}

// messageOf returns the message with which an error of the work reaches
// followers of other processes.
func messageOf(err error) string {
	var failed *WorkError
	if errors.As(err, &failed) {
		return failed.Message
	}
	return err.Error()
}

// concernsCaller reports whether work failed only because its caller's context
// ended. Then another caller is to run the work.
func concernsCaller(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ctx.Err()))
}

// isLocal reports whether each process must run the work itself, because the
// segment has no room or cannot be used.
func isLocal(rc C.int) bool {
	switch rc {
	case -C.ENOSPC, -C.EUSERS, -C.ESHUTDOWN, -C.EBADMSG, -C.ENOMEM:
		return true
	}
	return false
}
