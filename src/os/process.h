/* SPDX-License-Identifier: MIT */
/*
 * The identity of this process: its cookie, and what other processes can check.
 *
 * A process may fork while another of its threads makes a value below. If that
 * thread held a lock, or was in pthread_once(3) of some libcs, the child would
 * wait for ever. So the functions use neither: each thread that finds the value
 * missing makes one. Either all threads make the same value, or one
 * compare-and-swap chooses.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/atomics.h"

/*
 * A random number of this process, on a page that the kernel wipes in a forked
 * child. State that carries another cookie was inherited and is void.
 * process_cookie() makes the cookie if there is none, and returns 0 only if
 * memory is short. The fast path calls process_cookie_seen(), which returns 0
 * if there is no cookie yet; if the result is not the cookie that the caller
 * expects, the caller takes the slow path.
 */
uint64_t process_cookie(void);
extern const uint64_t *process_cookie_word;

static inline uint64_t process_cookie_seen(void)
{
	return load_relaxed(load_relaxed(&process_cookie_word));
}

/* Inodes of the PID and time namespaces; 0 if /proc does not show them. */
uint64_t process_pid_ns(void);
uint64_t process_time_ns(void);

/*
 * Fills in 16 bytes that change at each boot; zeroes if /proc hides the boot's
 * id from this process. Returns 0, or the error if reading fails (-EMFILE).
 */
int process_boot_id(uint8_t id[16]);

/* This thread's id, never cached, because fork changes it. */
pid_t process_tid(void);

/* close() without a cancellation point, for callers that hold a lock. */
void process_close(int fd);

/*
 * True if the kernel knows no thread with that id in this PID namespace, so the
 * thread is gone. False proves nothing: another thread may have the id by now.
 */
int process_thread_gone(pid_t pid, pid_t tid);

/*
 * Encloses code that holds a lock or a descriptor while it calls a function
 * that may be a cancellation point. uncancelled_end() takes what
 * uncancelled_begin() returned.
 */
static inline int uncancelled_begin(void)
{
	int was;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was);
	return was;
}

static inline void uncancelled_end(int was)
{
	pthread_setcancelstate(was, &was);
}

#endif
