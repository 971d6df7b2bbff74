-- SPDX-License-Identifier: MIT
--
-- Ends the lease without a result. The fence stops requests of this lease that
-- are still under way.
--
-- KEYS: the key's lease, result and stream
-- ARGV: holder, token, lease in ms
local lease = redis.call('HMGET', KEYS[1], 'h', 't', 'w')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
	return {'FENCED'}
end
-- A server that is out of memory refuses a script's writes that need memory,
-- unless the script has written before. So this deletes first.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'x', ARGV[2])
-- PTTL is -1 for a result that never expires, and for a key that HSET has just
-- made. The latter has one field only.
local left = redis.call('PTTL', KEYS[2])
if left >= 0 and left < 2 * ARGV[3] or redis.call('HLEN', KEYS[2]) == 1 then
	redis.call('PEXPIRE', KEYS[2], 2 * ARGV[3])
end
if lease[3] then
	local entry = {'XADD', KEYS[3], 'MAXLEN', '1', ARGV[2] .. '-1', 'e', 'r'}
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
return {'OK'}
