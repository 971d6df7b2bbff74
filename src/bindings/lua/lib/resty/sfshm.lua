-- SPDX-License-Identifier: MIT
--
-- resty.sfshm: a cache in shared memory for nginx's Lua, with the interface of
-- lua-resty-mlcache. One worker of the host makes a value, and the others get
-- it; a coroutine that waits does not block its worker.
--
-- Each call through the FFI is made with bytes and numbers only: no function in
-- Lua is called back. `result` and `policy` are shared by all
-- coroutines: none yields between the call that fills one in and its last use.

local ffi = require("ffi")
local base = require("resty.core.base")
local bulks = require("resty.sfshm.bulk")
local library = require("resty.sfshm.libsfshm")
local options = require("resty.sfshm.options")
local queue = require("resty.sfshm.queue")
local values = require("resty.sfshm.values")

local C = library.C
local decode, encode = values.decode, values.encode
local life, ms = options.life, options.ms
local max = math.max

local KEPT_BUFFER = 65536 -- a larger one is not kept for the next call

local _M = {
	_VERSION = library.VERSION,
	new_bulk = bulks.new,
	each_bulk_res = bulks.each,
}
local mt = { __index = _M }

-- The phases in which a coroutine can wait.
local WAITS = {
	rewrite = true,
	server_rewrite = true,
	access = true,
	content = true,
	preread = true,
	timer = true,
	ssl_cert = true,
	ssl_client_hello = true,
	ssl_session_fetch = true,
}
local NO_REQUEST = { init = true, init_worker = true, exit_worker = true }

-- Errors after which each caller runs its own callback, because the segment
-- has no room or cannot be used.
local ALONE = {
	[library.ENOSPC] = true,
	[library.EUSERS] = true,
	[library.ESHUTDOWN] = true,
	[library.EBADMSG] = true,
	[library.ENOMEM] = true,
}

local result = ffi.new("struct sfshm_result")
result.size = ffi.sizeof(result)
local policy = ffi.new("struct sfshm_policy")
local why = ffi.new("char[256]")

-- A request's coroutine is a task: one that asks for what it leads gets an
-- error. nginx gives the coroutine of an ended request to a later one.
local last_task = 0

local function task()
	local co = coroutine.running()
	if not co or NO_REQUEST[ngx.get_phase()] then
		return 0
	end
	local ctx = ngx.ctx
	local tasks = ctx.sfshm_tasks
	if not tasks then
		tasks = setmetatable({}, { __mode = "k" })
		ctx.sfshm_tasks = tasks
	end
	if not tasks[co] then
		last_task = last_task + 1
		tasks[co] = last_task
	end
	return tasks[co]
end

local function fill(o, flags)
	ffi.fill(policy, ffi.sizeof(policy))
	policy.size = ffi.sizeof(policy)
	policy.flags = flags
	policy.ttl_ms = life(o.ttl)
	policy.grace_ms = ms(o.grace)
	policy.stale_if_error_ms = ms(o.resurrect_ttl)
	policy.wait_timeout_ms = max(ms(o.timeout), 1)
	policy.lock_age_ms = ms(o.lease)
	policy.task = task()
	return policy
end

-- A request's list has what the request leads and waits for; release() empties
-- it. The list is in ngx.ctx. An internal redirect (error_page, ngx.exec) clears
-- ngx.ctx, so the list is here as well, by the request's address, which stays. If
-- there is a list here, but none in ngx.ctx, the coroutines that filled the list
-- have ended: they were of this request, before its redirect, or of an earlier
-- request at that address.
local lists = setmetatable({}, { __mode = "v" })

local get_request = base.get_request or function()
	return getfenv(0).__ngx_req
end

local function address()
	return tonumber(ffi.cast("uintptr_t", get_request()))
end

local function empty(list)
	local n = 0
	for thing, give_back in pairs(list or {}) do
		give_back(thing)
		list[thing] = nil
		n = n + 1
	end
	return n
end

local function owned()
	if NO_REQUEST[ngx.get_phase()] then
		return {}
	end
	local ctx = ngx.ctx
	if not ctx.sfshm_owned then
		local request, list = address(), {}
		empty(lists[request])
		ctx.sfshm_owned, lists[request] = list, list
	end
	return ctx.sfshm_owned
end

-- release: gives back what the request leads and waits for; for log_by_lua.
-- Returns how many things it was.
function _M.release()
	return empty(ngx.ctx.sfshm_owned or lists[address()])
end

-- serialized: the value as l1_serializer makes it.
local function serialized(serialize, value, level)
	if serialize and value ~= nil then
		local ok, made, err = pcall(serialize, value)
		if not ok then
			return nil, "l1_serializer threw an error: " .. tostring(made)
		elseif made == nil then
			return nil, err or "l1_serializer returned a nil value"
		end
		value = made
	end
	return value, nil, level
end

-- taken: the value in `result`. Returns value, err, level.
local function taken(serialize, level)
	local ok, value = pcall(decode, result.value)
	if result.value.cap > KEPT_BUFFER then
		C.sfshm_result_clear(result)
	end
	if not ok then
		return nil, "could not decode the value: " .. tostring(value)
	end
	return serialized(serialize, value, level)
end

-- old: an old value that may serve in place of an error
local function old(cache, key, o, err)
	if o.resurrect_ttl > 0 or o.grace > 0 then
		local rc = C.sfshm_peek(cache.handle, key, #key,
			fill(o, library.RETRY_ON_FAILURE), result)
		if rc == library.CACHED then
			return taken(o.l1_serializer, result.stale == 1 and 4 or 2)
		end
	end
	return nil, err
end

local function publish(flight, bytes, lifetime)
	C.sfshm_flight_ttl(flight, lifetime, 0)
	local rc = C.sfshm_publish(flight, bytes, #bytes)
	if rc == library.EMSGSIZE or rc == library.ENOSPC then
		C.sfshm_flight_uncacheable(flight, 0)
		C.sfshm_publish(flight, bytes, #bytes)
	end
end

local function fail(flight, o, err)
	-- With an old value to serve, the callback has a pause.
	local pause = o.error_ttl
	if pause == 0 and o.resurrect_ttl > 0 then
		pause = math.min(1, o.resurrect_ttl)
	end
	C.sfshm_flight_ttl(flight, 0, ms(pause))
	C.sfshm_fail(flight, library.EIO, err)
end

-- made: what the callback has returned, as bytes. Returns bytes, lifetime; or
-- nil, err.
local function made(o, ok, value, err, ttl)
	if not ok then
		return nil, "callback threw an error: " .. tostring(value)
	elseif err ~= nil then
		return nil, tostring(err)
	elseif ttl ~= nil and type(ttl) ~= "number" then
		return nil, "bad ttl value: expected number, got " .. type(ttl)
	end
	local encoded, bytes = pcall(encode, value)
	if not encoded then
		return nil, "could not encode the value: " .. tostring(bytes)
	end
	return bytes, life(ttl or (value == nil and o.neg_ttl or o.ttl))
end

-- lead: runs the callback and ends the flight. Without a flight, only runs the
-- callback.
local function lead(cache, key, o, flight, callback, ...)
	local list = flight and owned()
	if flight then
		list[flight] = C.sfshm_flight_cleanup
	end
	local ok, value, err, ttl = pcall(callback, ...)
	local bytes, more = made(o, ok, value, err, ttl)
	if flight then
		if bytes then
			publish(flight, bytes, more)
		else
			fail(flight, o, more)
		end
		list[flight] = nil
		C.sfshm_flight_cleanup(flight)
		ffi.gc(flight, nil)
	end
	if not bytes then
		return old(cache, key, o, more)
	end
	return serialized(o.l1_serializer, value, 3)
end

-- look_again: waits where the library cannot watch the wait.
local function look_again(cache, key, o, flags, flight)
	local deadline, pause, rc = ngx.now() + o.timeout, 0.001, nil
	while true do
		rc = C.sfshm_begin(cache.handle, key, #key,
			fill(o, flags + library.TRY), flight, result)
		if rc ~= library.EBUSY then
			return rc
		elseif ngx.now() >= deadline then
			return library.ETIMEDOUT
		end
		ngx.sleep(pause)
		pause = math.min(pause * 2, 0.02)
	end
end

-- ask: like sfshm_begin(); only this coroutine waits.
local function ask(cache, key, o, flight)
	local flags = library.DETACHED
	if not WAITS[ngx.get_phase()] then
		return C.sfshm_begin(cache.handle, key, #key,
			fill(o, flags + library.TRY), flight, result)
	end
	local rc, wait = queue.begin(cache.handle, key, fill(o, flags), flight, result)
	if rc == library.EINPROGRESS then
		local list = owned()
		list[wait] = queue.drop
		while rc == library.EINPROGRESS and queue.sleep(wait) do
			rc = queue.finish(wait, flight, result)
		end
		list[wait] = nil
		if rc == library.EINPROGRESS then
			queue.drop(wait)
			rc = library.EOPNOTSUPP
		end
	end
	if rc == library.EOPNOTSUPP then
		return look_again(cache, key, o, flags, flight)
	end
	return rc
end

local function coordinate(cache, key, o, callback, ...)
	local flight = ffi.gc(ffi.new("struct sfshm_flight"), C.sfshm_flight_cleanup)
	local rc = ask(cache, key, o, flight)
	if rc == library.LEADER then
		return lead(cache, key, o, flight, callback, ...)
	end
	ffi.gc(flight, nil)
	if rc >= 0 then
		return taken(o.l1_serializer, result.stale == 1 and 4 or 2)
	elseif rc == library.ENOENT then -- made in another language
		return nil, nil, 2
	elseif rc == library.EREMOTEIO then
		return nil, ffi.string(result.message)
	elseif ALONE[rc] then
		return lead(cache, key, o, nil, callback, ...)
	elseif rc == library.EBUSY then
		return old(cache, key, o, "busy")
	elseif rc == library.ETIMEDOUT then
		return old(cache, key, o, "timeout")
	elseif rc == library.EDEADLK then
		return nil, "deadlock: the callback asks for its own key"
	end
	return nil, library.message(rc)
end

-- get: the key's value; its callback runs if there is none and no other caller
-- on this host runs its own. Returns value, err, level: 2, the value was there;
-- 3, this caller has made it; 4, it is an old one; -1, there is none, and no
-- callback.
function _M:get(key, opts, callback, ...)
	if type(key) ~= "string" then
		error("key must be a string", 2)
	end
	local mine = self.opts
	local rc = C.sfshm_get(self.handle, key, #key, result)
	if rc == 0 then
		local serialize = opts and opts.l1_serializer or mine.l1_serializer
		return taken(serialize, 2)
	elseif rc == library.ENOENT then
		return nil, nil, 2
	elseif callback == nil then
		if rc == library.ENODATA or rc == library.EREMOTEIO then
			return nil, nil, -1
		end
		return nil, library.message(rc)
	elseif type(callback) ~= "function" then
		error("callback must be a function", 2)
	end
	return coordinate(self, key, options.of_call(opts, mine), callback, ...)
end

-- peek: looks at a value and waits for nothing. Returns its age in seconds,
-- err, the value, and whether it is an old one (only with `stale`); or nil.
function _M:peek(key, stale)
	if type(key) ~= "string" then
		error("key must be a string", 2)
	end
	local rc
	if stale then
		rc = C.sfshm_peek(self.handle, key, #key, fill(self.opts,
			library.STALE_ON_TIMEOUT + library.RETRY_ON_FAILURE), result)
	else
		rc = C.sfshm_get(self.handle, key, #key, result)
	end
	if rc == 0 then
		local age, was_stale = tonumber(result.age_ns) / 1e9, result.stale == 1
		local value, err = taken()
		return not err and age or nil, err, value, was_stale
	elseif rc == library.ENODATA or rc == library.ENOENT or
		rc == library.EREMOTEIO then
		return nil
	end
	return nil, library.message(rc)
end

-- set: stores a value, even while a callback runs for the key, whose value then
-- is not stored. Returns true; or nil, err.
function _M:set(key, opts, value)
	if type(key) ~= "string" then
		error("key must be a string", 2)
	end
	local o = options.of_call(opts, self.opts)
	local ok, bytes = pcall(encode, value)
	if not ok then
		return nil, "could not encode the value: " .. tostring(bytes)
	end
	fill(o, 0)
	policy.ttl_ms = life(value == nil and o.neg_ttl or o.ttl)
	local rc = C.sfshm_put(self.handle, key, #key, policy, bytes, #bytes)
	if rc < 0 then
		return nil, library.message(rc)
	end
	return true
end

-- delete: removes a value; a callback that runs for the key does not store its
-- own. Returns true; or nil, err.
function _M:delete(key)
	if type(key) ~= "string" then
		error("key must be a string", 2)
	end
	local rc = C.sfshm_invalidate(self.handle, key, #key, library.HARD)
	if rc < 0 and rc ~= library.ENODATA then
		return nil, library.message(rc)
	end
	return true
end

-- purge: delete() of all keys.
function _M:purge()
	local rc = C.sfshm_invalidate_all(self.handle, library.HARD)
	if rc < 0 then
		return nil, library.message(rc)
	end
	return true
end

-- update: does nothing, because no worker keeps copies, which another worker's
-- change would make wrong.
function _M.update()
	return true
end

-- get_bulk: get() for many keys, at most opts.concurrency (3) at a time.
function _M:get_bulk(bulk, opts)
	return bulks.get(self, bulk, opts, WAITS[ngx.get_phase()])
end

-- new: opens the segment `name`, or makes it; nil: the user's default one.
-- Returns the cache; or nil, err.
function _M.new(name, opts)
	if name ~= nil and type(name) ~= "string" then
		error("name must be a string", 2)
	end
	local mine, segment = options.of_cache(opts)
	local ask_for = ffi.new("struct sfshm_options")
	ask_for.size = ffi.sizeof(ask_for)
	ask_for.flags = library.CREATE
	ask_for.why, ask_for.why_size = why, ffi.sizeof(why)
	for option, value in pairs(segment) do
		ask_for[option] = value
	end
	local handle = C.sfshm_shared(name, ask_for)
	if handle == nil then
		return nil, ffi.string(why)
	end
	return setmetatable({ handle = handle, opts = mine, name = name }, mt)
end

return _M
