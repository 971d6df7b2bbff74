-- SPDX-License-Identifier: MIT
--
-- Renews the lease, or takes it back if the engine has lost it.
--
-- KEYS: the key's lease and result
-- ARGV: holder, token, lease in ms, 1 if the lease cannot have run out
local lease = redis.call('HMGET', KEYS[1], 'h', 't')
if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
	redis.call('PEXPIRE', KEYS[1], ARGV[3])
	return {'OK'}
end
local result = redis.call('HMGET', KEYS[2], 't', 'x')
local last = math.max(tonumber(result[1] or 0), tonumber(result[2] or 0))
if lease[1] or ARGV[4] ~= '1' or tonumber(ARGV[2]) <= last then
	return {'FENCED'}
end
-- The engine lost the mark of a watch with the lease, so this sets one.
redis.call('HSET', KEYS[1], 'h', ARGV[1], 't', ARGV[2], 'w', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'RECLAIMED'}
