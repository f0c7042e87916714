# completion.bash: completes commands, options and names of `assay`, which it asks: nothing is listed twice.
# SPDX-License-Identifier: MIT
_assay() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words='' list
    if ((COMP_CWORD == 1)); then
        words=$(assay --help | awk '/^  [a-z]+ / && $1 != "assay" {print $1}')
    elif [[ $word == -* ]]; then
        words=$(assay "${COMP_WORDS[1]}" --help 2>/dev/null | awk '/^  --/ {print $1}')
    else
        case $before in
        --impl) list=impls ;;
        --workload) list=workloads ;;
        --case) list=cases ;;
        --check) list=checks ;;
        --mutant) list=mutants ;;
        list) words='impls cases checks dialects workloads mutants verdicts' ;;
        esac
        [[ -z ${list:-} ]] || words=$(assay list "$list" 2>/dev/null | awk '{print $1}')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _assay assay
