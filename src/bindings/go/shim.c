/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "shim.h"

/* A larger buffer is not kept from one call to the next. */
#define KEPT_BUFFER (64 << 10)

/* A thread that the gate has let in. */
struct inside {
	struct sfshm_result hit;
};

unsigned go_threads = 8;
static atomic_uint count;
static __thread struct inside *inside;
static pthread_key_t ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

static void leave(void *it)
{
	struct inside *gone = it;

	inside = NULL;
	sfshm_result_clear(&gone->hit);
	free(gone);
	atomic_fetch_sub(&count, 1);
}

static void make_key(void)
{
	has_key = pthread_key_create(&ends, leave) == 0;
}

static int let_in(void)
{
	struct inside *mine;

	pthread_once(&once, make_key);
	mine = has_key ? calloc(1, sizeof(*mine)) : NULL;
	if (!mine || pthread_setspecific(ends, mine) != 0) {
		free(mine);
		return -ENOMEM;
	}
	mine->hit.size = sizeof(mine->hit);
	inside = mine;
	return 0;
}

int go_thread_enter(void)
{
	if (inside)
		return 0;
	atomic_fetch_add(&count, 1);
	if (let_in() == 0)
		return 0;
	atomic_fetch_sub(&count, 1);
	return -ENOMEM;
}

unsigned go_thread_count(void)
{
	return atomic_load(&count);
}

static bool try_to_enter(void)
{
	unsigned now = atomic_load(&count);

	do {
		if (now >= go_threads)
			return false;
	} while (!atomic_compare_exchange_weak(&count, &now, now + 1));
	if (let_in() == 0)
		return true;
	atomic_fetch_sub(&count, 1);
	return false;
}

static inline bool gate(void)
{
	return __builtin_expect(inside != NULL, 1) || try_to_enter();
}

bool go_thread_try(void)
{
	return gate();
}

int go_library_fits(void)
{
	char *end;
	unsigned long major = strtoul(sfshm_version(), &end, 10);
	unsigned long minor = *end ? strtoul(end + 1, NULL, 10) : 0;

	return major == SFSHM_VERSION_MAJOR && minor >= SFSHM_VERSION_MINOR;
}

struct sfshm *go_open(const char *name, struct sfshm_options *options,
		      char *why, size_t why_size)
{
	options->why = why;
	options->why_size = why_size;
	return sfshm_shared(name, options);
}

struct go_length go_get(const char *at, go_bytes key, size_t key_len, char *buf,
			size_t cap)
{
	struct sfshm *handle = (struct sfshm *)(uintptr_t)at;
	struct go_length got = { GO_ELSEWHERE, 0 };
	struct sfshm_result *hit;

	if (!gate())
		return got;
	hit = &inside->hit;
	got.rc = sfshm_get(handle, key, key_len, hit);
	if (got.rc < 0)
		return got;
	got.len = hit->value.len;
	if (got.len > cap)
		got.rc = -ERANGE;
	else if (got.len)
		memcpy(buf, hit->value.data, got.len);
	if (hit->value.cap > KEPT_BUFFER)
		sfshm_result_clear(hit);
	return got;
}

int go_peek(struct sfshm *handle, go_bytes key, size_t key_len,
	    struct go_call *call)
{
	return gate() ? sfshm_peek(handle, key, key_len, &call->policy,
				   &call->result) :
			GO_ELSEWHERE;
}

int go_put(struct sfshm *handle, go_bytes key, size_t key_len,
	   const struct go_call *call, go_bytes data, size_t len, go_bytes tags,
	   const size_t *tag_lens, int tag_count)
{
	struct iovec tag[SFSHM_TAGS_MAX];
	char *at = (char *)tags;
	int i;

	if (!gate())
		return GO_ELSEWHERE;
	for (i = 0; i < tag_count && i < SFSHM_TAGS_MAX; i++) {
		tag[i] = (struct iovec){ at, tag_lens[i] };
		at += tag_lens[i];
	}
	return sfshm_put_tagged(handle, key, key_len, &call->policy, data, len,
				tag, tag_count);
}

int go_invalidate(struct sfshm *handle, go_bytes key, size_t key_len,
		  uint32_t flags)
{
	return gate() ? sfshm_invalidate(handle, key, key_len, flags) :
			GO_ELSEWHERE;
}

int go_invalidate_all(struct sfshm *handle, uint32_t flags)
{
	return gate() ? sfshm_invalidate_all(handle, flags) : GO_ELSEWHERE;
}

int go_invalidate_tag(struct sfshm *handle, go_bytes tag, size_t len)
{
	return gate() ? sfshm_invalidate_tag(handle, tag, len) : GO_ELSEWHERE;
}

struct go_call *go_call_new(struct sfshm *handle, go_bytes key, size_t key_len,
			    uint64_t id)
{
	struct go_call *call = calloc(1, sizeof(*call) + key_len);

	if (!call)
		return NULL;
	call->handle = handle;
	call->policy.size = sizeof(call->policy);
	call->result.size = sizeof(call->result);
	call->wait.data = (void *)(uintptr_t)id;
	call->key_len = key_len;
	if (key_len)
		memcpy(call->key, key, key_len);
	return call;
}

int go_call_free(struct go_call *call)
{
	if (!gate())
		return GO_ELSEWHERE;
	go_call_release(call);
	sfshm_result_clear(&call->result);
	free(call);
	return 0;
}

int go_call_begin(struct go_call *call, struct sfshm_queue *queue)
{
	return gate() ? sfshm_begin_async(queue, call->handle, call->key,
					  call->key_len, &call->policy,
					  &call->flight.host, &call->result,
					  &call->wait) :
			GO_ELSEWHERE;
}

int go_call_try(struct go_call *call)
{
	struct sfshm_policy policy = call->policy;

	policy.flags |= SFSHM_TRY;
	return gate() ?
		       sfshm_begin(call->handle, call->key, call->key_len,
				   &policy, &call->flight.host, &call->result) :
		       GO_ELSEWHERE;
}

int go_call_finish(struct go_call *call, struct sfshm_queue *queue)
{
	return gate() ? sfshm_wait_finish(queue, &call->wait,
					  &call->flight.host, &call->result) :
			GO_ELSEWHERE;
}

int go_call_cancel(struct go_call *call, struct sfshm_queue *queue)
{
	return gate() ? sfshm_wait_cancel(queue, &call->wait) : GO_ELSEWHERE;
}

int go_call_tag(struct go_call *call, go_bytes tag, size_t len)
{
	return gate() ? sfshm_flight_tag(&call->flight.host, tag, len) :
			GO_ELSEWHERE;
}

static int publish_once(struct go_call *call, go_bytes data, size_t len)
{
	return call->fleet ? sfshm_fleet_publish(&call->flight, data, len) :
			     sfshm_publish(&call->flight.host, data, len);
}

int go_call_publish(struct go_call *call, go_bytes data, size_t len)
{
	int rc;

	if (!gate())
		return GO_ELSEWHERE;
	rc = publish_once(call, data, len);
	if (rc == -EMSGSIZE || rc == -ENOSPC) {
		sfshm_flight_uncacheable(&call->flight.host, 0);
		rc = publish_once(call, data, len);
	}
	if (rc < 0)
		go_call_release(call);
	return rc;
}

int go_call_fail(struct go_call *call, int code, const char *message)
{
	int rc;

	if (!gate())
		return GO_ELSEWHERE;
	rc = call->fleet ? sfshm_fleet_fail(&call->flight, code, message) :
			   sfshm_fail(&call->flight.host, code, message);
	if (rc < 0)
		go_call_release(call);
	return rc;
}

int go_call_extend(struct go_call *call, uint32_t ms)
{
	return gate() ? sfshm_extend(&call->flight.host, ms) : GO_ELSEWHERE;
}

uint64_t go_queue_next(struct sfshm_queue *queue)
{
	struct sfshm_wait wait;

	return sfshm_queue_next(queue, &wait) == 1 ?
		       (uint64_t)(uintptr_t)wait.data :
		       0;
}
