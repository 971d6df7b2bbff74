-- SPDX-License-Identifier: MIT
--
-- The pages of the server in the tests of the Lua binding.

local ffi = require("ffi")
local sfshm = require("resty.sfshm")

ffi.cdef([[
struct sfshm_test_time {
	long sec;
	long nsec;
};
int clock_gettime(int clock, struct sfshm_test_time *time);
]])

local cache = assert(sfshm.new(os.getenv("SEGMENT"), {
	ttl = 3600,
	timeout = 300,
	lease = 3600,
}))

local _M = {}
local pages = {}

local function now()
	local time = ffi.new("struct sfshm_test_time")
	ffi.C.clock_gettime(1, time)
	return tonumber(time.sec) * 1000000000 + tonumber(time.nsec)
end

-- note: a line in the file RUNS: the key, the process, the time
local function note(key)
	local file = assert(io.open(os.getenv("RUNS"), "a"))
	file:write(string.format("%s %d %.0f\n", key, ngx.worker.pid(), now()))
	file:close()
end

local function exists(path)
	local file = io.open(path)
	return file and file:close()
end

-- slow: 300 ms of work, and more while the file HOLD exists
local function slow(key)
	note(key)
	ngx.sleep(0.3)
	while exists(os.getenv("HOLD")) do
		ngx.sleep(0.005)
	end
	return "made by " .. ngx.worker.pid()
end

-- leave: work that leaves in some way, the first time
local function leave(key, how)
	local runs = io.open(os.getenv("RUNS")):read("*a")
	note(key)
	if not ("\n" .. runs):find("\n" .. key .. " ", 1, true) then
		how()
	end
	return "made at last"
end

local function say(value, err, level)
	if err then
		ngx.status = 500
		ngx.print(err)
		return
	end
	ngx.header["X-Level"] = level
	ngx.print(value)
end

function pages.work(args)
	say(cache:get(args.key, nil, slow, args.key))
end

function pages.short(args)
	say(cache:get(args.key, { ttl = 0.3 }, function()
		local from = now()
		local file = assert(io.open(os.getenv("RUNS") .. ".short", "a"))
		ngx.sleep(0.02)
		file:write(string.format("%.0f %.0f\n", from, now()))
		file:close()
		return "short"
	end))
end

function pages.exit(args)
	say(cache:get(args.key, nil, leave, args.key, function() os.exit(1) end))
end

function pages.ngxexit(args)
	say(cache:get(args.key, nil, leave, args.key, function() ngx.exit(503) end))
end

function pages.exec(args)
	say(cache:get(args.key, nil, leave, args.key, function()
		ngx.thread.spawn(function()
			ngx.sleep(0.01)
			ngx.exit(504)
		end)
		ngx.sleep(600)
	end))
end

function pages.throw(args)
	say(cache:get(args.key, nil, leave, args.key, function() error("thrown") end))
end

-- Work that goes on for as long as the client does.
function pages.forever(args)
	say(cache:get(args.key, nil, leave, args.key, function() ngx.sleep(600) end))
end

function pages.timer(args)
	ngx.timer.at(0, function()
		cache:get(args.key, nil, slow, args.key)
	end)
	ngx.print("begun")
end

function pages.many(args)
	for i = 0, args.n - 1 do
		local value, err = cache:get("many" .. i, nil, function()
			note("many")
			return tostring(i)
		end)
		if value ~= tostring(i) then
			return say(value, err or "wrong")
		end
	end
	ngx.print("all of them")
end

function pages.invalidate(args)
	assert(cache:delete(args.key))
end

function pages.pid()
	ngx.print(ngx.worker.pid())
end

function pages.unreleased(args)
	say(cache:get(args.key, nil, leave, args.key, function() ngx.exit(503) end))
end

function pages.moved(args)
	say(cache:get(args.key, nil, leave, args.key, function() ngx.exit(503) end))
end

function pages.passed(args)
	say(cache:get(args.key, nil, leave, args.key, function() ngx.exec("/sorry") end))
end

function pages.sorry()
	ngx.print("sorry")
end

function pages.old(args)
	say(cache:get(args.key, { ttl = 0.01, grace = 100 }, function()
		return "old"
	end))
end

function pages.has(args)
	ngx.print(select(3, cache:get(args.key)) == -1 and "no" or "yes")
end

-- keep: stops the garbage collector until collect
function pages.keep()
	collectgarbage("stop")
	ngx.print("kept")
end

function pages.collect()
	collectgarbage("restart")
	collectgarbage()
	collectgarbage()
	ngx.print("collected")
end

function pages.unit()
	require("unit")(cache)
end

function _M.answer()
	return pages[ngx.var.uri:match("%w+")](ngx.req.get_uri_args())
end

-- log, filter: tell what get() returns where no coroutine can wait
function _M.log()
	local args = ngx.req.get_uri_args()
	local value, err, level = cache:get(args.key, { grace = tonumber(args.grace) },
		function() return "made in the log" end)
	ngx.log(ngx.NOTICE, "told: ", value, " ", err, " ", level, ".")
end

function _M.filter()
	local args = ngx.req.get_uri_args()
	if not ngx.arg[2] then
		return
	end
	local value, err = cache:get(args.key, nil, function() return "made there" end)
	ngx.arg[1] = (ngx.arg[1] or "") .. " " .. (value or err)
end

return _M
