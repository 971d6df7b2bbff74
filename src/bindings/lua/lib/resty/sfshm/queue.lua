-- SPDX-License-Identifier: MIT
--
-- Waits of this worker. The library watches them; when one may be over, it
-- writes a byte to a socket on which a light thread of a timer reads, and that
-- thread posts the semaphore on which the wait's coroutine sleeps.
--
-- The light thread exists while there is a wait, and for LINGER after the last
-- one, so it does not keep a worker from its graceful end. In order:
--
--	begin: number the wait, list it; start the thread unless it runs
--	thread: listen, connect, accept; drain; read a byte, drain, read ...
--	drain: post the semaphore of each wait that the queue names
--	coroutine: finish the wait; if it goes on, sleep again, else unlist it
--	any earlier end of the coroutine: drop() cancels the wait and unlists it
--
-- A wait that becomes ready after a drain makes the library write, so none is
-- missed. A coroutine that is destroyed (ngx.exit, a client that closes) drops
-- its wait in release() or when the wait is collected.

local ffi = require("ffi")
local semaphore = require("ngx.semaphore")
local library = require("resty.sfshm.libsfshm")

local C = library.C
local LINGER = 1 -- seconds
local PAUSE = 0.02 -- seconds, where there is no socket
local LONG = 86400 -- seconds
local FOLDERS = { "/dev/shm", "/tmp" }

local _M = {}

local queue -- of this worker
local told = ffi.new("struct sfshm_wait")
local waits = {} -- semaphores, by number
local last = 0 -- number of a wait
local count = 0 -- of the waits in `waits`
local running = false -- the light thread
local idle = false -- the light thread sleeps on `stir`
local stir -- a semaphore: something for the light thread to do
local broken = false -- the connection

local function open()
	local out = ffi.new("struct sfshm_queue *[1]")
	local rc = C.sfshm_queue_open(out)
	if rc == 0 then
		queue = out[0]
		stir = semaphore.new()
	end
	return rc
end

local function drain()
	while C.sfshm_queue_next(queue, told) == 1 do
		local number = tonumber(ffi.cast("uintptr_t", told.data))
		local sleeper = waits[number]
		if sleeper then
			sleeper:post(1)
		end
	end
end

local function listen(socket)
	local why
	for _, folder in ipairs(FOLDERS) do
		local path = folder .. "/sfshm-lua." .. ngx.worker.pid()
		local rc = C.sfshm_queue_listen(queue, path)
		if rc == 0 then
			local ok
			ok, why = socket:connect("unix:" .. path)
			if ok then
				rc = C.sfshm_queue_accept(queue)
				if rc == 0 then
					return true
				end
				socket:close()
			end
		end
		why = why or path .. ": " .. library.message(rc)
	end
	return nil, why
end

local function stir_thread()
	if idle then
		idle = false
		stir:post(1)
	end
end

-- The reader, a light thread of its own.
local function read(socket)
	repeat
		drain()
	until not socket:receiveany(4096)
	broken = true
	stir_thread()
end

-- Returns when the connection is broken, or when no wait has been there for a
-- while.
local function tend()
	while not broken do
		if count > 0 then
			idle = true
			stir:wait(LONG)
			idle = false
		else
			local before = last
			ngx.sleep(LINGER)
			if count == 0 and last == before then
				return
			end
		end
	end
end

local function by_socket()
	local socket = ngx.socket.tcp()
	socket:settimeouts(1000, 1000, 0x7fffffff)
	local ok, why = listen(socket)
	if not ok then
		return nil, why
	end
	broken = false
	local reader = ngx.thread.spawn(read, socket)
	tend()
	if not broken then
		ngx.thread.kill(reader)
	end
	socket:close()
	return true
end

local function serve()
	while true do
		local ok, why = by_socket()
		if not ok then
			ngx.log(ngx.WARN, "sfshm: no socket, so waits are polled: ", why)
			while count > 0 do
				drain()
				ngx.sleep(PAUSE)
			end
		end
		if count == 0 then
			break
		end
	end
	running = false
end

local function thread()
	local ok, why = pcall(serve)
	if not ok then
		running = false
		ngx.log(ngx.ERR, "sfshm: ", why)
		for _, sleeper in pairs(waits) do
			sleeper:post(1) -- each finishes, and starts the thread
		end
	end
end

-- Returns true; or nil if this worker can start no timer.
local function start()
	if running then
		return true
	end
	running = true
	running = ngx.timer.at(0, thread) and true or false
	return running
end

local function unlist(wait)
	local number = tonumber(ffi.cast("uintptr_t", wait.data))
	if not waits[number] then
		return
	end
	waits[number] = nil
	count = count - 1
	if count == 0 then
		stir_thread()
	end
end

-- drop: ends a wait, unless it is over.
function _M.drop(wait)
	if wait.number ~= 0 then
		C.sfshm_wait_cancel(queue, wait)
		wait.number = 0
	end
	unlist(wait)
end

-- begin: sfshm_begin_async(). Returns the outcome and, if that is EINPROGRESS,
-- the wait.
function _M.begin(handle, key, policy, flight, result)
	if not queue then
		local rc = open()
		if rc ~= 0 then
			return library.EOPNOTSUPP
		end
	end
	local wait = ffi.new("struct sfshm_wait")
	last = last + 1
	wait.data = ffi.cast("void *", ffi.cast("uintptr_t", last))
	local rc = C.sfshm_begin_async(queue, handle, key, #key, policy, flight,
		result, wait)
	if rc ~= library.EINPROGRESS then
		return rc
	end
	waits[last] = semaphore.new()
	count = count + 1
	wait = ffi.gc(wait, _M.drop)
	if not start() then
		_M.drop(wait)
		return library.EOPNOTSUPP
	end
	return rc, wait
end

-- sleep: until the wait may be over. Returns false if the light thread cannot
-- be started again.
function _M.sleep(wait)
	local number = tonumber(ffi.cast("uintptr_t", wait.data))
	if not start() then
		return false
	end
	waits[number]:wait(LONG)
	return true
end

function _M.finish(wait, flight, result)
	local rc = C.sfshm_wait_finish(queue, wait, flight, result)
	if rc ~= library.EINPROGRESS and rc ~= library.EBUSY then
		wait.number = 0
		unlist(wait)
		ffi.gc(wait, nil)
	end
	return rc
end

return _M
