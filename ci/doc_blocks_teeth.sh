#!/usr/bin/env bash
# doc_blocks_teeth.sh: what ci/doc_blocks.py must notice in a document, and what it must let pass: faults planted one by one.
# SPDX-License-Identifier: MIT
# Usage: ci/doc_blocks_teeth.sh BUILD
set -euo pipefail
runner=$(realpath "$(dirname "${BASH_SOURCE[0]}")/doc_blocks.py")
build=$(realpath "${1:?usage: ci/doc_blocks_teeth.sh BUILD}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

judge() { # judge STATUS TEXT [OPTION...]: of the document on stdin; "~" stands for a backtick
    local status=0 wanted=$1 text=$2 said
    shift 2
    sed 's/~/`/g' >"$scratch/page.md"
    said=$("$runner" "$build" --timeout 20 "$@" "$scratch/page.md" 2>&1) || status=$?
    if [[ $status != "$wanted" || $said != *"$text"* ]]; then
        printf 'doc_blocks_teeth: exit status %s, expected %s and "%s" in: %s\n' "$status" "$wanted" "$text" "$said"
        failures=$((failures + 1))
    fi
}

# What holds.
judge 0 '1 blocks run' <<<$'~~~sh\ntrue\n~~~'
judge 0 '1 blocks run' <<<$'~~~console\n$ printf "a\\nb\\n"\na\nb\n$ echo c\nc\n~~~'
judge 0 '1 blocks run' <<<$'~~~console\n$ seq 9\n1\n...\n8\n9\n~~~'
judge 0 '1 blocks run' <<<$'~~~console\n$ echo one two three\none ... three\n~~~'
judge 0 '1 blocks run' <<<$'~~~console status 3\n$ exit 3\n~~~'
judge 0 '1 blocks run' <<<$'~~~console numbers\n$ echo "a 2.5e-07 of 0x5eed,   7"\na   1.25 of 0x1, 7\n~~~'
judge 0 '1 blocks run' <<<$'~~~console\n$ echo out; echo err >&2\nout\nerr\n~~~'
judge 0 '1 blocks run' <<<$'~~~c file one.c\nint one;\n~~~\n~~~console\n$ cat one.c\nint one;\n~~~'
judge 0 '2 blocks run' <<<$'~~~sh\ntouch kept\n~~~\n~~~sh\ntest -f kept && test -x build/release/bin/assay && assay --version\n~~~'
judge 0 '0 blocks run, 0 left to --long, 1 marked' <<<$'~~~sh needs: a GPU\nfalse\n~~~'
judge 0 '0 blocks run, 1 left to --long' <<<$'~~~sh long: an hour\nfalse\n~~~'
judge 0 '0 blocks run' <<<$'A formula:\n\n    a = b + c\n\n~~~text\n$ false\n~~~'

# What does not.
judge 1 'exit status 1, expected 0' <<<$'~~~sh\nfalse\ntrue\n~~~'
judge 1 'exit status 1, expected 0' --long <<<$'~~~sh long: an hour\nfalse\n~~~'
judge 1 "not printed: 'b'" <<<$'~~~console\n$ echo a\nb\n~~~'
judge 1 "not printed: 'c'" <<<$'~~~console\n$ printf "a\\nb\\n"\na\nc\n~~~'
judge 1 'more than is quoted' <<<$'~~~console\n$ printf "a\\nb\\n"\na\n~~~'
judge 1 'more than is quoted' <<<$'~~~console\n$ echo a\n~~~'
judge 1 "not printed: 'b'" <<<$'~~~console\n$ echo a\na\nb\n~~~'
judge 1 'exit status 0, expected 3' <<<$'~~~console status 3\n$ true\n~~~'
judge 1 'exit status 1, expected 0' <<<$'~~~console status 1\n$ false\n$ false\n~~~'
judge 1 'not printed' <<<$'~~~console\n$ echo 1.25\n2.5\n~~~'
judge 1 'not printed' <<<$'~~~console numbers\n$ echo 206 of 207\n207 of 207\n~~~'
judge 1 'not printed' <<<$'~~~console numbers\n$ echo nan\n2.5\n~~~'
judge 1 'not printed' <<<$'~~~console numbers\n$ echo x/t7.n3\nx/t8.n3\n~~~'
judge 1 'not done after 1 s' --timeout 1 <<<$'~~~sh\nsleep 60; true\n~~~'

# What says too little.
judge 1 'page.md:3: looks like a shell' <<<$'Try\n\n    assay check --impl naive\n'
judge 1 'page.md:2: looks like a shell' <<<$'\n    $ ls\n    a\n'
judge 1 'looks like a shell' <<<$'\n    ASSAY_PYTHON=peers assay check\n'
judge 1 ": expected one of sh console" <<<$'~~~\nassay check\n~~~'
judge 1 "bash': expected one of sh console" <<<$'~~~bash\ntrue\n~~~'
judge 1 'expected the reason' <<<$'~~~sh needs:\ntrue\n~~~'
judge 1 'expected the reason' <<<$'~~~sh long:\ntrue\n~~~'
judge 1 "'skip': expected status N" <<<$'~~~sh skip\ntrue\n~~~'
judge 1 "expected 'file NAME'" <<<$'~~~c mine.c\nint one;\n~~~'
judge 1 "expected a command, '\$ ...'" <<<$'~~~console\nls\n~~~'
judge 1 'has no end' <<<$'~~~sh\ntrue\n'

((failures == 0)) || exit 1
echo "doc_blocks_teeth: all planted faults were noticed"
