/* SPDX-License-Identifier: MIT */
/*
 * The library's calls for the Go code, each behind a gate that bounds how many
 * threads of the process take participant records.
 *
 * Go moves goroutines among threads, so any of its threads may come to make a
 * call. The gate lets a thread in for good while fewer than go_threads are in;
 * it turns the others away with GO_ELSEWHERE, and the Go code makes the call
 * again on one of its own threads (threads.go), which are always let in. A
 * thread that ends makes room for another one.
 */
#ifndef SFSHM_GO_SHIM_H
#define SFSHM_GO_SHIM_H

#include <stdbool.h>
#include <sfshm.h>
#include <sfshm/fleet.h>

#if SFSHM_VERSION_MAJOR != 0 || SFSHM_VERSION_MINOR < 1
#error "sfshm for Go needs the headers of sfshm 0.1 or a later 0.x"
#endif

/* No error of the library has this number. */
#define GO_ELSEWHERE (-100000)

/* The bytes of a Go string or slice. Cgo looks for pointers behind a void *,
   but not behind this. */
typedef const char *go_bytes;

/* An outcome, and the length of the value. */
struct go_length {
	int rc;
	size_t len;
};

/* One flight, or one wait for it, of this process. */
struct go_call {
	struct sfshm *handle;
	struct sfshm_policy policy;
	struct sfshm_fleet *fleet; /* NULL: the flight is this host's alone */
	struct sfshm_fleet_flight flight;
	struct sfshm_result result;
	struct sfshm_wait wait;
	struct sfshm_cancel cancel; /* for go_call_fleet_begin() */
	size_t key_len;
	char key[];
};

/* The threads that may be let in at a time. The first Open sets it. */
extern unsigned go_threads;

/* Lets the calling thread in, whatever the number. */
int go_thread_enter(void);
/* Lets it in if there is room for it, or if it is in already. */
bool go_thread_try(void);
/* How many threads are in. */
unsigned go_thread_count(void);

/* Whether the library is at least as new as the headers of this build. */
int go_library_fits(void);

struct sfshm *go_open(const char *name, struct sfshm_options *options,
		      char *why, size_t why_size);

/* `at` is the handle. Go 1.19 allocates to pass a struct that it knows nothing
   of, so the Go code calls it a char. */
struct go_length go_get(const char *at, go_bytes key, size_t key_len, char *buf,
			size_t cap);
int go_peek(struct sfshm *handle, go_bytes key, size_t key_len,
	    struct go_call *call);
int go_put(struct sfshm *handle, go_bytes key, size_t key_len,
	   const struct go_call *call, go_bytes data, size_t len, go_bytes tags,
	   const size_t *tag_lens, int tag_count);
int go_invalidate(struct sfshm *handle, go_bytes key, size_t key_len,
		  uint32_t flags);
int go_invalidate_all(struct sfshm *handle, uint32_t flags);
int go_invalidate_tag(struct sfshm *handle, go_bytes tag, size_t len);

/* `id` comes back from go_queue_next(). NULL: there is no memory. */
struct go_call *go_call_new(struct sfshm *handle, go_bytes key, size_t key_len,
			    uint64_t id);
/* Releases the flight unless it has ended, and frees the call. */
int go_call_free(struct go_call *call);
int go_call_begin(struct go_call *call, struct sfshm_queue *queue);
/* go_call_begin() that does not wait: -EBUSY while another caller leads. */
int go_call_try(struct go_call *call);
int go_call_finish(struct go_call *call, struct sfshm_queue *queue);
int go_call_cancel(struct go_call *call, struct sfshm_queue *queue);
int go_call_tag(struct go_call *call, go_bytes tag, size_t len);
/* Ends the flight. A value that the segment has no room for goes to nobody
   else, and the next callers lead. */
int go_call_publish(struct go_call *call, go_bytes data, size_t len);
int go_call_fail(struct go_call *call, int code, const char *message);
int go_call_extend(struct go_call *call, uint32_t ms);

/* The id of the next wait that may be over; 0: there is none. */
uint64_t go_queue_next(struct sfshm_queue *queue);

/* NULL, with a line in `why`: there is no engine, or the library refuses. */
struct sfshm_fleet *go_fleet_open(struct sfshm *handle, const char *url,
				  struct sfshm_fleet_options *options,
				  char *why, size_t why_size);
/* Sleeps while another caller leads. *away: this caller leads for its host
   alone, because the engine is away. */
int go_call_fleet_begin(struct go_call *call, struct sfshm_fleet *fleet,
			int *away);
/* Releases the flight unless it has ended. May sleep in a fleet. */
int go_call_release(struct go_call *call);
int go_fleet_invalidate(struct sfshm_fleet *fleet, go_bytes key, size_t key_len,
			uint32_t flags);

#endif
