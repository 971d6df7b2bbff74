-- SPDX-License-Identifier: MIT
--
-- Look-ups of many keys, as in lua-resty-mlcache. A bulk has four entries a
-- look-up (key, opts, callback, argument) and their number in `n`; the answer
-- has three (value, err, level).

local _M = {}

local function add(bulk, key, opts, callback, argument)
	local n = bulk.n
	bulk[n + 1], bulk[n + 2] = key, opts
	bulk[n + 3], bulk[n + 4] = callback, argument
	bulk.n = n + 4
end

function _M.new()
	return { n = 0, add = add }
end

local function look_up(cache, bulk, i, answers)
	local at, to = (i - 1) * 4, (i - 1) * 3
	answers[to + 1], answers[to + 2], answers[to + 3] = cache:get(bulk[at + 1],
		bulk[at + 2], bulk[at + 3], bulk[at + 4])
end

function _M.get(cache, bulk, opts, waits)
	if type(bulk) ~= "table" or type(bulk.n) ~= "number" then
		error("bulk must be a table with a number n", 3)
	end
	local most = opts and opts.concurrency or 3
	if type(most) ~= "number" then
		error("opts.concurrency must be a number", 3)
	elseif not (most >= 1) then
		error("opts.concurrency must be >= 1", 3)
	end
	local count, next_one = math.ceil(bulk.n / 4), 1
	local answers, threads = { n = count * 3 }, {}
	local function some()
		while next_one <= count do
			local i = next_one
			next_one = i + 1
			look_up(cache, bulk, i, answers)
		end
		return true
	end
	if waits then
		for t = 1, math.min(count, most) do
			threads[t] = ngx.thread.spawn(some)
		end
		for _, thread in ipairs(threads) do
			local ok, err = ngx.thread.wait(thread)
			if not ok then
				return nil, tostring(err)
			end
		end
	else
		some()
	end
	return answers
end

-- each: an iterator over an answer: i, value, err, level
function _M.each(answers)
	return function(_, i)
		i = i + 1
		local at = (i - 1) * 3
		if at < answers.n then
			return i, answers[at + 1], answers[at + 2], answers[at + 3]
		end
	end, nil, 0
end

return _M
