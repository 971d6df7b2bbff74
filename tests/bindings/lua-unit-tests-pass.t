#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B6: what one request sees of the Lua binding: types, nil, lifetimes,
# errors, old values, bulks, time-outs, leases, mistakes. The structs and numbers
# of the binding are those of the library's header. The README's server works.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/lua/nginx.sh" || exit 1

[ -z "$(no_nginx)" ] || skip_all "$(no_nginx)"

segment unit
serve 1
is "$(ask unit)" "all is well" "all is as it should be"
is "$(grep -c '\[error\]\|\[alert\]\|\[crit\]\|sfshm:' "$TMP/nginx.log")" 0 \
	"... and nginx has nothing to complain of"
stop_here "with threads"

segment alone
export SFSHM_NO_THREADS=1
serve 1
is "$(ask unit)" "all is well" "the same where the library starts no thread"
stop_here "without threads"
unset SFSHM_NO_THREADS

# The same facts from the header and from the binding.
cat >"$TMP/facts.lua" <<'END_OF_FILE'
local ffi = require("ffi")
if arg[1] == "binding" then
	package.path = arg[2] .. "/lib/?.lua;" .. package.path
	library = require("resty.sfshm.libsfshm")
else
	local header = assert(io.open(arg[2]))
	ffi.cdef(header:read("*a"))
end
local C = ffi.load("libsfshm.so.0")
local fields = {
	sfshm_result = "size source code leader shared owner_died uncached stale " ..
		"coordinated fleet reserved generation age_ns value message",
	sfshm_buf = "data len cap",
	sfshm_options = "size flags slots participants max_value bytes mode owner " ..
		"group why why_size",
	sfshm_policy = "size flags ttl_ms neg_ttl_ms grace_ms stale_if_error_ms " ..
		"wait_timeout_ms max_waiters deadline_ns cancel lock_age_ms " ..
		"breaker_deaths breaker_ms beta claim_key claim_key_len fresh fits " ..
		"arg interrupted task",
	sfshm_flight = "opaque",
	sfshm_wait = "number data",
}
for name, list in pairs(fields) do
	print(name, ffi.sizeof("struct " .. name))
	for field in list:gmatch("%S+") do
		print(name, field, ffi.offsetof("struct " .. name, field))
	end
end
for short, long in pairs({ KEY_MAX = "SFSHM_KEY_MAX", CREATE = "SFSHM_CREATE",
	HARD = "SFSHM_HARD", TRY = "SFSHM_TRY", DETACHED = "SFSHM_DETACHED",
	STALE_ON_TIMEOUT = "SFSHM_STALE_ON_TIMEOUT", LEADER = "SFSHM_COMPUTED",
	RETRY_ON_FAILURE = "SFSHM_RETRY_ON_FAILURE", CACHED = "SFSHM_CACHED",
	AWAITED = "SFSHM_AWAITED" }) do
	print(long, library and library[short] or tonumber(C[long]))
end
END_OF_FILE
if command -v luajit >/dev/null; then
	luajit "$TMP/facts.lua" header "$SFSHM_BUILD/src/sfshm.ffi.h" |
		sort >"$TMP/header"
	luajit "$TMP/facts.lua" binding "$lua_binding" | sort >"$TMP/binding"
	ok "there are facts" [ "$(wc -l <"$TMP/header")" -gt 60 ]
	is "$(diff "$TMP/header" "$TMP/binding")" "" \
		"the binding declares what the header does"
	cat >"$TMP/both.lua" <<-END
		local ffi = require("ffi")
		ffi.cdef(assert(io.open("$SFSHM_BUILD/src/sfshm.ffi.h")):read("*a"))
		package.path = "$lua_binding/lib/?.lua;" .. package.path
		print(require("resty.sfshm.libsfshm").found)
	END
	like "$(luajit "$TMP/both.lua" 2>&1)" '^[0-9.]*$' \
		"... and goes with a program that has read the header"
else
	skip "no luajit here (package luajit2)" "the binding's declarations"
fi

# The README's server, at another place.
segment readme
nginx_conf "$TMP/nginx.conf" 2
{
	sed -n '/^events/q; p' "$TMP/nginx.conf"
	echo "events {}"
	awk '$0 == "```" { inside = 0 } inside { print }
		$0 == "```nginx" { inside = 1 }' "$lua_binding/README.md" |
		sed "s,/usr/local/share/sfshm/lua,$lua_binding/lib,
			s,\"shop\",\"$segment\",; s,8080,unix:$TMP/socket," |
		sed "s,^http {,& $(grep temp_path "$TMP/nginx.conf" | xargs),"
} >"$TMP/readme.conf"
rm -f "$TMP/socket"
spawn "$nginx" -e "$TMP/nginx.log" -c "$TMP/readme.conf"
# shellcheck disable=SC2034 # stop_here reads it
server=$!
wait_until [ -S "$TMP/socket" ]
for name in first second third; do
	ask_later "$name" front
	asking=("${asking[@]}" $!)
done
wait "${asking[@]}"
is "$(cat "$TMP"/{first,second,third} | sort | uniq -c | xargs)" \
	"3 <html>/front</html>" "the README's server answers three at once"
stop_here "the README's server"
done_testing
