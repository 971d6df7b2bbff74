#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# refused WHAT REGEX ARGUMENT...: nothing is run, and the line says why
refused()
{
	local what=$1 regex=$2
	shift 2
	exits 125 "$what" sfshm-run "$@"
	like "$(cat "$TMP/err")" "^sfshm-run: $regex" "... says why"
	is "$(wc -l <"$TMP/err")$(cat "$TMP/out")" 1 "... in one line"
}

s=(-s "$segment")
long=$(printf '%1025s' '' | tr ' ' k)
refused "no arguments" "no key; give one with -k"
refused "no key" "no key; give one with -k" "${s[@]}" -- true
refused "an empty key" "-k: a key has 1 to 1024 bytes" -k '' "${s[@]}" -- true
refused "a long key" "-k: .* this one has 1025" -k "$long" "${s[@]}" -- true
refused "no command" "no command; give one" -k a "${s[@]}"
refused "nothing after --" "no command; give one" -k a "${s[@]}" --
refused "an unknown option" "unknown option '--nope'; see --help" --nope
refused "an unknown letter" "unknown option '-x'; see --help" -x
refused "a missing argument" "-k needs an argument; see --help" -k
for text in '' 5 ms 5x 1.5.5s -1s ' 1s' '1s ' 1S 1h30m; do
	refused "--ttl '$text'" "--ttl .*not a duration; give a number and ms" \
		-k a --ttl "$text" "${s[@]}" -- true
done
refused "an option's wrong name" "--neg-ttl 7: not a duration" \
	-k a --neg-ttl 7 "${s[@]}" -- true
for text in 50d 9999999999999999999s 18446744073709551616ms \
	18446744073709551615h; do
	refused "--timeout $text" "--timeout $text: too long; give at most 49 days" \
		-k a --timeout "$text" "${s[@]}" -- true
done
refused "a descriptor that is none" "--json-status x: not a descriptor" \
	-k a --json-status x "${s[@]}" -- true
refused "a closed one" "--json-status 77: Bad file descriptor; open it" \
	-k a --json-status 77 "${s[@]}" -- true
refused "a segment's odd name" "segment a b: " -s 'a b' -k a -- true
refused "a segment in no folder" "segment $TMP/no/such: " \
	-s "$TMP/no/such" -k a -- true
echo 'nothing of the kind' >"$TMP/text"
refused "a file that is no segment" "segment $TMP/text: " \
	-s "$TMP/text" -k a -- true
ln -s "$TMP/text" "$TMP/link"
refused "a symbolic link" "segment $TMP/link: .*symbolic link" \
	-s "$TMP/link" -k a -- true
exits 0 "a line of several lines" run -k z -- true
refused "a message with a newline" 'segment .*/no\\x0a/b: ' \
	-s "$TMP"/no$'\n'/b -k a -- true

exits 0 "--help" sfshm-run --help
like "$(cat "$TMP/out")" "^usage: sfshm-run " "... tells how"
exits 0 "--version" sfshm-run --version
like "$(cat "$TMP/out")" "^sfshm-run [0-9]+\.[0-9]+\.[0-9]+$" "... tells it"
exits 125 "help that cannot be written" \
	bash -c 'sfshm-run --help >/dev/full'

# The default is made when missing, and so is a path.
exits 0 "a path" sfshm-run -s "$TMP/seg" -k a --ttl 1h -- echo made
exits 0 "... that was made" sfshm-run -s "$TMP/seg" -k a -- false
is "$(cat "$TMP/out")" made "... is used again"
is "$(stat -c %a "$TMP/seg")" 600 "... and is its user's only"

exits 125 "output that has no place" \
	bash -c "sfshm-run -s $segment -k b -- echo text >/dev/full"
is "$(cat "$TMP/err")" \
	"sfshm-run: standard output cannot be written: No space left on device" \
	"... says why"
exits 0 "result with a life" run -k c --ttl 1h -- echo text
exits 125 "... that has no place" \
	bash -c "sfshm-run -s $segment -k c -- false >/dev/full"
exits 125 "... with standard output closed" \
	bash -c "sfshm-run -s $segment -k c -- false >&-"
exits 125 "the same for a leader" \
	bash -c "sfshm-run -s $segment -k d -- echo text >&-"
exits 0 "closed ones that nothing is written to" \
	bash -c "sfshm-run -s $segment -k e -- true <&- >&- 2>&-"
done_testing
