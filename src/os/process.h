/* SPDX-License-Identifier: MIT */
/*
 * Who this process is: its cookie, and the identity that others can check.
 *
 * A process may fork while another thread of it is inside its first call. So
 * nothing in the library is made under a lock that no fork handler knows, or by
 * pthread_once(3), in which with some libcs that child waits for ever: each
 * thread that finds a thing not made makes it, and one compare-and-swap, or
 * that all make the same, decides.
 */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A random number that is this process's own, on a page that the kernel wipes
 * in a forked child. Whatever remembers another cookie was inherited and is
 * void. process_cookie() makes one where there is none; process_cookie_word
 * points at it for the fast path, where 0 or another value means "look".
 */
uint64_t process_cookie(void);
extern const uint64_t *process_cookie_word;

/* Inodes of the PID and time namespaces; 0 where /proc is not there. */
uint64_t process_pid_ns(void);
uint64_t process_time_ns(void);

/*
 * Fills 16 bytes that change at each boot: zeroes where they are hidden from
 * this process. Returns 0, or why they cannot be read just now (-EMFILE).
 */
int process_boot_id(uint8_t id[16]);

/* This thread's id, cached nowhere: fork changes it. */
pid_t process_tid(void);

/* close(), but no cancellation point: for who holds a lock. */
void process_close(int fd);

/*
 * True if the kernel knows no thread of that number in this PID namespace: it
 * is gone. A number that is in use again proves nothing.
 */
int process_thread_gone(pid_t pid, pid_t tid);

/*
 * Around code that holds a lock or a descriptor while it calls what may be a
 * cancellation point. Returns what uncancelled_end() takes.
 */
static inline int uncancelled_begin(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void uncancelled_end(int state)
{
	pthread_setcancelstate(state, &state);
}

#endif
