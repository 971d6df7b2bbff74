/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations, named after their order. Orders are spelled here and
 * nowhere else in libsfshm; the rest of its code uses neither the builtins nor
 * `volatile`.
 *
 * A shared word is a plain uint32_t or uint64_t, always accessed through these.
 */
#ifndef OS_ATOMICS_H
#define OS_ATOMICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_THREAD__)
#define OS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_TSAN 1
#endif
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define force_inline inline __attribute__((__always_inline__))
/*
 * For functions that wake sleepers, and for those that a sleeper runs as it
 * wakes. The compiler puts them together: each page of code that has not run
 * lately costs a TLB miss.
 */
#define on_waking __attribute__((hot))

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define load_seq(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_seq(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Compares and swaps by value. True if *p was `old`, and is now `new`. */
#define cas_relaxed(p, old, new)                                      \
	({                                                            \
		__typeof__(*(p)) _old = (old);                        \
		__atomic_compare_exchange_n((p), &_old, (new), false, \
					    __ATOMIC_RELAXED,         \
					    __ATOMIC_RELAXED);        \
	})
#define cas_acq_rel(p, old, new)                                      \
	({                                                            \
		__typeof__(*(p)) _old = (old);                        \
		__atomic_compare_exchange_n((p), &_old, (new), false, \
					    __ATOMIC_ACQ_REL,         \
					    __ATOMIC_RELAXED);        \
	})
#define cas_seq(p, old, new)                                          \
	({                                                            \
		__typeof__(*(p)) _old = (old);                        \
		__atomic_compare_exchange_n((p), &_old, (new), false, \
					    __ATOMIC_SEQ_CST,         \
					    __ATOMIC_RELAXED);        \
	})

#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_acq_rel(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define fetch_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)

#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_seq() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define compiler_barrier() __asm__ __volatile__("" ::: "memory")

/*
 * Copies between private memory and bytes that another thread may be rewriting:
 * values, keys, a record's name. The copy may be torn, so the caller validates
 * it afterwards. Use this for bytes that are compared or passed on. For a word
 * that serves as an index, a length or a time, use one load by a helper above:
 * after copy_torn() the compiler may read the source again instead of the copy.
 * Where the library itself reads a value, a compiler_barrier() after the copy
 * prevents that (arena_read()). The processor needs no more than a memcpy();
 * ThreadSanitizer needs relaxed accesses.
 */
#ifdef OS_TSAN
static inline void copy_torn(void *to, const void *from, size_t n)
{
	const uint8_t *src = from;
	uint8_t *dst = to;

	for (size_t i = 0; i < n; i++)
		store_relaxed(&dst[i], load_relaxed(&src[i]));
}
#else
static inline void copy_torn(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
}
#endif

#endif
