/* SPDX-License-Identifier: MIT */
/*
 * The public interface as a version before 0.1.0 might have had it, frozen:
 * each struct with a `size` ends earlier, the newest flags are missing, and
 * only what the test of older programs uses is declared. Fields stand where
 * 0.1.0 has them, and stand there in every later version of the same ABI.
 */
#ifndef OLDER_SFSHM_H
#define OLDER_SFSHM_H

#include <stddef.h>
#include <stdint.h>

#define SFSHM_CACHED 0
#define SFSHM_COMPUTED 2
#define SFSHM_LEADER 2
#define SFSHM_CREATE 1u
#define SFSHM_EXCLUSIVE 2u
#define SFSHM_FOREVER UINT32_MAX

struct sfshm;
struct sfshm_view;

struct sfshm_options {
	size_t size;
	uint32_t flags;
	uint32_t slots;
	uint32_t participants;
	uint32_t max_value;
};

struct sfshm_result {
	size_t size;
	int32_t source;
	int32_t code;
	uint8_t leader, shared, owner_died, uncached, stale, coordinated;
	uint8_t reserved[2];
	uint64_t generation;
	uint64_t age_ns;
	struct {
		void *data;
		size_t len, cap;
	} value;
	char message[256];
};

/* Without the checks, the claim key, the breaker and early refresh. */
struct sfshm_policy {
	size_t size;
	uint32_t flags;
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint32_t grace_ms;
	uint32_t stale_if_error_ms;
	uint32_t wait_timeout_ms;
	uint32_t max_waiters;
	uint64_t deadline_ns;
};

struct sfshm_flight {
	uint64_t opaque[40];
};

typedef int (*sfshm_work_fn)(struct sfshm_flight *flight, void *arg);

/* Without cancel token and reason. */
struct sfshm_lock_options {
	size_t size;
	uint32_t flags;
	uint32_t rank;
};

struct sfshm_lock {
	uint64_t opaque[12];
};

struct sfshm_semaphore_options {
	size_t size;
	uint32_t flags;
	uint32_t max;
};

struct sfshm_permit {
	uint64_t opaque[8];
};

/* Without the number of waiters. */
struct sfshm_semaphore_info {
	size_t size;
	uint32_t max;
	uint32_t in_use;
};

struct sfshm_save_options {
	size_t size;
	uint32_t flags;
	uint32_t mode;
	uint32_t ttl_ms;
	uint32_t reserve_ms;
};

struct sfshm_save {
	uint64_t opaque[336];
};

/* Without message and path. */
struct sfshm_save_info {
	size_t size;
	uint64_t bytes;
	uint64_t checksum;
	uint64_t generation;
};

struct sfshm_segment_info {
	size_t size;
	char path[256];
	uint32_t layout_version;
	uint32_t slots;
};

struct sfshm_participant_info {
	size_t size;
	uint32_t index;
	uint32_t attached;
	uint32_t alive;
	uint32_t incarnation;
};

struct sfshm_slot_info {
	size_t size;
	uint32_t index;
	uint32_t torn;
	uint32_t phase;
	uint32_t key_len;
	uint8_t key[1024];
};

int sfshm_open(struct sfshm **, const char *, const struct sfshm_options *);
int sfshm_close(struct sfshm *);
int sfshm_unlink(const char *);
int sfshm_resize(const char *, const struct sfshm_options *, uint64_t,
		 void (*)(uint64_t, uint64_t, void *), void *);
int sfshm_begin(struct sfshm *, const void *, size_t,
		const struct sfshm_policy *, struct sfshm_flight *,
		struct sfshm_result *);
int sfshm_wait(struct sfshm *, const void *, size_t,
	       const struct sfshm_policy *, struct sfshm_result *);
int sfshm_get(struct sfshm *, const void *, size_t, struct sfshm_result *);
int sfshm_do(struct sfshm *, const void *, size_t, const struct sfshm_policy *,
	     sfshm_work_fn, void *, struct sfshm_result *);
int sfshm_invalidate(struct sfshm *, const void *, size_t, uint32_t);
int sfshm_publish(struct sfshm_flight *, const void *, size_t);
int sfshm_fail(struct sfshm_flight *, int, const char *);
void sfshm_result_clear(struct sfshm_result *);
int sfshm_lock(struct sfshm *, const void *, size_t,
	       const struct sfshm_lock_options *, struct sfshm_lock *);
int sfshm_unlock(struct sfshm_lock *);
int sfshm_acquire(struct sfshm *, const void *, size_t,
		  const struct sfshm_semaphore_options *,
		  struct sfshm_permit *);
int sfshm_permit_release(struct sfshm_permit *);
int sfshm_semaphore_info(struct sfshm *, const void *, size_t,
			 struct sfshm_semaphore_info *);
int sfshm_save_begin(struct sfshm *, const void *, size_t, const char *,
		     const struct sfshm_save_options *, struct sfshm_save *,
		     struct sfshm_save_info *);
int sfshm_save_fd(const struct sfshm_save *);
int sfshm_save_publish(struct sfshm_save *);
int sfshm_save_get(struct sfshm *, const void *, size_t,
		   struct sfshm_save_info *);
int sfshm_view_open(struct sfshm_view **, const char *, char *, size_t);
void sfshm_view_close(struct sfshm_view *);
int sfshm_view_segment(struct sfshm_view *, struct sfshm_segment_info *);
int sfshm_view_participant(struct sfshm_view *, uint32_t,
			   struct sfshm_participant_info *);
int sfshm_view_slot(struct sfshm_view *, uint32_t, struct sfshm_slot_info *);

#endif
