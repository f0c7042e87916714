#!/usr/bin/env bash
# gpu_manners.sh: how ci/gpu.sh behaves: bad arguments, no GPU, a whole run on a stand-in for cuDNN, time that runs out, a bundle.
# SPDX-License-Identifier: MIT
# Usage: ci/gpu_manners.sh BUILD_DIR said|runs   a build with the stand-ins of conformance/tests/fake; what it refuses, or whole runs
set -euo pipefail
usage="usage: ci/gpu_manners.sh BUILD_DIR said|runs"
build=$(realpath "${1:?"$usage"}")
part=${2:?"$usage"}
[[ $part == said || $part == runs ]] || { echo "$usage" >&2; exit 2; }
gpu=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/gpu.sh
fake=$build/lib/assay/fake
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

expect() { # expect STATUS PATTERN DRIVER ARGUMENTS...: exit status, and a pattern in what it says
    local status=$1 pattern=$2 driver=$3 got=0 said
    shift 3
    said=$(LD_LIBRARY_PATH=$fake/$driver "$gpu" "$@" 2>&1 </dev/null) || got=$?
    if ((got != status)) || ! grep -q -- "$pattern" <<<"$said"; then
        echo "ci/gpu.sh $*: exit status $got, $status expected, with '$pattern'; it said: $(tail -n 12 <<<"$said")"
        failures=$((failures + 1))
    fi
}

complain() { # complain TEXT
    echo "ci/gpu.sh: $1"
    failures=$((failures + 1))
}

there() { # there FILE
    [[ -s $1 ]] || { echo "ci/gpu.sh: left no $(basename "$1")"; failures=$((failures + 1)); }
}

if [[ $part == said ]]; then
    expect 0 '^Usage:' none --help
    expect 2 'unknown; expected' none --no-such-option
    expect 2 'no part is called' none no-such-part
    expect 2 'expected an argument' none --out
    expect 2 'expected an argument' none --out --budget 40
    expect 2 'whole number of seconds' none --budget 12
    expect 2 'whole number of seconds' none --budget soon
    expect 2 'whole number of MB' none --archive-limit little
    expect 2 'expected names' none --rows 'a b'
    expect 2 'no workload is called' whole --build "$build" --workload nothing
    expect 2 'one of them at most' none --build "$build" --bundle "$gpu"
    expect 2 'one of them at most' none --make-bundle "$scratch/x" --bundle "$gpu"
    expect 2 'expected a folder with bin/assay' none --build "$scratch"
    expect 2 'cannot be read' none --bundle "$scratch/absent"
    expect 77 'no GPU' none --build "$build" --out "$scratch/none"
    expect 77 'no GPU' old --build "$build" --out "$scratch/old"
    expect 77 'no row of nobody' whole --build "$build" --out "$scratch/nobody" --rows nobody
elif [[ -e $build/lib/assay/impl/cudnn.so ]]; then
    expect 0 'sha256 [0-9a-f]' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 600 device quick
    there "$scratch/a.tar.gz"
    there "$scratch/a/quick.json"
    expect 0 'quick: done before, exit 0' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 20 quick
    # A sanitizer that takes too long: what is not done is named, and the next call, with one that does not, takes it up.
    tools=$scratch/tools
    mkdir "$tools"
    printf '#!/bin/sh\nexec sleep 100\n' >"$tools/compute-sanitizer"
    chmod +x "$tools/compute-sanitizer"
    PATH=$tools:$PATH expect 3 'no time for: sanitizer' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 20 sanitizer
    printf '#!/bin/sh\nshift 4\nexec "$@"\n' >"$tools/compute-sanitizer"
    PATH=$tools:$PATH expect 0 'sanitizer: exit 0' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 200 quick sanitizer
    # A profiler, too, sits in the process that computes; without one the part is skipped, and says so.
    PATH=/usr/bin:/bin expect 0 'neither nsys nor ncu' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 20 profile
    rm "$scratch/a/profile.status"
    # shellcheck disable=SC2016 # what the stand-in expands
    printf '#!/bin/sh\nshift 6\ncase $1 in *gpu-sweep) exit 77;; esac\nexec "$@"\n' >"$tools/nsys"
    chmod +x "$tools/nsys"
    PATH=$tools:$PATH expect 0 'profile: exit 0' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 100 profile
    rm "$scratch/a/profile.status"
    printf '#!/bin/sh\nexit 5\n' >"$tools/nsys"
    PATH=$tools:$PATH expect 1 'failed: profile' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 100 profile
    rm "$scratch/a/profile.status"
    # What is too large for the archive is named and stays; the results are in it.
    head -c 3000000 /dev/urandom >"$scratch/a/large.log"
    expect 0 'large.log is not in the archive: it is limited to 1 MB' cudnn --build "$build" --out "$scratch/a" --rows cudnn --budget 20 --archive-limit 1 quick
    contents=$(tar -tzf "$scratch/a.tar.gz")
    grep -q 'quick.json' <<<"$contents" || complain "the archive lacks quick.json: $contents"
    ! grep -q 'large.log' <<<"$contents" || complain "the archive holds what is too large for it"
    rm "$scratch/a/large.log"
    # Each workload has its file; a second call does not time it again.
    expect 0 'bench: exit 0' cudnn --build "$build" --out "$scratch/b" --rows cudnn --budget 300 --workload 'g.*' bench
    there "$scratch/b/records/g.lstm-one.json"
    there "$scratch/b/records.json"
    expect 0 'bench: done before' cudnn --build "$build" --out "$scratch/b" --rows cudnn --budget 20 --workload 'g.*' bench
    expect 0 'for ci/gpu.sh --bundle' none --build "$build" --make-bundle "$scratch/assay.tar.gz"
    expect 0 'device: exit 0' cudnn --bundle "$scratch/assay.tar.gz" --out "$scratch/c" --rows cudnn --budget 120 device
    expect 2 'is no bundle' cudnn --bundle "$gpu" --out "$scratch/d"
else
    echo "gpu_manners.sh: no $build/lib/assay/impl/cudnn.so: a build where the headers of CUDA and cuDNN are expected" >&2
    exit 77
fi
echo "gpu_manners: $failures failures"
((failures == 0))
