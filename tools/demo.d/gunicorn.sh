# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# report.py under gunicorn, which listens on a Unix socket.
# shellcheck disable=SC2034

python=/usr/bin/python3 # the one that the build makes the binding for

gunicorn_is()
{
	echo "Python: gunicorn with $processes workers"
}

gunicorn_lacks()
{
	if [ ! -f "$build/python/stamp" ]; then
		echo "$build/python/site is missing: it takes python3-dev, -pip," \
			"-setuptools and -wheel, and -DSFSHM_BINDINGS=ON"
	elif ! "$python" -c 'import gunicorn' 2>/dev/null; then
		echo "gunicorn is missing (package gunicorn)"
	fi
}

gunicorn_start()
{
	SEGMENT=$http_segment SALES=$tmp/sales.csv LOG=$server_log \
		PYTHONPATH=$build/python/site PYTHONDONTWRITEBYTECODE=1 \
		"$python" -m gunicorn --chdir "$top/tools/demo.d" \
		--workers "$processes" --bind "unix:$tmp/gunicorn.sock" \
		--timeout 120 report:application \
		>>"$server_log" 2>&1 &
	servers=($!)
	server_url=http://gunicorn
	server_at=(--unix-socket "$tmp/gunicorn.sock")
	server_ready gunicorn \
		line_is_there "$processes" "$server_log" '\] started$'
	note "tools/demo.d/report.py is the application"
}

gunicorn_replaces()
{
	check "gunicorn started another worker in its place" wait_for 60 \
		line_is_there $((processes + 1)) "$server_log" '\] started$'
}
