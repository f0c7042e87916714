#!/usr/bin/env bash
# kill.sh: `assay check` or its worker is killed at random moments: no process stays, no file is cut, one case is lost.
# SPDX-License-Identifier: MIT
# Usage: ci/kill.sh PATH_OF_ASSAY [TIMES [SEED]]; 10 times unless told. Prints what it saw; exit 1 on the first surprise.
set -euo pipefail
assay=$(realpath "${1:?"usage: ci/kill.sh PATH_OF_ASSAY [TIMES [SEED]]"}")
for tool in pgrep python3; do
    command -v "$tool" >/dev/null || { echo "ci/kill.sh: $tool is not here, and without it nothing would be seen: see ci/packages.txt"; exit 1; }
done
times=${2:-10}
RANDOM=${3:-$$}
scratch=$(mktemp -d)
chmod 755 "$scratch" # a worker that gave root up loads its plugin from here
trap 'kill -9 "${pid:-}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
cp "$(dirname "$assay")/../lib/assay/impl/naive.so" "$scratch/killed.so" # a name that no other worker has on its command line
cd "$scratch"
mkdir cache

run() { # in a shell of its own, which becomes the program
    exec "$assay" check --impl ./killed.so --case 'rnn/*.plain' --seed 7 --threads 1 --cache cache --json out.json >out.txt 2>err.txt </dev/null
}

workers() {
    pgrep -f "assay-worker.*$scratch/killed.so|assay-worker.*\./killed.so" || true
}

surprise() {
    echo "ci/kill.sh: round $round, $mode killed after $after ms: $1"
    sed 's/^/    /' err.txt | head -n 3
    exit 1
}

whole() { # whole FILE: it is JSON to its end
    python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1" 2>/dev/null
}

lost_cases() { # lost_cases FILE: how many cases have a CRASHED result
    python3 -c 'import json, sys
print(len({r["case"] for r in json.load(open(sys.argv[1]))["results"] if r["verdict"] == "CRASHED"}))' "$1"
}

shared_before=$(find /dev/shm -mindepth 1 | sort)
round=0 mode=nothing after=0
(run) || surprise "an undisturbed run ended with status $?" # fills the cache: the next one is as fast as those that follow
began=$(date +%s%N)
(run) || surprise "a second one ended with status $?"
lasts=$((($(date +%s%N) - began) / 1000000))
cp out.json before.json
killed=0 late=0
for ((round = 1; round <= times; round++)); do
    if ((round % 2)); then mode=parent; else mode=worker; fi
    after=$((RANDOM % lasts))
    cp before.json out.json
    run & pid=$!
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    status=0
    if [[ $mode == parent ]]; then
        if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); else late=$((late + 1)); fi
        wait "$pid" 2>/dev/null || status=$?
        pid=
        for _ in {1..100}; do [[ -n $(workers) ]] || break; sleep 0.05; done
        [[ -z $(workers) ]] || surprise "a worker outlives it by 5 s"
    else
        worker=$(workers | head -n 1)
        if [[ -n $worker ]] && kill -9 "$worker" 2>/dev/null; then killed=$((killed + 1)); else late=$((late + 1)) worker=; fi
        wait "$pid" 2>/dev/null || status=$?
        pid=
        ((status <= 1)) || surprise "exit status $status, 0 or 1 expected"
        if ((status == 1)); then
            lost=$(lost_cases out.json)
            [[ -n $worker && $lost == 1 ]] || surprise "$lost cases have CRASHED results, 1 expected"
        fi
        grep -q '"complete": true' out.json || surprise 'the run went on, yet its file says that it is not complete'
    fi
    whole out.json || surprise "out.json is cut"
    left=$(find . -mindepth 1 -maxdepth 1 ! -name '*.txt' ! -name cache ! -name killed.so ! -name before.json ! -name out.json)
    [[ -z $left ]] || surprise "left behind: $left"
done
round=after mode=nothing
(run) || surprise "a run with the cache that the others left ended with status $?"
[[ $(find /dev/shm -mindepth 1 | sort) == "$shared_before" ]] || surprise "shared memory is left behind"
echo "ci/kill.sh: killed $killed times at random moments of $lasts ms ($late came too late): no process, no memory, no cut file left"
