-- SPDX-License-Identifier: MIT
--
-- Values as bytes. A string is stored as it is, so that programs in other
-- languages share it. Any other value is stored as the mark, a letter and:
--
--	n	nothing: nil
--	b	the value by LuaJIT's string.buffer
--	j	the value in JSON, where LuaJIT has no string.buffer
--	s	a string that begins with the mark

local ffi = require("ffi")

local has_buffer, buffer = pcall(require, "string.buffer")
local has_json, json = pcall(require, "cjson")
local ffi_string = ffi.string
local sub = string.sub

local MARK = "\0LUA"
local NIL = MARK .. "n"
local BYTES = ffi.typeof("const char *")

local _M = {}

function _M.encode(value)
	local kind = type(value)
	if kind == "string" then
		if sub(value, 1, #MARK) == MARK then
			return MARK .. "s" .. value
		end
		return value
	end
	if kind == "nil" then
		return NIL
	end
	if has_buffer then
		return MARK .. "b" .. buffer.encode(value)
	end
	if has_json then
		-- A number or boolean is no document by itself for old versions.
		return MARK .. "j" .. json.encode({ value })
	end
	error("a " .. kind .. " takes LuaJIT's string.buffer, or lua-cjson")
end

local function unmark(text)
	local letter, rest = sub(text, 5, 5), sub(text, 6)
	if letter == "n" then
		return nil
	elseif letter == "s" then
		return rest
	elseif letter == "b" and has_buffer then
		return buffer.decode(rest)
	elseif letter == "j" and has_json then
		return json.decode(rest)[1]
	end
	error("a value that this program cannot read")
end

-- decode: a value of struct sfshm_buf. Throws if the bytes are none.
function _M.decode(bytes)
	local len = tonumber(bytes.len)
	if len == 0 then
		return ""
	end
	local data = ffi.cast(BYTES, bytes.data)
	if len >= 5 and data[0] == 0 and data[1] == 76 and data[2] == 85 and
		data[3] == 65 then
		return unmark(ffi_string(data, len))
	end
	return ffi_string(data, len)
end

return _M
