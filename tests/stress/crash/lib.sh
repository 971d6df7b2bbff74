# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the short forms of tools/crashtest share; comes after tap.sh.
[ -z "$SFSHM_SANITIZE" ] || skip_all "sanitizers take too many instructions"

# crash ARGUMENT...: exits as it does; its table is shown
crash()
{
	"$SFSHM_BUILD/tests/stress/crash" "$@" >"$TMP/table" 2>"$TMP/err"
	local status=$?

	diag "$(cat "$TMP/table" "$TMP/err")"
	return $status
}

# rows: how many operations the table has
rows()
{
	grep -c '[0-9]$' "$TMP/table"
}
