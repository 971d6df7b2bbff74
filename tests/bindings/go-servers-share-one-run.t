#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B5: the Go binding under net/http in four processes. A herd on one key
# makes one run; so does a herd after the value's end. If the leader's process
# is killed, another one runs the work, and only the requests of the dead one
# fail. A graceful restart loses no request and makes no second run. Work that
# panics, ends its goroutine or its process leaves no key stuck. 10,000 keys are
# made once each. After its end a server has left nothing behind.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/go/binding.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/servers.sh" || exit 1

[ -z "$(no_go)" ] || skip_all "$(no_go)"
# What servers.sh runs: its client, and clocks.
# shellcheck disable=SC2034
python=$(command -v python3) || skip_all "no Python here, for the client"
# shellcheck disable=SC2034 # servers.sh reads it
leaves="exit panic goexit"

start()
{
	: >"$RUNS"
	rm -f "$address"
	spawn "$TMP/server" "$address" >"$TMP/server.log" 2>&1
	# shellcheck disable=SC2034
	server=$!
	ok "$name: it starts" wait_until answers
}

cd "$SFSHM_SOURCE/tests/bindings/go/server" || exit 1
ok "the server is built" go build -o "$TMP/server" .
try "net/http" 64
done_testing
