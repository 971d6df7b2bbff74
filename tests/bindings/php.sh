# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests of the PHP extension share; comes after tap.sh. The extension
# is the build's; php.ini is not read. `segment` has named the segment before
# a server starts.

extension=$SFSHM_BUILD/src/bindings/php/sfshm.so
fpm=$(command -v php-fpm || compgen -c php-fpm | sort -V | tail -n 1)
nginx=$(command -v nginx || PATH=$PATH:/usr/sbin command -v nginx)
apache=$(command -v apache2 || PATH=$PATH:/usr/sbin command -v apache2)
server_at=(--unix-socket "$TMP/http.sock") # how curl finds the server
owner=() # --owner USER, if the workers are another user's
masters=()

command -v php >/dev/null || skip_all "no PHP here (package php-cli)"
[ -f "$extension" ] ||
	skip_all "the extension is not built (package php-dev)"
php -n -d extension="$extension" -r '' 2>/dev/null | grep -q . &&
	skip_all "the extension is built for another PHP"

# A master that is told to end ends its workers, one that is killed does not.
stop_servers()
{
	local pid

	for pid in "${masters[@]}"; do
		kill -TERM "$pid" && wait "$pid"
	done 2>/dev/null
	masters=()
}

clear_up()
{
	local status=$?

	stop_servers
	[ ${#owner[@]} -eq 0 ] ||
		sfshm-ctl unlink "${owner[@]}" -s "$segment" >/dev/null 2>&1
	(exit "$status")
	tap_cleanup
}
trap clear_up EXIT

# php_run ARGUMENT...: PHP with the extension and this test's segment
php_run()
{
	php -n -d extension="$extension" -d sfshm.segment="$segment" \
		-d display_errors=stderr -d zend.assertions=1 "$@"
}

# extension_arguments NAME...: for what Debian has as shared extensions
extension_arguments()
{
	local name folder

	folder=$(php-config --extension-dir 2>/dev/null)
	for name; do
		[ ! -f "$folder/$name.so" ] || printf '%s\n' -d "extension=$name"
	done
}

# page NAME: makes the program on standard input a page of the server
page()
{
	mkdir -p "$TMP/www"
	{
		echo "<?php const TMP = '$TMP';"
		cat
	} >"$TMP/www/$1.php"
}

# serve WORKERS [LINE...]: nginx, and PHP-FPM with these lines in its settings;
# its pid is in $master
serve()
{
	local workers=$1
	shift

	[ -n "$fpm" ] || skip_all "no PHP-FPM here (package php-fpm)"
	[ -n "$nginx" ] || skip_all "no nginx here (package nginx-light)"
	cat >"$TMP/fpm.conf" <<-END
	[global]
	error_log = $TMP/fpm.log
	pid = $TMP/fpm.pid
	daemonize = no
	$(printf '%s\n' "$@")
	[www]
	user = $(id -un)
	group = $(id -gn)
	listen = $TMP/fpm.sock
	pm = static
	pm.max_children = $workers
	clear_env = no
	catch_workers_output = yes
	END
	cat >"$TMP/nginx.conf" <<-END
	$([ "$UID" -ne 0 ] || echo "user root;")
	daemon off;
	env SFSHM_TEST_ID;
	worker_processes 1;
	pid $TMP/nginx.pid;
	error_log $TMP/nginx.log;
	events { worker_connections 512; }
	http {
		access_log off;
		client_body_temp_path $TMP/body;
		fastcgi_temp_path $TMP/fastcgi;
		proxy_temp_path $TMP/proxy;
		scgi_temp_path $TMP/scgi;
		uwsgi_temp_path $TMP/uwsgi;
		server {
			listen unix:$TMP/http.sock;
			location / {
				fastcgi_pass unix:$TMP/fpm.sock;
				fastcgi_read_timeout 600s;
				fastcgi_param SCRIPT_FILENAME $TMP/www\$uri.php;
				fastcgi_param REQUEST_METHOD \$request_method;
				fastcgi_param QUERY_STRING \$query_string;
			}
		}
	}
	END
	spawn "$fpm" -n -R -F -y "$TMP/fpm.conf" -d extension="$extension" \
		-d sfshm.segment="$segment" -d html_errors=0 >"$TMP/fpm.err" 2>&1
	master=$!
	spawn "$nginx" -e "$TMP/nginx.log" -c "$TMP/nginx.conf"
	# stop_servers ends these.
	masters=("$master" $!)
	tap_children=("${tap_children[@]:0:${#tap_children[@]}-2}")
	page ready <<<'echo TMP;'
	wait_until serving || {
		diag "$(cat "$TMP/fpm.log" "$TMP/nginx.log")"
		fail "the servers answer"
	}
}

# serve_apache WORKERS [LINE...]: Apache's prefork with PHP in its workers, and
# these lines in its settings; its pid is in $master
serve_apache()
{
	local workers=$1 tries=0 port modules=/usr/lib/apache2/modules php
	shift

	php=$(compgen -G "$modules/libphp*.so" | sort -V | tail -n 1)
	[ -n "$apache" ] || skip_all "no Apache here (package apache2-bin)"
	[ -n "$php" ] ||
		skip_all "no PHP for Apache here (package libapache2-mod-php)"
	# Apache's PHP may be another one than that of the command line.
	cat >"$TMP/php.ini" <<-END
	extension = $extension
	sfshm.segment = $segment
	html_errors = 0
	END
	page ready <<<'echo TMP;'
	# Root's Apache runs its workers as another user.
	if [ "$UID" -eq 0 ]; then
		owner=(--owner www-data)
		chmod a+rwx "$TMP"
		chmod -R a+rX "$TMP/www"
	fi
	# Apache listens on no Unix socket, and another process may have the port.
	while ((tries++ < 20)); do
		port=$((10000 + RANDOM % 20000))
		cat >"$TMP/apache.conf" <<-END
		LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule mime_module $modules/mod_mime.so
		LoadModule rewrite_module $modules/mod_rewrite.so
		LoadModule php_module $php
		$([ "$UID" -ne 0 ] || printf 'User www-data\nGroup www-data')
		Listen 127.0.0.1:$port
		ServerName here
		PidFile $TMP/apache.pid
		DefaultRuntimeDir $TMP
		Mutex posixsem
		ErrorLog $TMP/apache.log
		LogLevel notice
		TypesConfig /dev/null
		DocumentRoot $TMP/www
		PHPIniDir $TMP
		StartServers $workers
		MinSpareServers $workers
		MaxSpareServers $workers
		MaxRequestWorkers $workers
		ServerLimit $workers
		GracefulShutdownTimeout 600
		Timeout 600
		<Directory "$TMP/www">
			Require all granted
			RewriteEngine On
			RewriteRule ^([a-z]+)\$ \$1.php
		</Directory>
		AddHandler application/x-httpd-php .php
		$(printf '%s\n' "$@")
		END
		# At its end it signals its whole process group.
		spawn env PHP_INI_SCAN_DIR= setsid "$apache" -f "$TMP/apache.conf" \
			-D FOREGROUND >"$TMP/apache.err" 2>&1
		master=$!
		server_at=(--connect-to "::127.0.0.1:$port")
		wait_until eval "serving || ! kill -0 $master 2>/dev/null"
		! kill -0 "$master" 2>/dev/null || break
	done
	masters=("$master")
	unset 'tap_children[-1]'
	serving || {
		diag "$(cat "$TMP/apache.err" "$TMP/apache.log")"
		fail "Apache answers"
	}
}

# serving: whether this test's server answers, and not another one at its port
serving()
{
	[ "$(ask ready)" = "$TMP" ]
}

# ask PAGE[?QUERY]: prints what the page says
ask()
{
	curl -s --max-time 600 "${server_at[@]}" "http://here/$1"
}

# ask_later NAME PAGE: asks in the background; $TMP/NAME will have the answer
ask_later()
{
	spawn curl -s --max-time 600 "${server_at[@]}" \
		-o "$TMP/$1" "http://here/$2"
}

# crowd N PAGE: asks N times at once, by N connections, in the background; the
# answers will be in the files $TMP/crowd.NUMBER, and are all there when the
# process $! has ended.
crowd()
{
	local n

	rm -f "$TMP"/crowd.*
	for ((n = 1; n <= $1; n++)); do
		printf 'url = "http://here/%s"\noutput = "%s"\n' "$2" \
			"$TMP/crowd.$n"
	done >"$TMP/urls"
	spawn curl -s --max-time 600 "${server_at[@]}" --parallel \
		--parallel-immediate --parallel-max "$1" -K "$TMP/urls" 2>"$TMP/curl.err"
}

# answers: the crowd's answers, each with its number
answers()
{
	cat "$TMP"/crowd.* | sort | uniq -c | sed 's/^ *//'
}

waiters_now()
{
	sfshm-dump "${owner[@]}" -s "$segment" --json --key "$1" |
		grep -q "\"waiters\": *$2\b"
}

# waiters KEY N: waits until N callers sleep for the key
waiters()
{
	wait_until waiters_now "$@" || fail "$2 callers wait for $1"
}

# runs KEY: how often the work for the key was begun
runs()
{
	grep -cx "run $1" "$TMP/log"
}

begun()
{
	[ -f "$TMP/log" ] && [ "$(runs "$1")" -ge "$2" ]
}

# all_is_well: nobody is left in the segment, and nothing is damaged in it
all_is_well()
{
	is "$(sfshm-ctl verify "${owner[@]}" -s "$segment" | cut -d' ' -f2-)" \
		clean "the segment is clean"
	is "$(sfshm-dump "${owner[@]}" -s "$segment" | grep -c '^nobody is attached$')" 1 \
		"no participant is left over"
}
