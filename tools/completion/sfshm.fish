# SPDX-License-Identifier: MIT
#
# fish completion for sfshm's tools. Options come from the tool's own --help.

function __sfshm_options
    set -l tool (commandline -opc)[1]
    $tool --help 2>/dev/null | string match -ar -- '(?:^|[ ,|\[])(--?[a-z0-9][a-z-]*)' |
        string replace -ar '^[ ,|\[]' '' | sort -u
end

function __sfshm_verbs
    sfshm-ctl --help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*).*' '$1' | sort -u
end

function __sfshm_segments
    sfshm-dump --noheadings 2>/dev/null | string replace -rf '^([^ ]+) .*' '$1'
end

function __sfshm_keys
    set -l words (commandline -opc)
    set -l segment default
    for i in (seq 2 (math (count $words) - 1))
        contains -- $words[$i] -s --segment; and set segment $words[(math $i + 1)]
    end
    sfshm-dump -s $segment -o KEY --noheadings --limit 1000 2>/dev/null
end

function __sfshm_columns
    set -l tool (commandline -opc)[1]
    $tool --help 2>/dev/null | sed -n '/^COLUMNS:/,/^[A-Z]*:/p' |
        grep -oE '[A-Z]+,|,[A-Z]+|[A-Z]+$' | string replace -a , ''
end

function __sfshm_after
    contains -- (commandline -opc)[-1] $argv
end

function __sfshm_option_is_due
    not __sfshm_after -s --segment -k --key --lock --semaphore --match \
        --phase --kind -o --output --sort --check --html
    and not contains -- -- (commandline -opc)
end

for tool in sfshm-run sfshm-dump sfshm-ctl sfshm-top
    complete -c $tool -f
    complete -c $tool -n '__sfshm_after -s --segment' -a '(__sfshm_segments)'
    complete -c $tool -n '__sfshm_after -k --key --lock --semaphore --match' -a '(__sfshm_keys)'
    complete -c $tool -n '__sfshm_after --phase' -a 'idle busy done failed dead'
    complete -c $tool -n '__sfshm_after --kind' -a 'value claim lock semaphore save'
    complete -c $tool -n '__sfshm_after -o --output --sort' -a '(__sfshm_columns)'
    complete -c $tool -n '__sfshm_after --html' -F
    complete -c $tool -n '__sfshm_after --check' \
        -a 'waiters= age= failed= dead= deaths= slots= memory= participants='
    complete -c $tool -n __sfshm_option_is_due -a '(__sfshm_options)'
end
complete -c sfshm-ctl -n 'test (count (commandline -opc)) -eq 1' -a '(__sfshm_verbs)'
complete -c sfshm-ctl -n 'test (count (commandline -opc)) -gt 1; and __sfshm_option_is_due' \
    -a '(__sfshm_keys)'
complete -c sfshm-run -n '__sfshm_after --' -a '(__fish_complete_command)'
complete -c sfshm-run -n 'contains -- -- (commandline -opc)' -F
