#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

folder=$SFSHM_SOURCE/tools/completion
segment complete
sfshm-ctl create -s "$segment" >"$TMP/out"
sfshm-ctl put -s "$segment" report-1 x
sfshm-ctl put -s "$segment" other x

# Each shell answers `complete_SHELL WORD...` with what may stand in place of
# the last word, in one line.
complete_bash()
{
	(
		# shellcheck source=/dev/null
		. "$folder/sfshm.bash"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_sfshm "$1"
		printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
	)
}

complete_zsh()
{
	zsh -f -c '
		file=$1; shift
		words=("$@"); CURRENT=$#
		compadd() { shift; print -rl -- "${(M)@:#${words[CURRENT]}*}" }
		_files() { print -rl -- ${words[CURRENT]}*(N) }
		_normal() { print -rl -- ${(M)${(k)commands}:#${words[CURRENT]}*} }
		. "$file"
	' zsh "$folder/sfshm.zsh" "$@" | sort | tr '\n' ' '
}

complete_fish()
{
	HOME=$TMP fish --no-config -c "
		source '$folder/sfshm.fish'
		complete -C '$*'" | cut -f 1 | sort -u | tr '\n' ' '
}

touch "$TMP/page.html"
for shell in bash zsh fish; do
	if ! command -v "$shell" >"$TMP/out"; then
		skip "no $shell here" "$shell completes"
		continue
	fi
	answer=complete_$shell
	is "$($answer sfshm-dump --wai)" "--waiting " "$shell: an option"
	like " $($answer sfshm-run --l) " " --lock " "$shell: one of sfshm-run"
	is "$($answer sfshm-ctl inv)" "invalidate " "$shell: a verb"
	is "$($answer sfshm-dump -s "$segment")" "$segment " "$shell: a segment"
	is "$($answer sfshm-dump -s "$segment" --key rep)" "report-1 " "$shell: a key"
	is "$($answer sfshm-ctl get -s "$segment" rep)" "report-1 " \
		"$shell: a key for a verb"
	is "$($answer sfshm-dump --html "$TMP/pag")" "$TMP/page.html " \
		"$shell: a file"
	is "$($answer sfshm-dump --phase d)" "dead done " "$shell: a phase"
	is "$($answer sfshm-dump -o PHA)" "PHASE " "$shell: a column"
	like " $($answer sfshm-run -k x -- ca) " " cat " "$shell: a command"
done

prefix=$TMP/prefix
ok "they are installed" cmake --install "$SFSHM_BUILD/tools/completion" \
	--prefix "$prefix"
for file in bash-completion/completions/sfshm-ctl \
	fish/vendor_completions.d/sfshm-dump.fish zsh/site-functions/_sfshm; do
	ok "... $file" test -f "$prefix/share/$file"
done
done_testing
