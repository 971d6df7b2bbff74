#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A debugger finds the probes and their values. It needs neither root nor the
# kernel's help for that.
. "${0%/*}/../lib/tap.sh"

readelf -n "$SFSHM_BUILD/src/libsfshm.so.0" 2>/dev/null |
	grep -q 'Provider: sfshm' ||
	skip_all "the library was built without <sys/sdt.h>"
command -v gdb >/dev/null || skip_all "no gdb here"
gdb -nx -batch -ex run true 2>&1 | grep -q 'exited normally' ||
	skip_all "gdb cannot run programs here"

segment
sfshm-ctl create -s "$segment" >"$TMP/out"
# The key is an operand of the command, and so a string. What a debugger prints
# is no program's output: a probe's line begins with =.
cat >"$TMP/commands" <<'END'
set pagination off
set confirm off
set debuginfod enabled off
break main
run
break -probe-stap sfshm:flight_begin
commands
silent
printf "=begin %u %u %u %s\n", $_probe_arg0, $_probe_arg2, $_probe_arg4, (char *)$_probe_arg3
continue
end
break -probe-stap sfshm:flight_end
commands
silent
printf "=end %u %u %d\n", $_probe_arg0, $_probe_arg2, $_probe_arg3
continue
end
continue
END
HOME=$TMP gdb -nx -batch -x "$TMP/commands" --args \
	sfshm-ctl put -s "$segment" report value >"$TMP/out" 2>"$TMP/err" ||
	diag "$(cat "$TMP/err")"
sfshm-dump -s "$segment" --json --key report >"$TMP/json"
generation=$(grep -oE '"generation": [0-9]+' "$TMP/json" | grep -oE '[0-9]+')
begin=$(grep ^=begin "$TMP/out")
end=$(grep ^=end "$TMP/out")
like "$begin" "^=begin [0-9]+ $generation 6 report$" \
	"where a flight begins, it sees generation and key"
read -r _ hash _ <<<"$begin"
is "$end" "=end $hash $generation 1" \
	"where it ends, it sees the same key's hash, and that it published"
done_testing
