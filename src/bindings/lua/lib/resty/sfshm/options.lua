-- SPDX-License-Identifier: MIT
--
-- Options of a cache and of a call. Times are seconds.

local library = require("resty.sfshm.libsfshm")

local DEFAULTS = {
	ttl = 30,
	neg_ttl = 5,
	resurrect_ttl = 0,
	error_ttl = 0,
	grace = 0,
	timeout = 5,
	lease = 30,
}

-- Options of lua-resty-mlcache that have nothing to do here.
local IGNORED = {
	lru_size = true,
	lru = true,
	shm_set_tries = true,
	shm_miss = true,
	shm_locks = true,
	ipc_shm = true,
	ipc = true,
	debug = true,
}

local SEGMENT = {
	bytes = true,
	slots = true,
	participants = true,
	max_value = true,
	mode = true,
}

local _M = {}

local function check(name, value)
	if DEFAULTS[name] then
		if type(value) ~= "number" or value ~= value then
			error("opts." .. name .. " must be a number", 4)
		end
		if value < 0 and name ~= "ttl" and name ~= "neg_ttl" then
			error("opts." .. name .. " must be >= 0", 4)
		end
	elseif name == "l1_serializer" then
		if type(value) ~= "function" then
			error("opts.l1_serializer must be a function", 4)
		end
	else
		return false
	end
	return true
end

-- ms: a time with an end
function _M.ms(seconds)
	local ms = math.ceil(seconds * 1000)
	return ms < library.FOREVER and ms or library.FOREVER
end

-- life: a lifetime; 0 has no end, one below 0 is none
function _M.life(seconds)
	if seconds == 0 then
		return library.FOREVER
	end
	return seconds < 0 and 0 or _M.ms(seconds)
end

-- of_cache: the cache's defaults, and the options of its segment
function _M.of_cache(opts)
	local mine, segment = {}, {}
	if opts ~= nil and type(opts) ~= "table" then
		error("opts must be a table", 3)
	end
	opts = opts or {}
	for name, value in pairs(DEFAULTS) do
		mine[name] = value
	end
	local lock = opts.resty_lock_opts
	if lock ~= nil then
		if type(lock) ~= "table" then
			error("opts.resty_lock_opts must be a table", 3)
		end
		mine.timeout = lock.timeout or mine.timeout
		mine.lease = lock.exptime or mine.lease
	end
	for name, value in pairs(opts) do
		if SEGMENT[name] then
			if type(value) ~= "number" then
				error("opts." .. name .. " must be a number", 3)
			end
			segment[name] = value
		elseif check(name, value) then
			mine[name] = value
		elseif not IGNORED[name] and name ~= "resty_lock_opts" then
			error("opts." .. tostring(name) .. " is no option", 3)
		end
	end
	return mine, segment
end

-- of_call: the options of one call, with the cache's in place of the missing
function _M.of_call(opts, mine)
	if opts == nil then
		return mine
	end
	if type(opts) ~= "table" then
		error("opts must be a table", 3)
	end
	for name, value in pairs(opts) do
		if not check(name, value) and name ~= "shm_set_tries" then
			error("opts." .. tostring(name) .. " is no option", 3)
		end
	end
	return setmetatable({}, {
		__index = function(_, name)
			local value = opts[name]
			if value == nil then
				return mine[name]
			end
			return value
		end,
	})
end

return _M
