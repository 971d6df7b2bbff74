#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3: the Python binding in event loops under gunicorn: greenlets of
# gevent and coroutines of asyncio (uvicorn), with and without --preload. Each
# goes through what tests/bindings/python-gunicorn-shares-one-run.t says; a
# worker answers other requests while its loop waits for a key.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/binding.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/servers.sh" || exit 1

python_has gunicorn || skip_all "no gunicorn here (package gunicorn)"
if python_has gevent; then
	try "gevent" 64 gunicorn -k gevent
	try "gevent --preload" 64 gunicorn -k gevent --preload
else
	skip "no gevent here (package python3-gevent)" "gevent"
fi
if python_has uvicorn; then
	# shellcheck disable=SC2034 # servers.sh reads both
	application=asgi:application leaves=exit again=again
	try "asyncio" 64 gunicorn -k uvicorn.workers.UvicornWorker
	try "asyncio --preload" 64 gunicorn \
		-k uvicorn.workers.UvicornWorker --preload
else
	skip "no uvicorn here (package uvicorn)" "asyncio"
fi
done_testing
