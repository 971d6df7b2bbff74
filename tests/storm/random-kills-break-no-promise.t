#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
[ "$SFSHM_SANITIZE" != thread ] || skip_all "it sees no other process"

arguments=(--seconds 6 --bound-ms 3000)
[ -z "$SFSHM_SANITIZE" ] || arguments=(--seconds 4 --bound-ms 5000)
exits 0 "what all processes tell fits together" \
	"$SFSHM_BUILD/tests/storm" "${arguments[@]}"
diag "$(cat "$TMP/out")"
told=$(sed -n 's/^things told.* //p' "$TMP/out")
ok "... and they tell much" [ "${told:-0}" -gt 10000 ]
done_testing
