#!/bin/bash
# SPDX-License-Identifier: MIT
#
# If the file cannot take all of the output, the leader's caller gets the
# output all the same.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
ok "a segment" sfshm-ctl create -s "$segment"
mkdir "$TMP/files"

head -c 5000000 /dev/urandom >"$TMP/large"
script work <<'END'
echo run >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
cat "$TMP/large"
END

# A limit on files' sizes stands for a disk that is full.
limited()
{
	trap '' XFSZ
	ulimit -f 1000
	exec sfshm-run -s "$segment" -k key --file --dir "$TMP/files" -- "$@"
}

# Through a pipe: the limit is not for what the caller does with it.
spawn limited "$TMP/work" > >(cat >"$TMP/leader.out") 2>"$TMP/leader.err"
leader=$!
logged run
spawn_run -k key --file --dir "$TMP/files" -- true >"$TMP/out" 2>"$TMP/err"
follower=$!
waiters key 1
touch "$TMP/go"
ends 0 "the leader has the command's status" $leader
complete()
{
	cmp "$TMP/large" "$TMP/leader.out"
}
ok "... and all of the output" wait_until complete
ends 125 "the follower fails" $follower
is "$(cat "$TMP/err")" \
	"sfshm-run: output of key cannot be shared: File too large" \
	"... and knows why"
is "$(find "$TMP/files" -type f | wc -l)" 0 "nothing is left of the file"
done_testing
