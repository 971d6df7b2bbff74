#!/bin/bash
# SPDX-License-Identifier: MIT
#
# -K: callers share a run if they give the same command in the same directory,
# with the same variables and files.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo run >>"$TMP/log"
printf '%s\n' "$#" "$@" "${MODE-unset}"
END

# runs N DESCRIPTION ARGUMENT...: N runs of the script, all in all, after this
runs()
{
	local want=$1 what=$2

	shift 2
	run --ttl 1h "$@" >"$TMP/out" 2>"$TMP/err"
	is "$(wc -l <"$TMP/log")" "$want" "$what"
}

mkdir "$TMP/other"
runs 1 "a command" -K -- "$TMP/work" a b
runs 1 "... is run once" -K -- "$TMP/work" a b
is "$(cat "$TMP/out")" $'2\na\nb\nunset' "... with its output"
runs 2 "another argument is another key" -K -- "$TMP/work" a c
runs 3 "... and so are other words of the same letters" -K -- "$TMP/work" "a b"
runs 4 "... and a quote" -K -- "$TMP/work" "a' 'b"
runs 5 "... and no argument" -K -- "$TMP/work"
runs 6 "... and an empty one" -K -- "$TMP/work" ""
here=$PWD
cd "$TMP/other" || exit 1
runs 7 "... and another directory" -K -- "$TMP/work" a b
cd "$here" || exit 1
runs 7 "... but not the old one" -K -- "$TMP/work" a b

runs 8 "a variable that is named" -K --env MODE -- "$TMP/work" e
MODE=fast runs 9 "... makes another key" -K --env MODE -- "$TMP/work" e
is "$(tail -n 1 "$TMP/out")" fast "... of its own result"
MODE=fast runs 9 "... once" -K --env MODE -- "$TMP/work" e
MODE='' runs 10 "... an empty one, too" -K --env MODE -- "$TMP/work" e
MODE=other runs 11 "one that is not named" -K -- "$TMP/work" n
MODE="more" runs 11 "... does not" -K -- "$TMP/work" n

echo one >"$TMP/input"
runs 12 "a file that is named" -K --input "$TMP/input" -- "$TMP/work" i
runs 12 "... makes one key" -K --input "$TMP/input" -- "$TMP/work" i
echo longer >"$TMP/input"
runs 13 "... until its size changes" -K --input "$TMP/input" -- "$TMP/work" i
touch -d '2001-01-01' "$TMP/input"
runs 14 "... or its time" -K --input "$TMP/input" -- "$TMP/work" i
runs 15 "--input goes with -k, too" -k i --input "$TMP/input" -- "$TMP/work"
touch -d '2002-01-01' "$TMP/input"
runs 16 "... and changes the key" -k i --input "$TMP/input" -- "$TMP/work"
exits 125 "a missing file" run -K --input "$TMP/none" -- "$TMP/work"
is "$(cat "$TMP/err")" \
	"sfshm-run: --input $TMP/none: No such file or directory" \
	"... is told of"

long=$(printf '%2000s' '' | tr ' ' l)
runs 17 "a long command" -K -- "$TMP/work" "${long}1"
runs 17 "... is run once" -K -- "$TMP/work" "${long}1"
runs 18 "... and is not another one" -K -- "$TMP/work" "${long}2"
runs 19 "-K with --file" -K --file --dir "$TMP/other" -- "$TMP/work" f
runs 19 "... is run once" -K --file --dir "$TMP/other" -- "$TMP/work" f

cd "$TMP/other" || exit 1
MODE='a b' run -K --env MODE --input "$TMP/input" --ttl 1h -- \
	"$TMP/work" 'x y' >/dev/null
name="$(pwd)\$ MODE='a b' $TMP/work 'x y' <$TMP/input@$(
	stat -c %Y "$TMP/input").000000000+7"
ok "the key shows the command as a shell does" \
	sfshm-dump -s "$segment" --json --key "$name"
like "$(sfshm-dump -s "$segment" --json --key "$name")" '"phase": "done"' \
	"... in the dump"
exits 125 "-K and -k" run -K -k a -- true
exits 125 "--env with a lock" run --lock a --env MODE -- true
done_testing
