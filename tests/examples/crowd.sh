# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Many processes that ask for one key of $segment at once. Their pids are in
# ${pids[]}.

# crowd_wait: sets $statuses to how many ended with which status, as "8 0"
# shellcheck disable=SC2034
crowd_wait()
{
	local pid codes=()

	for pid in "${pids[@]}"; do
		{ wait "$pid"; } 2>/dev/null
		codes+=($?)
	done
	statuses=$(printf '%s\n' "${codes[@]}" | sort -n | uniq -c | xargs)
}

# waiters KEY N: so many processes sleep until somebody else has it
waiters()
{
	wait_until waiters_now "$@"
}

waiters_now()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		grep -q "\"waiters\": *$2\b"
}

# older KEY MS: the last result is older than that
older()
{
	wait_until older_now "$@"
}

older_now()
{
	local age

	age=$(sfshm-dump -s "$segment" --json --key "$1" |
		sed -n 's/.*"age_ms": *\([0-9]*\).*/\1/p')
	[ "${age:-0}" -gt "$2" ]
}

# leader KEY: the pid of the process that is at work on it
leader()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		sed -n 's/.*"owner": *{[^}]*"pid": *\([0-9]*\).*/\1/p'
}
