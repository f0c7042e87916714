#!/usr/bin/env bash
# man.sh: the manual page of `assay`, made of what the program's --help says, so that the two cannot differ.
# SPDX-License-Identifier: MIT
# Usage: man.sh PROGRAM OUT
set -euo pipefail
program=${1:?usage: man.sh PROGRAM OUT} out=${2:?usage: man.sh PROGRAM OUT}

# Text as it stands: no line of it is a request, no backslash an escape.
verbatim() {
    printf '.nf\n'
    sed -e 's/\\/\\e/g' -e "s/^\([.']\)/\\\\\&\1/" -e 's/-/\\-/g'
    printf '.fi\n'
}

help=$("$program" --help)
mapfile -t commands < <(sed -n '/^  [a-z][a-z]* /p' <<<"$help" | awk '$1 != "assay" {print $1}')
((${#commands[@]})) || { echo "man.sh: $program --help names no command" >&2; exit 3; }
{
    printf '.TH ASSAY 1 "" "%s" "User Commands"\n' "$("$program" --version)"
    printf '.SH NAME\nassay \\- conformance and performance of recurrent networks\n.SH SYNOPSIS\n.B assay\nCOMMAND [options]\n'
    printf '.SH DESCRIPTION\n'
    verbatim <<<"${help#usage: assay COMMAND \[options\]}"
    for command in "${commands[@]}"; do
        printf '.SH ASSAY %s\n' "${command^^}"
        "$program" "$command" --help | verbatim
    done
    printf '.SH ENVIRONMENT\n.TP\n.B ASSAY_IMPL_PATH\nfolders with implementations, in place of the own one\n'
    printf '.TP\n.B ASSAY_PYTHON\nthe interpreter of implementations in Python\n'
    printf '.TP\n.B NO_COLOR\nno colour on a terminal\n'
    printf '.TP\n.B XDG_CACHE_HOME\nwhere certificates are kept by an installed program, in assay/certificates\n'
    printf '.SH SEE ALSO\n/usr/share/doc/assay/docs, or docs/ of the source\n'
} >"$out.part"
mv "$out.part" "$out"
