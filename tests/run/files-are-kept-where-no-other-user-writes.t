#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Without --dir sfshm-run keeps files in a directory of the user's own.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
export XDG_CACHE_HOME=$TMP/cache

exits 0 "a run" run -k key --file --ttl 1h -- echo text
is "$(stat -c %a "$TMP/cache/sfshm-run")" 700 \
	"... makes the directory, for its user only"
is "$(stat -c %a "$TMP/cache/sfshm-run"/*)" 600 "... and the file"
chmod go+w "$TMP/cache/sfshm-run"
exits 125 "one that others may write to" run -k key --file -- echo text
is "$(cat "$TMP/err")" "sfshm-run: $TMP/cache/sfshm-run: others may write to it;\
 choose a directory with --dir" "... is refused"
rm -r "$TMP/cache/sfshm-run"
ln -s "$TMP" "$TMP/cache/sfshm-run"
exits 125 "so is a symbolic link" run -k key --file -- echo text
exits 125 "a directory that is not there" \
	run -k key --file --dir "$TMP/none" -- echo text
is "$(cat "$TMP/err")" "sfshm-run: $TMP/none: No such file or directory;\
 choose a directory with --dir" "... is an error"

mkdir "$TMP/files"
exits 0 "a key" run -k key --file --dir "$TMP/files" --ttl 1h -- echo one
segment other
exits 0 "the same in another segment" \
	run -k key --file --dir "$TMP/files" --ttl 1h -- echo two
is "$(cat "$TMP/out")" two "... is another one"
is "$(find "$TMP/files" -type f | wc -l)" 2 "... with another file"
done_testing
