# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# report.php under PHP-FPM, behind nginx; both listen on Unix sockets.
# shellcheck disable=SC2034

# fpm_program PATTERN: prints the path of the newest such program, or nothing
fpm_program()
{
	find /usr/local/sbin /usr/sbin /usr/bin -maxdepth 1 -name "$1" \
		2>/dev/null | sort -V | tail -n 1
}
fpm=$(fpm_program 'php-fpm*')
nginx=$(fpm_program nginx)

fpm_is()
{
	echo "PHP: PHP-FPM with $processes workers, behind nginx"
}

fpm_lacks()
{
	local extension=$build/src/bindings/php/sfshm.so

	if [ ! -f "$extension" ]; then
		echo "$extension is missing: it takes php-dev and -DSFSHM_BINDINGS=ON"
	elif [ -z "$fpm" ] || [ -z "$nginx" ]; then
		echo "PHP-FPM or nginx is missing (packages php-fpm, nginx-light)"
	elif ! "$fpm" -n -d extension="$extension" -m 2>&1 | grep -qx sfshm; then
		echo "$extension is not for the PHP of $fpm"
	fi
}

fpm_start()
{
	local as=()

	cat >"$tmp/fpm.conf" <<-END
	[global]
	error_log = $tmp/fpm.err
	[www]
	user = $(id -un)
	group = $(id -gn)
	listen = $tmp/fpm.sock
	pm = static
	pm.max_children = $processes
	env[SALES] = $tmp/sales.csv
	env[LOG] = $server_log
	END
	"$fpm" -n -R -F -y "$tmp/fpm.conf" -d sfshm.segment="$http_segment" \
		-d extension="$build/src/bindings/php/sfshm.so" \
		-d sfshm.timeout=120 >>"$server_log" 2>&1 &
	servers=($!)
	ln -s "$top/tools/demo.d/report.php" "$tmp"
	# Without this line, root's nginx would change to a user who may not open
	# the sockets.
	[ "$(id -u)" -ne 0 ] || as=(-g "user root;")
	(cd "$tmp" && exec "$nginx" -p "$tmp" -e nginx.err "${as[@]}" \
		-c "$top/tools/demo.d/nginx.conf") >>"$server_log" 2>&1 &
	servers+=($!)
	server_url=http://nginx
	server_at=(--unix-socket "$tmp/nginx.sock")
	server_ready PHP-FPM line_is_there 1 "$tmp/fpm.err" 'ready to handle'
	server_ready nginx curl -q --noproxy '*' "${server_at[@]}" http://nginx
	note "tools/demo.d/report.php is the page"
}

fpm_replaces()
{
	check "PHP-FPM saw worker $1 die of the signal" wait_for 60 \
		line_is_there 1 "$tmp/fpm.err" "child $1 exited on signal 9"
	check "PHP-FPM started another worker in its place" wait_for 60 \
		line_is_there 1 "$tmp/fpm.err" 'child [0-9]* started$'
}
