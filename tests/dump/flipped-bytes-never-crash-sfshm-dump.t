#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every third byte of the header and of those that are in use behind it is
# inverted, one at a time: at least one in each word.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment flipped
sfshm-ctl create -s "$segment" --slots 64 --participants 8 --bytes 64K \
	--max-value 4K >"$TMP/out"
publish report
publish "$(printf 'long%.0s' {1..50})"
lead slow
follow slow 1
cp "$(path)" "$TMP/copy"
chmod 600 "$TMP/copy"

cat >"$TMP/flip.py" <<'END'
import collections, subprocess, sys

path, first, last = sys.argv[1], *map(int, sys.argv[2:4])
seen = collections.Counter()
with open(path, "r+b", buffering=0) as file:
    whole = file.read()
    offsets = [at for at in range(first, min(last, len(whole)), 3)
               if first == 0 or whole[at]]
    for at in offsets:
        file.seek(at)
        file.write(bytes([whole[at] ^ 0xff]))
        form = ["--html", "-"] if at % 2 else ["--json"]
        run = subprocess.run(["sfshm-dump", *form, "-s", path],
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, timeout=120)
        file.seek(at)
        file.write(whole[at:at + 1])
        lines = run.stderr.count(b"\n")
        seen[run.returncode] += 1
        if run.returncode not in (0, 1) or lines != run.returncode:
            print(f"# byte {at}: status {run.returncode}, "
                  f"{run.stderr.decode(errors='replace')}")
            seen["bad"] += 1
print(f"# of {len(offsets)} bytes: {dict(seen)}")
sys.exit(seen["bad"] > 0 or not offsets or (first == 0 and not seen[1]))
END

flips()
{
	python3 "$TMP/flip.py" "$TMP/copy" "$1" "$2" >"$TMP/flips"
	is $? 0 "$3"
	cat "$TMP/flips"
}

flips 0 4096 "the header's bytes"
flips 4096 100000000 "bytes in use behind it"
exits 0 "it is whole again" sfshm-dump -s "$TMP/copy"

done_testing
