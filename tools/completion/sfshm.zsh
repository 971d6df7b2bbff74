#compdef sfshm-run sfshm-dump sfshm-ctl sfshm-top
# SPDX-License-Identifier: MIT
#
# zsh completion for sfshm's tools. Options come from the tool's own --help.

_sfshm_options()
{
	"$1" --help 2>/dev/null | grep -oE -- '(^|[ ,|[])--?[a-z0-9][a-z-]*' |
		tr -d ' ,|[' | sort -u
}

_sfshm_keys()
{
	local segment=default at=${words[(I)(-s|--segment)]}

	((at > 0 && at < CURRENT - 1)) && segment=${words[at + 1]}
	sfshm-dump -s "$segment" -o KEY --noheadings --limit 1000 2>/dev/null
}

_sfshm()
{
	local tool=${words[1]} before=${words[CURRENT - 1]}
	local at=${words[(i)--]}
	local -a found

	if [[ ${tool:t} == sfshm-run ]] && ((at < CURRENT)); then
		((CURRENT -= at))
		words=("${(@)words[at + 1, -1]}")
		_normal
		return
	fi
	case $before in
	--html)
		_files
		return
		;;
	-s | --segment)
		found=(${(f)"$(sfshm-dump --noheadings 2>/dev/null | sed -n 's/^\([^ ]*\) .*/\1/p')"})
		;;
	-k | --key | --lock | --semaphore | --match)
		found=("${(@f)$(_sfshm_keys)}")
		;;
	--phase) found=(idle busy done failed dead) ;;
	--kind) found=(value claim lock semaphore save) ;;
	-o | --output | --sort)
		found=(${(f)"$("$tool" --help 2>/dev/null |
			sed -n '/^COLUMNS:/,/^[A-Z]*:/p' |
			grep -oE '[A-Z]+,|,[A-Z]+|[A-Z]+$' | tr -d ,)"})
		;;
	--check)
		found=(waiters= age= failed= dead= deaths= slots= memory= participants=)
		;;
	*)
		if [[ ${tool:t} == sfshm-ctl && $CURRENT == 2 ]]; then
			found=(${(f)"$("$tool" --help 2>/dev/null |
				sed -n 's/^  \([a-z][a-z-]*\).*/\1/p' | sort -u)"})
		elif [[ ${tool:t} == sfshm-ctl && ${words[CURRENT]} != -* ]]; then
			found=("${(@f)$(_sfshm_keys)}")
		else
			found=(${(f)"$(_sfshm_options "$tool")"})
		fi
		;;
	esac
	compadd -- "${found[@]}"
}

_sfshm "$@"
