#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

# refused FILE WHAT: a line that names the file, status 1, and soon
refused()
{
	exits 1 "$2: exit status 1" timeout 120 sfshm-dump -s "$1"
	is "$(wc -l <"$TMP/err")" 1 "$2: one line"
	like "$(<"$TMP/err")" "^sfshm-dump: .*${1##*/}: .+" \
		"$2: which names the file"
	exits 1 "$2: as JSON too" timeout 120 sfshm-dump -s "$1" --json
	is "$(wc -c <"$TMP/out")" 0 "$2: with no JSON"
}

segment good
publish report
good=$(path)

: >"$TMP/empty"
refused "$TMP/empty" "an empty file"
printf x >"$TMP/byte"
refused "$TMP/byte" "a byte"
echo "Dear diary" >"$TMP/text"
refused "$TMP/text" "a text"
head -c 1000000 /dev/urandom >"$TMP/random"
refused "$TMP/random" "random bytes"
head -c 1000000 /dev/zero >"$TMP/zero"
refused "$TMP/zero" "zero bytes"
for size in 100 4095 4096 4097 100000; do
	head -c $size "$good" >"$TMP/cut-$size"
	refused "$TMP/cut-$size" "a segment cut to $size bytes"
done
cp "$good" "$TMP/grown"
chmod 600 "${TMP:?}"/*
printf x >>"$TMP/grown"
refused "$TMP/grown" "a segment that is longer than it says"
cp "$good" "$TMP/version"
printf '\377' | dd of="$TMP/version" bs=1 seek=8 conv=notrunc status=none
refused "$TMP/version" "another layout version"
mkdir "$TMP/folder"
refused "$TMP/folder" "a folder"
mkfifo "$TMP/fifo"
refused "$TMP/fifo" "a pipe"
ln -s "$good" "$TMP/link"
refused "$TMP/link" "a symbolic link"
refused /dev/zero "a device"
refused "$TMP/missing" "a missing file"
refused "$segment-missing" "a missing name"
refused "no such name" "a name with odd characters"

cp --sparse=always "$good" "$TMP/copy"
exits 0 "a whole copy is a segment" sfshm-dump -s "$TMP/copy"

done_testing
