#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The test inverts bytes in use, one at a time, until one of them damages a
# slot.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment damaged
sfshm-ctl create -s "$segment" --slots 64 --participants 8 --bytes 64K \
	--max-value 4K >"$TMP/out"
publish one
publish two
publish three

cat >"$TMP/search.py" <<'END'
import json, subprocess, sys

with open(sys.argv[1], "r+b", buffering=0) as file:
    whole = file.read()
    for at in (at for at in range(8192, len(whole)) if whole[at]):
        file.seek(at)
        file.write(bytes([whole[at] ^ 0xff]))
        run = subprocess.run(["sfshm-dump", "--json", "-s", sys.argv[1]],
                             stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, timeout=120)
        if run.returncode == 1 and run.stdout:
            slots = json.loads(run.stdout)["slots"]
            if sum(slot["damaged"] for slot in slots) == 1:
                print(at)
                sys.exit(0)
        file.seek(at)
        file.write(whole[at:at + 1])
sys.exit(1)
END
exits 0 "a byte that matters" python3 "$TMP/search.py" "$(path)"
diag "at $(<"$TMP/out")"

exits 1 "JSON: exit status 1" sfshm-dump -s "$segment" --json
cp "$TMP/out" "$TMP/json"
like "$(<"$TMP/err")" "^sfshm-dump: $segment: 1 damaged record;" "and a line"
is "$(json "$TMP/json" 'len(d["slots"]), len(set(slots) &
	{"one", "two", "three"})')" "(3, 2)" "the other slots are there"
is "$(json "$TMP/json" '[(slot["key"], slot["phase"], slot["torn"])
	for slot in d["slots"] if slot["damaged"]]')" "[(None, None, False)]" \
	"nothing is said of the damaged one"
index=$(json "$TMP/json" '[slot["index"] for slot in d["slots"]
	if slot["damaged"]][0]')

exits 1 "table: exit status 1" sfshm-dump -s "$segment"
is "$(grep -cE '^(one|two|three) ' "$TMP/out")" 2 "the other slots are there"
is "$(grep -cE "^\\(slot $index\\) +damaged$" "$TMP/out")" 1 \
	"the damaged one has its number"
exits 1 "filters do not hide it" sfshm-dump -s "$segment" --key nothing
is "$(grep -cE "^\\(slot $index\\) +damaged$" "$TMP/out")" 1 "it is there"
sfshm-dump >"$TMP/out" 2>"$TMP/err"
like "$(grep "^$segment " "$TMP/out")" "not usable: 1 damaged slot$" \
	"the list says it as well"

done_testing
