#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh"
[ -z "$SFSHM_SANITIZE" ] || skip_all "the machine is slow enough for the bound"

exits 0 "what all processes tell fits together" \
	"$SFSHM_BUILD/tests/storm" --seconds 6
diag "$(cat "$TMP/out")"
told=$(sed -n 's/^things told.* //p' "$TMP/out")
ok "... and they tell much" [ "${told:-0}" -gt 10000 ]
done_testing
