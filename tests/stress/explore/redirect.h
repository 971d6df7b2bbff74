/* SPDX-License-Identifier: MIT */
/*
 * Included before each of the library's sources: the calls into libc and the
 * kernel that the virtual kernel answers. The system's headers come first, so
 * that no declaration is met by a macro.
 */
#ifndef EXPLORE_REDIRECT_H
#define EXPLORE_REDIRECT_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int kernel_trylock(pthread_mutex_t *mutex);
int kernel_unlock(pthread_mutex_t *mutex);
int kernel_consistent(pthread_mutex_t *mutex);
int kernel_lock_private(pthread_mutex_t *mutex);
long kernel_syscall(long number, ...);
int kernel_fcntl(int fd, int command, struct flock *lock);
int kernel_fstat(int fd, struct stat *st);
int kernel_yield(void);
int kernel_nap(const struct timespec *nap);
pid_t kernel_getpid(void);
int kernel_nothing(void);
int kernel_thread(void *(*fn)(void *), void *arg);
int kernel_join(void);
int kernel_eventfd(void);
ssize_t kernel_write(void);
ssize_t kernel_read(uint64_t *count);
int kernel_cancel(int next, int *old);
ssize_t kernel_random(void *to, size_t n);
void *private_alloc(size_t size);
void *private_realloc(void *old, size_t size);
void private_free(void *old);

#define pthread_mutex_trylock(m) kernel_trylock(m)
#define pthread_mutex_unlock(m) kernel_unlock(m)
#define pthread_mutex_consistent(m) kernel_consistent(m)
#define pthread_mutex_lock(m) kernel_lock_private(m)
#define pthread_key_create(k, f) (*(k) = 1, (void)(f), kernel_nothing())
#define pthread_setspecific(k, p) ((void)(k), (void)(p), kernel_nothing())
#define pthread_setcanceltype(t, old) kernel_cancel(t, old)
#define pthread_setcancelstate(s, old) kernel_cancel(s, old)
#define syscall(...) kernel_syscall(__VA_ARGS__)
#define fcntl(fd, command, ...) kernel_fcntl(fd, command, __VA_ARGS__)
#define fstat(fd, st) kernel_fstat(fd, st)
#define sched_yield() kernel_yield()
#define clock_nanosleep(clock, flags, nap, left) kernel_nap(nap)
#define getpid() kernel_getpid()
#define prctl(...) kernel_nothing()
#define madvise(...) kernel_nothing()
#define getrandom(to, n, flags) kernel_random(to, n)
#define malloc(n) private_alloc(n)
#define calloc(n, each) private_alloc((n) * (each))
#define aligned_alloc(align, n) private_alloc(n)
#define realloc(old, n) private_realloc(old, n)
#define free(old) private_free(old)
#define pthread_create(thread, attr, fn, arg) \
	((void)(thread), kernel_thread(fn, arg))
#define pthread_join(thread, value) ((void)(thread), kernel_join())
#define pthread_attr_init(attr) ((void)(attr), kernel_nothing())
#define pthread_attr_setstacksize(attr, n) ((void)(attr), kernel_nothing())
#define pthread_attr_destroy(attr) ((void)(attr), kernel_nothing())
#define pthread_sigmask(how, set, old) \
	((void)(set), (void)(old), kernel_nothing())
#define secure_getenv(name) ((char *)NULL)
#define eventfd(count, flags) kernel_eventfd()
#define write(fd, from, n) ((void)(from), kernel_write())
#define read(fd, to, n) kernel_read(to)

/* Each fiber has its own: see fiber.h. */
#define __thread __attribute__((section("explore_thread")))

#endif
