-- SPDX-License-Identifier: MIT
--
-- Stores and announces a result, and ends the lease.
--
-- KEYS: the key's lease, result and stream, and the name that this result's
--       bytes have if it is large
-- ARGV: holder, token, lifetime in ms, lease in ms, code, 1 if the lease cannot
--       have run out; then the bytes and '0', or, if KEYS[4] has the bytes,
--       their number and '1'
local lease = redis.call('HMGET', KEYS[1], 'h', 't', 'w')
local result = redis.call('HMGET', KEYS[2], 't', 'x', 'n')
local token = tonumber(ARGV[2])
local made = tonumber(result[1] or 0)
-- The same token: the request is repeated, because its first answer was lost.
if made == token then
	return {'OK'}
end
local mine = lease[1] == ARGV[1] and lease[2] == ARGV[2]
local lost = not lease[1] and ARGV[6] == '1' and
	token > math.max(made, tonumber(result[2] or 0))
if not mine and not lost then
	return {'FENCED'}
end

local now = redis.call('TIME')
local ttl, where = tonumber(ARGV[3]), ARGV[8] == '1' and 'n' or 'b'
local forever = ttl == 4294967295
local fresh = forever and 9007199254740991 or
	now[1] * 1000000 + now[2] + ttl * 1000
-- The token outlives each lease that was given out before it. The bytes outlive
-- the stream's entry.
local life = math.max(ttl, 2 * ARGV[4], 10000)
redis.call('HSET', KEYS[2], 't', ARGV[2], 'f', string.format('%.0f', fresh),
	'c', ARGV[5], where, ARGV[7])
redis.call('HDEL', KEYS[2], where == 'n' and 'b' or 'n')
if result[3] then
	redis.call('UNLINK', string.sub(KEYS[4], 1, -1 - #ARGV[2]) .. result[1])
end
for _, key in ipairs({KEYS[2], where == 'n' and KEYS[4] or nil}) do
	if forever then
		redis.call('PERSIST', key)
	else
		redis.call('PEXPIRE', key, string.format('%.0f', life))
	end
end
-- If the engine has lost the lease, it has lost the mark of a watch, too.
if lease[3] or lost then
	local entry = {'XADD', KEYS[3], 'MAXLEN', '1', ARGV[2] .. '-1', 'e', 'v',
		'l', ARGV[3], 'c', ARGV[5], where, ARGV[7]}
	-- After the clock was set back, the stream's last ID may be above the
	-- token, and then XADD fails.
	if type(redis.pcall(unpack(entry))) == 'table' then
		redis.call('DEL', KEYS[3])
		redis.call(unpack(entry))
	end
	redis.call('PEXPIRE', KEYS[3], 10000)
end
redis.call('DEL', KEYS[1])
return {'OK'}
