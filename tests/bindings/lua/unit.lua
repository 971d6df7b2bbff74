-- SPDX-License-Identifier: MIT
--
-- Checks what one coroutine can see of the Lua binding: a function takes a
-- cache, and answers with a line for each thing that is not as it should be.

local sfshm = require("resty.sfshm")

local failures

local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return a == b
	end
	for k, v in pairs(a) do
		if not same(v, b[k]) then
			return false
		end
	end
	for k in pairs(b) do
		if a[k] == nil then
			return false
		end
	end
	return true
end

local function is(what, got, want)
	if not same(got, want) then
		failures = failures .. what .. ": got " .. tostring(got) ..
			", and not " .. tostring(want) .. "\n"
	end
end

local function throws(what, message, f, ...)
	local ok, err = pcall(f, ...)
	is(what .. ": it throws", ok, false)
	is(what .. ": '" .. tostring(err) .. "'",
		tostring(err):find(message, 1, true) ~= nil, true)
end

local function makes(...)
	local n, answer = select("#", ...), { ... }
	return function()
		return unpack(answer, 1, n)
	end
end

local function never()
	error("the callback runs")
end

-- over: waits until the key has no fresh value. nginx's clock may be late.
local function over(cache, key)
	for _ = 1, 10000 do
		if select(3, cache:get(key)) == -1 then
			return
		end
		ngx.sleep(0.005)
	end
	error(key .. " does not end")
end

-- gate: a function that waits until the other one is called
local function gate()
	local open = false
	return function()
		while not open do
			ngx.sleep(0.005)
		end
	end, function() open = true end
end

local tests = {}

function tests.types(cache)
	local deep = { 1, 2, { three = 3.5, yes = true, no = false }, "x\0y" }
	local all = { "", "text", "\0LUAs", "\0LUA", "\0LUAnothing", 0, -1, 2.5, 1e300,
		2 ^ 53, true, false, deep, {} }
	for i, value in ipairs(all) do
		local key = "types" .. i
		local got, err, level = cache:get(key, nil, makes(value))
		is(key .. " is made", { got, err, level }, { value, nil, 3 })
		got, err, level = cache:get(key, nil, never)
		is(key .. " is there", got, value)
		is(key .. " has no error", err, nil)
		is(key .. " is a hit", level, 2)
	end
	local _, err = cache:get("function", nil, makes(print))
	is("a function is no value", err:find("could not encode", 1, true), 1)
	is("nor is it kept", select(3, cache:get("function")), -1)
end

function tests.nothing(cache)
	local value, err, level = cache:get("nothing", nil, makes(nil))
	is("nil is made", { value, err, level }, { nil, nil, 3 })
	value, err, level = cache:get("nothing", nil, never)
	is("nil is a hit", { value, err, level }, { nil, nil, 2 })
	cache:get("short nothing", { neg_ttl = 0.01 }, makes(nil))
	over(cache, "short nothing")
	is("nil has neg_ttl", (cache:get("short nothing", nil, makes("new"))), "new")
end

function tests.lifetimes(cache)
	cache:get("short", { ttl = 0.01 }, makes("first"))
	cache:get("own", nil, makes("first", nil, 0.01))
	cache:get("none", { ttl = -1 }, makes("first"))
	cache:get("ever", { ttl = 0 }, makes("first"))
	is("below 0 there is none", select(3, cache:get("none")), -1)
	over(cache, "short")
	over(cache, "own")
	is("0 has no end", (cache:get("ever")), "first")
	local _, err = cache:get("odd", nil, makes("x", nil, "y"))
	is("a ttl is a number", err, "bad ttl value: expected number, got string")
end

function tests.failures(cache)
	local value, err, level = cache:get("fails", nil, makes(nil, "not today"))
	is("an error is returned", { value, err, level }, { nil, "not today", nil })
	is("... and not kept", (cache:get("fails", nil, makes("better"))), "better")
	_, err = cache:get("throws", nil, error, "thrown")
	is("what is thrown is an error", err, "callback threw an error: thrown")
	cache:get("kept", { error_ttl = 100 }, makes(nil, "for long"))
	_, err = cache:get("kept", nil, never)
	is("error_ttl keeps an error", err, "for long")
	cache:get("old", { ttl = 0.01, resurrect_ttl = 100 }, makes("old"))
	over(cache, "old")
	for _ = 1, 2 do -- the second time the callback has a pause
		value, err, level = cache:get("old", { resurrect_ttl = 100 },
			makes(nil, "down"))
		is("an old value serves", { value, err, level }, { "old", nil, 4 })
	end
	_, err = cache:get("old", { resurrect_ttl = 0 }, never)
	is("... only who wants it", err, "down")
end

function tests.changes(cache)
	is("set", cache:set("set", nil, { 1 }), true)
	is("... is there", cache:get("set", nil, never), { 1 })
	is("set of nil", cache:set("set", nil, nil), true)
	is("... is a hit", select(3, cache:get("set")), 2)
	is("delete", cache:delete("set"), true)
	is("... is gone", select(3, cache:get("set")), -1)
	is("delete of nothing", cache:delete("set"), true)
	cache:set("purged", nil, "x")
	is("purge", cache:purge(), true)
	is("... all are gone", select(3, cache:get("purged")), -1)
	is("update", cache:update(), true)
	local value = cache:get("overtaken", nil, function()
		ngx.thread.wait(ngx.thread.spawn(function()
			cache:set("overtaken", nil, "later")
		end))
		return "earlier"
	end)
	is("the callback's caller has its own value", value, "earlier")
	is("... and the later one stays", (cache:get("overtaken")), "later")
	is("a large value is its maker's", #cache:get("large", nil, function()
		return ("x"):rep(3000000)
	end), 3000000)
	is("... alone", select(3, cache:get("large")), -1)
end

function tests.peeks(cache)
	is("peek at nothing", cache:peek("peeked"), nil)
	cache:set("peeked", { ttl = 2, resurrect_ttl = 100 }, "value")
	local age, err, value, stale = cache:peek("peeked")
	is("peek", { err, value, stale }, { nil, "value", false })
	is("the age is in seconds", age >= 0 and age < 2, true)
	over(cache, "peeked")
	is("peek at an old one", cache:peek("peeked"), nil)
	age, err, value, stale = cache:peek("peeked", true)
	is("... with stale", { err, value, stale }, { nil, "value", true })
	is("... its age", age >= 1.9, true)
end

function tests.serializers(cache)
	local opts = { l1_serializer = function(value)
		return value ~= "bad" and value .. "!" or nil
	end }
	is("at the callback's", (cache:get("l1", opts, makes("value"))), "value!")
	is("at a hit", (cache:get("l1", opts, never)), "value!")
	is("without", (cache:get("l1")), "value")
	local _, err = cache:get("bad", opts, makes("bad"))
	is("nil", err, "l1_serializer returned a nil value")
	opts.l1_serializer = error
	_, err = cache:get("bad", opts, never)
	is("thrown", err, "l1_serializer threw an error: bad")
end

function tests.own_key(cache)
	local value, err = cache:get("own key", nil, function()
		return cache:get("own key", nil, never)
	end)
	is("the callback's own key", { value, err },
		{ nil, "deadlock: the callback asks for its own key" })
	-- Two threads of a request are two callers.
	local runs = 0
	local function work()
		runs = runs + 1
		ngx.sleep(0.1)
		return "shared"
	end
	local threads, got = {}, {}
	for i = 1, 10 do
		threads[i] = ngx.thread.spawn(function()
			got[i] = cache:get("threads", nil, work)
		end)
	end
	for i = 1, 10 do
		ngx.thread.wait(threads[i])
		is("thread " .. i, got[i], "shared")
	end
	is("threads run it once", runs, 1)
end

function tests.timeouts(cache)
	local hold, let_go = gate()
	local thread = ngx.thread.spawn(function()
		return cache:get("slow", nil, function()
			hold()
			return "late"
		end)
	end)
	local value, err = cache:get("slow", { timeout = 0.05 }, never)
	is("a wait that is over", { value, err }, { nil, "timeout" })
	let_go()
	is("the run goes on", select(2, ngx.thread.wait(thread)), "late")
	is("... and its value is kept", (cache:get("slow")), "late")
end

function tests.old_values_at_time_outs(cache)
	cache:set("late", { ttl = 0.01 }, "old")
	over(cache, "late")
	ngx.sleep(0.2)
	local hold, let_go = gate()
	local thread = ngx.thread.spawn(function()
		return cache:get("late", nil, function()
			hold()
			return "new"
		end)
	end)
	local opts = { timeout = 0.05, resurrect_ttl = 0.05, grace = 0.01 }
	local value, err = cache:get("late", opts, never)
	is("an old value that is too old", { value, err }, { nil, "timeout" })
	opts.resurrect_ttl = 100
	local got = { cache:get("late", opts, never) }
	is("one that may serve", got, { "old", nil, 4 })
	let_go()
	is("the run goes on", select(2, ngx.thread.wait(thread)), "new")
end

function tests.leases(cache)
	local hold, let_go = gate()
	local first = ngx.thread.spawn(function()
		return cache:get("leased", { lease = 0.05 }, function()
			hold()
			return "first"
		end)
	end)
	is("past the lease another one runs", (cache:get("leased", nil,
		makes("second"))), "second")
	let_go()
	is("the first has its own", select(2, ngx.thread.wait(first)), "first")
	is("... which is not kept", (cache:get("leased")), "second")
end

function tests.bulks(cache)
	local bulk = sfshm.new_bulk(5)
	bulk:add("bulk1", nil, makes("one"))
	bulk:add("bulk2", nil, function(x) return x + 1 end, 1)
	bulk:add("bulk3", nil, makes(nil, "bad"))
	bulk:add("bulk4")
	bulk:add("bulk1", nil, makes("one"))
	local answers = cache:get_bulk(bulk, { concurrency = 5 })
	local got = {}
	for i, value, err, level in sfshm.each_bulk_res(answers) do
		got[i] = tostring(value) .. tostring(err) .. tostring(level)
	end
	got[1], got[5] = got[1]:sub(1, -2), got[5]:sub(1, -2)
	is("bulk", got, { "onenil", "2nil3", "nilbadnil", "nilnil-1", "onenil" })
	is("bulk's n", answers.n, 15)
end

function tests.mistakes(cache)
	for given, message in pairs({ [0] = "must be >= 1", [0.5] = "must be >= 1",
		two = "must be a number" }) do
		throws("concurrency", "opts.concurrency " .. message, cache.get_bulk,
			cache, sfshm.new_bulk(1), { concurrency = given })
	end
	throws("key", "key must be a string", cache.get, cache, 1)
	throws("callback", "callback must be", cache.get, cache, "x", nil, 1)
	throws("option", "opts.tll is no option", cache.get, cache, "x", { tll = 1 },
		never)
	throws("type", "opts.ttl must be a number", cache.get, cache, "x",
		{ ttl = "1" }, never)
	throws("sign", "opts.timeout must be >= 0", sfshm.new, "x", { timeout = -1 })
	throws("name", "name must be a string", sfshm.new, 1)
	throws("segment's", "opts.slotz is no option", sfshm.new, "x", { slotz = 1 })
	local it, err = sfshm.new("/none/none")
	is("a folder that is not there", it, nil)
	is("... is told", type(err) == "string" and #err > 0, true)
	_, err = cache:get(("x"):rep(2000), nil, makes("x"))
	is("a long key", type(err), "string")
	is("options of mlcache", sfshm.new(cache.name, { lru_size = 10,
		resty_lock_opts = { timeout = 1, exptime = 2 } }).opts.lease, 2)
end

return function(cache)
	failures = ""
	assert(cache:purge())
	for name, test in pairs(tests) do
		local ok, err = pcall(test, cache)
		if not ok then
			failures = failures .. name .. ": " .. tostring(err) .. "\n"
		end
	end
	ngx.print(failures == "" and "all is well" or failures)
end
