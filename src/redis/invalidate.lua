-- SPDX-License-Identifier: MIT
--
-- Drops the result and any lease. Makes a new token the fence, so that a flight
-- that is under way cannot publish.
--
-- KEYS: the key's lease, result and stream, and the name of a large result's
--       bytes without its token
-- ARGV: lease in ms, a token that the fence must exceed
local now = redis.call('TIME')
local us = now[1] * 1000000 + now[2]
local lease = redis.call('HMGET', KEYS[1], 'h', 't', 'w')
local result = redis.call('HMGET', KEYS[2], 't', 'x', 'n')
local last = math.max(tonumber(result[1] or 0), tonumber(result[2] or 0),
	tonumber(lease[2] or 0), tonumber(ARGV[2]))
local token = string.format('%.0f', math.max(us, last + 1))
redis.call('DEL', KEYS[1])
if result[3] then
	redis.call('UNLINK', KEYS[4] .. result[1])
end
redis.call('HSET', KEYS[2], 't', token, 'x', token, 'f', '0')
redis.call('HDEL', KEYS[2], 'b', 'c', 'n')
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[1])
if lease[3] then
	local entry = {'XADD', KEYS[3], 'MAXLEN', '1', token .. '-1', 'e', 'r'}
	local id = redis.pcall(unpack(entry))
	local failed = type(id) == 'table'
	local foreign = failed and string.find(id.err, 'WRONGTYPE')
	if failed and not foreign then
		redis.call('DEL', KEYS[3])
		redis.call(unpack(entry))
	end
	-- A key of another program stays as it is: watchers ask again.
	if not foreign then
		redis.call('PEXPIRE', KEYS[3], 10000)
	end
end
return {'OK', token}
