#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment unlink
publish report
exits 0 "it removes a segment" sfshm-ctl unlink -s "$segment"
is "$(<"$TMP/out")" "removed $(path)" "and says which"
[ ! -e "$(path)" ]
is $? 0 "the file is gone"
exits 1 "once" sfshm-ctl unlink -s "$segment"
is "$(wc -l <"$TMP/err")" 1 "one line"

lead slow
exits 0 "one that is in use as well" sfshm-ctl unlink -s "$segment"
kill -0 "$leader"
is $? 0 "whoever uses it goes on"

echo nonsense >"$(path)"
exits 0 "a damaged one by its name" sfshm-ctl unlink -s "$segment"

sfshm-ctl create -s "$TMP/file" >"$TMP/out"
exits 0 "one by its path" sfshm-ctl unlink -s "$TMP/file"
echo "Dear diary" >"$TMP/diary"
chmod 600 "$TMP/diary"
exits 1 "another file is not removed" sfshm-ctl unlink -s "$TMP/diary"
like "$(<"$TMP/err")" "^sfshm-ctl: $TMP/diary: .*not removed" "which is said"
is "$(<"$TMP/diary")" "Dear diary" "and true"
ln -s diary "$TMP/link"
exits 1 "nor a symbolic link" sfshm-ctl unlink -s "$TMP/link"
[ -L "$TMP/link" ]
is $? 0 "it is there"
mkdir "$TMP/folder"
exits 1 "nor a folder" sfshm-ctl unlink -s "$TMP/folder"

done_testing
