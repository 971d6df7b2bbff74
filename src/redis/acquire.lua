-- SPDX-License-Identifier: MIT
--
-- Gives out a fresh result, or the lease.
--
-- KEYS: the key's lease, result and stream
-- ARGV: holder, lease in ms, a token that the result must exceed, a token that
--       the lease's token must exceed
--
-- A result has the fields t (token), f (fresh until, engine time in us), c
-- (code), b (bytes) or n (the number of bytes that have a key of their own),
-- and x (the fence: the highest token that was released or invalidated). A
-- lease has h (holder), t (token), and w if a host watches.
local now = redis.call('TIME')
local us = now[1] * 1000000 + now[2]
local forever = 9007199254740991
local result = redis.call('HMGET', KEYS[2], 't', 'f', 'x')
local made, fresh = tonumber(result[1] or 0), tonumber(result[2] or 0)
if fresh > us and made > tonumber(ARGV[3]) then
	local rest = redis.call('HMGET', KEYS[2], 'c', 'b')
	local left = fresh == forever and 4294967295 or (fresh - us) / 1000
	return {'HIT', result[1], string.format('%.0f', math.floor(left)),
		rest[1], rest[2]}
end

local lease = redis.call('HMGET', KEYS[1], 'h', 't')
if lease[1] and lease[1] ~= ARGV[1] then
	redis.call('HSET', KEYS[1], 'w', '1')
	return {'HELD', lease[2], tostring(redis.call('PTTL', KEYS[1]))}
end

local last = math.max(made, tonumber(result[3] or 0), tonumber(lease[2] or 0),
	tonumber(ARGV[4]))
local token = string.format('%.0f', math.max(us, last + 1))
redis.call('HSET', KEYS[1], 'h', ARGV[1], 't', token)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {lease[1] and 'INHERITED' or 'LED', token}
