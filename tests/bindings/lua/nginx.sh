# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the Lua binding: nginx with its Lua module; they read it after
# lib/tap.sh. The pages are those of pages.lua.

lua_binding=$SFSHM_SOURCE/src/bindings/lua
lua_tests=$SFSHM_SOURCE/tests/bindings/lua
nginx=$(command -v nginx || PATH=$PATH:/usr/sbin command -v nginx)
lua_modules=
for folder in /usr/lib/nginx/modules /usr/lib64/nginx/modules \
	/usr/libexec/nginx/modules /usr/share/nginx/modules; do
	[ ! -f "$folder/ngx_http_lua_module.so" ] || lua_modules=$folder
done
export LD_LIBRARY_PATH=$SFSHM_BUILD/src${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# no_nginx: why nginx's Lua cannot be tried here; nothing: it can
no_nginx()
{
	if [ -z "$nginx" ]; then
		echo "no nginx here (package nginx-light)"
	elif [ -z "$lua_modules" ]; then
		echo "no Lua module of nginx here (package libnginx-mod-http-lua)"
	elif [ -n "$SFSHM_SANITIZE" ]; then
		echo "nginx does not load a library with sanitizers"
	fi
}

# nginx_conf FILE WORKERS [LINE...]: with these lines in its http block
nginx_conf()
{
	local file=$1 workers=$2
	shift 2

	cat >"$file" <<-END
	$([ "$UID" -ne 0 ] || echo "user root;")
	daemon off;
	env SFSHM_TEST_ID;
	env SFSHM_NO_THREADS;
	env SEGMENT;
	env RUNS;
	env HOLD;
	worker_processes $workers;
	pid $TMP/nginx.pid;
	error_log $TMP/nginx.log notice;
	$([ ! -f "$lua_modules/ndk_http_module.so" ] ||
		echo "load_module $lua_modules/ndk_http_module.so;")
	load_module $lua_modules/ngx_http_lua_module.so;
	events { worker_connections 512; }
	http {
		access_log off;
		client_body_temp_path $TMP/body;
		fastcgi_temp_path $TMP/fastcgi;
		proxy_temp_path $TMP/proxy;
		scgi_temp_path $TMP/scgi;
		uwsgi_temp_path $TMP/uwsgi;
		lua_package_path "$lua_binding/lib/?.lua;$lua_tests/?.lua;;";
		lua_check_client_abort on;
		$(printf '%s\n' "$@")
		server {
			listen unix:$TMP/socket;
			location / {
				content_by_lua_block { require("pages").answer() }
				log_by_lua_block { require("resty.sfshm").release() }
			}
			location /unreleased {
				content_by_lua_block { require("pages").answer() }
			}
			location /moved {
				error_page 503 /sorry;
				content_by_lua_block { require("pages").answer() }
				log_by_lua_block { require("resty.sfshm").release() }
			}
			location /log {
				content_by_lua_block { ngx.say("logged") }
				log_by_lua_block { require("pages").log() }
			}
			location /filter {
				content_by_lua_block { ngx.print("text") }
				header_filter_by_lua_block { ngx.header.content_length = nil }
				body_filter_by_lua_block { require("pages").filter() }
			}
		}
	}
	END
}

export RUNS=$TMP/runs HOLD=$TMP/hold SEGMENT

# serve WORKERS [LINE...]: nginx, with these lines in its http block
serve()
{
	SEGMENT=$segment
	: >"$RUNS"
	nginx_conf "$TMP/nginx.conf" "$@"
	spawn "$nginx" -e "$TMP/nginx.log" -c "$TMP/nginx.conf"
	server=$!
	wait_until answers_here || diag "$(cat "$TMP/nginx.log")"
}

# ask PAGE[?QUERY]: prints what the page says
ask()
{
	curl -s --max-time 600 --unix-socket "$TMP/socket" "http://here/$1"
}

answers_here()
{
	[ -n "$(ask pid)" ]
}

# ask_later NAME PAGE: asks in the background; $TMP/NAME will have the answer
ask_later()
{
	spawn curl -s --max-time 600 --unix-socket "$TMP/socket" \
		-o "$TMP/$1" "http://here/$2"
}

waiters_now()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		grep -q "\"waiters\": *$2\b"
}

# waiters KEY N: waits until N callers wait for the key
waiters()
{
	wait_until waiters_now "$@" || fail "$2 callers wait for $1"
}

# begun KEY N: whether the work for the key has begun so often
begun()
{
	[ "$(grep -c "^$1 " "$RUNS")" -ge "$2" ]
}

# stop_here WHEN: a graceful end, and what it leaves
stop_here()
{
	kill -QUIT "$server"
	wait "$server"
	is "$(sfshm-ctl verify -s "$segment")" "$segment: clean" "$1: it is clean"
	is "$(sfshm-dump -s "$segment" | grep -c '^nobody is attached$')" 1 \
		"... and nobody is left"
}
