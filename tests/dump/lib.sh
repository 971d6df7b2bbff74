# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests of sfshm-dump and sfshm-ctl share; comes after tap.sh.

# json FILE EXPRESSION: prints the Python expression's value; d is the document
json()
{
	python3 -c '
import json, sys
with open(sys.argv[1], encoding="ascii") as file:
    d = json.load(file)
slots = {slot["key"]: slot for slot in d.get("slots", [])}
value = eval("(" + sys.argv[2] + ")")
print(json.dumps(value) if isinstance(value, (bool, type(None))) else value)
' "$1" "$2"
}

# snapshot: leaves the JSON of $segment in $TMP/json
snapshot()
{
	sfshm-dump -s "$segment" --json >"$TMP/json"
}

# seen EXPRESSION: it holds in a new snapshot
seen()
{
	snapshot && [ "$(json "$TMP/json" "$1")" = true ]
}

# publish KEY [TEXT]: the key is done, with a value, for an hour
publish()
{
	sfshm-run -s "$segment" -k "$1" --ttl 1h -- echo "${2-value}" \
		>"$TMP/publish.out"
}

# lead KEY: the key is busy until its leader, whose pid is in $leader, is killed
lead()
{
	spawn sfshm-run -s "$segment" -k "$1" -- sleep 1000 >"$TMP/lead.out"
	export leader=$!
	wait_until seen "slots['$1']['phase'] == 'busy'"
}

# kill_leader: and it is gone; bash's note about that is not wanted
kill_leader()
{
	kill -KILL "$leader" && wait "$leader"
} 2>/dev/null

# follow KEY N: so many callers wait for it
follow()
{
	local i

	for ((i = 0; i < $2; i++)); do
		spawn sfshm-run -s "$segment" -k "$1" -- true
	done >"$TMP/follow.out"
	wait_until seen "slots['$1']['waiters'] == $2"
}

# path: prints where $segment lies
path()
{
	echo "/dev/shm/sfshm.$(id -u).$segment"
}

# flip FILE OFFSET: inverts the byte there
flip()
{
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 0xff]))
' "$1" "$2"
}
