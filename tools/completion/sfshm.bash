# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# bash completion for sfshm's tools. Options come from the tool's own --help, so
# that they are always those of the tool.

_sfshm_options()
{
	"$1" --help 2>/dev/null | grep -oE -- '(^|[ ,|[])--?[a-z0-9][a-z-]*' |
		tr -d ' ,|[' | sort -u
}

_sfshm_verbs()
{
	"$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p' | sort -u
}

# The user's segments.
_sfshm_segments()
{
	sfshm-dump --noheadings 2>/dev/null | sed -n 's/^\([^ ]*\) .*/\1/p'
}

# The keys of the segment that the line names.
_sfshm_keys()
{
	local segment=default i

	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --segment) segment=${COMP_WORDS[i + 1]} ;;
		esac
	done
	sfshm-dump -s "$segment" -o KEY --noheadings --limit 1000 2>/dev/null
}

# _sfshm_argument TOOL OPTION: prints the words that may follow the option; fails
# if it does not know any.
_sfshm_argument()
{
	case $2 in
	-s | --segment) _sfshm_segments ;;
	-k | --key | --lock | --semaphore | --match) _sfshm_keys ;;
	--phase) printf '%s\n' idle busy "done" failed dead ;;
	--kind) printf '%s\n' value claim lock semaphore save ;;
	-o | --output | --sort)
		"$1" --help 2>/dev/null |
			sed -n '/^COLUMNS:/,/^[A-Z]*:/p' |
			grep -oE '[A-Z]+,|,[A-Z]+|[A-Z]+$' | tr -d ,
		;;
	--check)
		printf '%s=\n' waiters age failed dead deaths slots memory \
			participants
		;;
	*) return 1 ;;
	esac
}

# Whether a command follows, and where it begins.
_sfshm_command_at()
{
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			echo $((i + 1))
			return
		fi
	done
	return 1
}

_sfshm()
{
	local word=${COMP_WORDS[COMP_CWORD]} tool=$1 words at
	local before=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	if [ "${tool##*/}" = sfshm-run ] && at=$(_sfshm_command_at); then
		if [ "$COMP_CWORD" -eq "$at" ]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		return
	fi
	if [ "$before" = --html ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	if ! words=$(_sfshm_argument "$tool" "$before"); then
		if [[ $word == -* ]]; then
			words=$(_sfshm_options "$tool")
		elif [ "${tool##*/}" = sfshm-ctl ] && [ "$COMP_CWORD" -eq 1 ]; then
			words=$(_sfshm_verbs "$tool")
		elif [ "${tool##*/}" = sfshm-ctl ]; then
			words=$(_sfshm_keys)
		else
			words=$(_sfshm_options "$tool")
		fi
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _sfshm sfshm-run sfshm-dump sfshm-ctl sfshm-top
