#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3: the Python binding under uWSGI, which forks in C: with processes,
# with threads, and with an application for each process. A herd on one key
# makes one run; so does a herd after the value's end. If the leader's worker is
# killed, another one runs the work, and only the requests of the dead one fail.
# A graceful reload loses no request and makes no second run. Work that ends its
# process leaves no key stuck. 10,000 keys are made once each. After its end a
# server has left nothing behind.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/binding.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/servers.sh" || exit 1

uwsgi --plugin python3 --version >/dev/null 2>&1 ||
	skip_all "no uWSGI here (package uwsgi-plugin-python3)"
try "processes" 1 uwsgi
# shellcheck disable=SC2034 # servers.sh reads both
again=again waiting=7 try "threads" 8 uwsgi --enable-threads --threads 8
try "lazy-apps" 1 uwsgi --lazy-apps
done_testing
