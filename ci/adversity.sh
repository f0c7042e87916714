#!/usr/bin/env bash
# adversity.sh: full disks, closed descriptors, a neighbour with the same cache: told in one line, and nothing is damaged.
# SPDX-License-Identifier: MIT
# Usage: ci/adversity.sh PATH_OF_ASSAY
set -euo pipefail
assay=$(realpath "${1:?"usage: ci/adversity.sh PATH_OF_ASSAY"}")
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
checked=(check --impl naive --quick --case 'rnn/tanh*.plain' --check 'forward,backward' --seed 7 --threads 1)

complain() {
    echo "ci/adversity.sh: $1; stderr: $(head -n 2 err)"
    failures=$((failures + 1))
}

ends() { # ends WHAT GOT EXPECTED [PATTERN]: exit status, and one line on stderr that holds the pattern
    (($2 == $3)) || complain "$1: exit status $2, $3 expected"
    if [[ -n ${4:-} ]]; then
        { [[ $(wc -l <err) == 1 ]] && grep -q -- "$4" err; } || complain "$1: one line with '$4' expected"
    fi
}

# Nobody can read what is printed.
for what in 'list cases' 'truth --golden'; do
    got=0
    # shellcheck disable=SC2086 # two words
    "$assay" $what >/dev/full 2>err || got=$?
    ends "$what on a full device" "$got" 3 'standard output'
    got=0
    # shellcheck disable=SC2086
    "$assay" $what >&- 2>err || got=$?
    ends "$what with stdout closed" "$got" 3 'standard output'
done
got=0
"$assay" "${checked[@]}" --json out.json <&- >&- 2>err || got=$?
ends 'check with stdin and stdout closed' "$got" 3 'standard output'
grep -q '"complete": true' out.json || complain 'check with stdin and stdout closed: its file is not complete'
got=0
"$assay" "${checked[@]}" >out 2>&- || got=$?
((got == 0)) || complain "check with stderr closed: exit status $got, 0 expected"

# A caller that leaves its children to the system: how a worker ended is known all the same.
printf 'import os\nos._exit(7)\n' >ends.py
got=0
env --ignore-signal=CHLD "$assay" "${checked[@]}" --impl ./ends.py >out 2>err || got=$?
ends 'check with SIGCHLD ignored' "$got" 1
grep -q 'exited with code 7' out || complain "check with SIGCHLD ignored: 'exited with code 7' expected"

# A file that cannot grow: the old one stays as it was.
echo old >out.json
got=0
(ulimit -f 4 && exec "$assay" "${checked[@]}" --json out.json >/dev/null 2>err) || got=$?
ends 'check with files of 4 KiB at most' "$got" 3 'out.json'
[[ $(cat out.json) == old ]] || complain 'check with files of 4 KiB at most: out.json was changed'
[[ -z $(find . -name '*out.json*' ! -name out.json) ]] || complain 'check with files of 4 KiB at most: a part is left behind'

# A cache that takes nothing only costs time.
mkdir small
(ulimit -f 4 && exec "$assay" "${checked[@]}" --cache small >/dev/null 2>err) || complain 'check with a cache that cannot grow: failed'

# Two at once on one cache come to the same results as one.
mkdir one two
"$assay" "${checked[@]}" --cache one --json one.json >/dev/null 2>err || complain 'check alone: failed'
"$assay" "${checked[@]}" --cache two --json two.json >/dev/null 2>&1 & first=$!
"$assay" "${checked[@]}" --cache two --json three.json >/dev/null 2>err || complain 'check beside another: failed'
wait "$first" || complain 'check before another: failed'
results() { grep -E '"(case|check|verdict|margin)"' "$1"; }
for file in two three; do
    cmp -s <(results one.json) <(results $file.json) || complain "check beside another: $file.json tells other results than a run alone"
done

((failures == 0)) || exit 1
echo 'ci/adversity.sh: full, closed, limited and shared: all told, nothing damaged'
