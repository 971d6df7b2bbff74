/* SPDX-License-Identifier: MIT */
/*
 * The explorer's twin of src/os/atomics.h: the same names, each of which is a
 * scheduling point where it touches the segment, then the operation. All that
 * is no operation on memory (likely(), force_inline) comes from the original.
 */
#ifndef EXPLORE_ATOMICS_H
#define EXPLORE_ATOMICS_H

#define copy_torn original_copy_torn
#include_next "os/atomics.h"
#undef copy_torn

#include "access.h"

#undef load_relaxed
#undef load_acquire
#undef load_seq
#undef store_relaxed
#undef store_release
#undef store_seq
#undef cas_relaxed
#undef cas_acq_rel
#undef cas_seq
#undef fetch_add_relaxed
#undef fetch_add_acq_rel
#undef fetch_sub_acq_rel
#undef fetch_or_acq_rel
#undef fence_acquire
#undef fence_release
#undef fence_seq

#define EXPLORE_TEXT_(line) #line
#define EXPLORE_TEXT(line) EXPLORE_TEXT_(line)
#define EXPLORE_HERE __FILE__ ":" EXPLORE_TEXT(__LINE__)

#define EXPLORE_LOAD(p, order)                                        \
	((__typeof__(*(p)))access_load((p), sizeof(__typeof__(*(p))), \
				       __ATOMIC_##order, EXPLORE_HERE))
#define EXPLORE_STORE(p, v, order)                                      \
	access_store((p), sizeof(__typeof__(*(p))),                     \
		     (uint64_t)(__typeof__(*(p)))(v), __ATOMIC_##order, \
		     EXPLORE_HERE)
#define EXPLORE_CAS(p, old, new, order)                                 \
	access_cas((p), sizeof(__typeof__(*(p))),                       \
		   (uint64_t)(__typeof__(*(p)))(old),                   \
		   (uint64_t)(__typeof__(*(p)))(new), __ATOMIC_##order, \
		   EXPLORE_HERE)
#define EXPLORE_RMW(p, how, v, order)                                     \
	((__typeof__(*(p)))access_rmw((p), sizeof(__typeof__(*(p))), how, \
				      (uint64_t)(__typeof__(*(p)))(v),    \
				      __ATOMIC_##order, EXPLORE_HERE))

#define load_relaxed(p) EXPLORE_LOAD(p, RELAXED)
#define load_acquire(p) EXPLORE_LOAD(p, ACQUIRE)
#define load_seq(p) EXPLORE_LOAD(p, SEQ_CST)
#define store_relaxed(p, v) EXPLORE_STORE(p, v, RELAXED)
#define store_release(p, v) EXPLORE_STORE(p, v, RELEASE)
#define store_seq(p, v) EXPLORE_STORE(p, v, SEQ_CST)
#define cas_relaxed(p, old, new) EXPLORE_CAS(p, old, new, RELAXED)
#define cas_acq_rel(p, old, new) EXPLORE_CAS(p, old, new, ACQ_REL)
#define cas_seq(p, old, new) EXPLORE_CAS(p, old, new, SEQ_CST)
#define fetch_add_relaxed(p, v) EXPLORE_RMW(p, ACCESS_ADD, v, RELAXED)
#define fetch_add_acq_rel(p, v) EXPLORE_RMW(p, ACCESS_ADD, v, ACQ_REL)
#define fetch_sub_acq_rel(p, v) EXPLORE_RMW(p, ACCESS_SUB, v, ACQ_REL)
#define fetch_or_acq_rel(p, v) EXPLORE_RMW(p, ACCESS_OR, v, ACQ_REL)
#define fence_acquire() access_fence(__ATOMIC_ACQUIRE)
#define fence_release() access_fence(__ATOMIC_RELEASE)
#define fence_seq() access_fence(__ATOMIC_SEQ_CST)
#define copy_torn(to, from, n) access_copy(to, from, n, EXPLORE_HERE)

#endif
