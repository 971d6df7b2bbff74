#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3: the Python binding under gunicorn, with processes and with threads,
# each with and without --preload. A herd on one key makes one run; so does a
# herd after the value's end. If the leader's worker is killed, another one runs
# the work, and only the requests of the dead one fail. A graceful reload loses
# no request and makes no second run. Work that ends its process leaves no key
# stuck. 10,000 keys are made once each. After its end a server has left nothing
# behind.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/binding.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/servers.sh" || exit 1

python_has gunicorn || skip_all "no gunicorn here (package gunicorn)"
try "sync" 1 gunicorn
try "sync --preload" 1 gunicorn --preload
try "gthread" 8 gunicorn -k gthread --threads 8
try "gthread --preload" 8 gunicorn -k gthread --threads 8 --preload
done_testing
