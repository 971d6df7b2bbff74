# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A command that mints tokens, for the tests of credential-refresher. It is
# told by files, also while it runs: $mint/life says how many seconds its
# tokens live; while $mint/hold.N is there its Nth run waits; if $mint/fail is
# there it fails.
. "$SFSHM_SOURCE/tests/examples/crowd.sh"

mint=$TMP/mint
mkdir "$mint"
: >"$mint/log"
echo 3600 >"$mint/life"
cat >"$mint/mint" <<'END'
#!/bin/bash
cd "${0%/*}" || exit
echo "$$" >>log
run=$(wc -l <log)
while [ -e "hold.$run" ]; do
	sleep 0.01
done
[ ! -e fail ] || exit 1
echo "$(<life) token-$run"
END
chmod +x "$mint/mint"

# mints N: it has been run so often
mints()
{
	[ "$(wc -l <"$mint/log")" -eq "$1" ]
}

refresher()
{
	timeout 120 "$SFSHM_BUILD/examples/credential-refresher" \
		-s "$segment" "$@" key "$mint/mint"
}

# gets TOKEN HOW DESCRIPTION [OPTION...]: it prints that one, and says so.
# Sets $generation
# shellcheck disable=SC2034
gets()
{
	local status=0 token

	refresher "${@:4}" >"$TMP/out" 2>"$TMP/err" || status=$?
	read -r generation token <"$TMP/out"
	is "$status:$token:$(tail -n 1 "$TMP/err")" "0:$1:key: $2" "$3"
}

# crowd N [OPTION...]: so many ask at once; $TMP/out.I, $TMP/err.I, ${pids[]}
crowd()
{
	local i

	pids=()
	for ((i = 0; i < $1; i++)); do
		spawn "$SFSHM_BUILD/examples/credential-refresher" \
			-s "$segment" "${@:2}" key "$mint/mint" \
			>"$TMP/out.$i" 2>"$TMP/err.$i"
		pids+=($!)
	done
}
