-- SPDX-License-Identifier: MIT
--
-- Declares what this binding uses of sfshm.ffi.h, and loads the library. The
-- names of structs are those of the header, so that a program may declare both.

local ffi = require("ffi")

local VERSION = "0.1.0"

local _, declared = pcall(ffi.typeof, "struct sfshm_policy")
if type(declared) ~= "cdata" then
	ffi.cdef([[
struct sfshm_buf {
	void *data;
	size_t len;
	size_t cap;
};
struct sfshm_result {
	size_t size;
	int32_t source;
	int32_t code;
	uint8_t leader;
	uint8_t shared;
	uint8_t owner_died;
	uint8_t uncached;
	uint8_t stale;
	uint8_t coordinated;
	uint8_t fleet;
	uint8_t reserved;
	uint64_t generation;
	uint64_t age_ns;
	struct sfshm_buf value;
	char message[256];
};
struct sfshm_options {
	size_t size;
	uint32_t flags;
	uint32_t slots;
	uint32_t participants;
	uint32_t max_value;
	uint64_t bytes;
	uint32_t mode;
	uint32_t owner;
	uint32_t group;
	char *why;
	size_t why_size;
};
typedef int (*sfshm_opinion_fn)(const struct sfshm_result *result, void *arg);
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
	struct sfshm_cancel *cancel;
	uint32_t lock_age_ms;
	uint32_t breaker_deaths;
	uint32_t breaker_ms;
	double beta;
	const void *claim_key;
	size_t claim_key_len;
	sfshm_opinion_fn fresh;
	sfshm_opinion_fn fits;
	void *arg;
	int (*interrupted)(void *arg);
	uint64_t task;
};
struct sfshm_flight {
	uint64_t opaque[40];
};
struct sfshm_wait {
	uint64_t number;
	void *data;
};
const char *sfshm_version(void);
const char *sfshm_strerror(int error);
struct sfshm *sfshm_shared(const char *name,
			   const struct sfshm_options *options);
int sfshm_get(struct sfshm *handle, const void *key, size_t key_len,
	      struct sfshm_result *result);
int sfshm_peek(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_policy *policy, struct sfshm_result *result);
int sfshm_begin(struct sfshm *handle, const void *key, size_t key_len,
		const struct sfshm_policy *policy, struct sfshm_flight *flight,
		struct sfshm_result *result);
int sfshm_publish(struct sfshm_flight *flight, const void *data, size_t len);
int sfshm_fail(struct sfshm_flight *flight, int code, const char *message);
void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms);
void sfshm_flight_uncacheable(struct sfshm_flight *flight, uint32_t ms);
void sfshm_flight_cleanup(struct sfshm_flight *flight);
int sfshm_put(struct sfshm *handle, const void *key, size_t key_len,
	      const struct sfshm_policy *policy, const void *data, size_t len);
int sfshm_invalidate(struct sfshm *handle, const void *key, size_t key_len,
		     uint32_t flags);
int sfshm_invalidate_all(struct sfshm *handle, uint32_t flags);
void sfshm_result_clear(struct sfshm_result *result);
struct sfshm_queue;
int sfshm_queue_open(struct sfshm_queue **queue);
int sfshm_queue_listen(struct sfshm_queue *queue, const char *path);
int sfshm_queue_accept(struct sfshm_queue *queue);
int sfshm_queue_next(struct sfshm_queue *queue, struct sfshm_wait *wait);
int sfshm_begin_async(struct sfshm_queue *queue, struct sfshm *handle,
		      const void *key, size_t key_len,
		      const struct sfshm_policy *policy,
		      struct sfshm_flight *flight, struct sfshm_result *result,
		      struct sfshm_wait *wait);
int sfshm_wait_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		      struct sfshm_flight *flight,
		      struct sfshm_result *result);
int sfshm_wait_cancel(struct sfshm_queue *queue,
		      const struct sfshm_wait *wait);
]])
end

local _M = {
	VERSION = VERSION,
	KEY_MAX = 1024,
	FOREVER = 0xffffffff,
	-- sources
	CACHED = 0,
	AWAITED = 1,
	LEADER = 2,
	-- flags
	CREATE = 1,
	HARD = 1,
	TRY = 1,
	STALE_ON_TIMEOUT = 16,
	DETACHED = 2048,
	RETRY_ON_FAILURE = 32,
	-- errors, as on all Linux but mips, parisc, alpha and sparc
	ENOENT = -2,
	EIO = -5,
	ENOMEM = -12,
	EBUSY = -16,
	ENOSPC = -28,
	EDEADLK = -35,
	ENODATA = -61,
	EBADMSG = -74,
	EUSERS = -87,
	EMSGSIZE = -90,
	EOPNOTSUPP = -95,
	ESHUTDOWN = -108,
	ETIMEDOUT = -110,
	EINPROGRESS = -115,
	EREMOTEIO = -121,
}

local C = ffi.load("libsfshm.so.0")
local found = ffi.string(C.sfshm_version())
local major, minor = found:match("^(%d+)%.(%d+)")
local my_major, my_minor = VERSION:match("^(%d+)%.(%d+)")

if major ~= my_major or tonumber(minor) < tonumber(my_minor) then
	error("resty.sfshm is built for libsfshm " .. VERSION ..
		", and the system has " .. found ..
		": install the former, or copy the binding anew")
end
_M.C = C
_M.found = found

function _M.message(rc)
	return ffi.string(C.sfshm_strerror(rc))
end

return _M
