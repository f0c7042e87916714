#!/usr/bin/env bash
# nightly_manners.sh: how ci/nightly.sh sums up: parts that held, failed, were skipped or may not be, on stand-ins for all that it runs.
# SPDX-License-Identifier: MIT
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

expect() { # expect STATUS PATTERN ENDS PART...: exit status, and a pattern in one line of what it says
    local status=$1 pattern=$2 ends=$3 got=0 said
    shift 3
    said=$(ENDS=$ends PATH=$scratch/bin:$PATH "$scratch/ci/nightly.sh" "$@" 2>&1 </dev/null) || got=$?
    if ((got != status)) || ! grep -qx -- "$pattern" <<<"$said"; then
        echo "ci/nightly.sh $* ($ends): exit status $got, $status expected, with '$pattern'; it said: $(tail -n 5 <<<"$said")"
        failures=$((failures + 1))
    fi
}

refuse() { # refuse TEXT ENDS PART...: what must not be said
    local text=$1 said
    said=$(ENDS=$2 PATH=$scratch/bin:$PATH "$scratch/ci/nightly.sh" "${@:3}" 2>&1 </dev/null) || true
    if grep -q -- "$text" <<<"$said"; then
        echo "ci/nightly.sh ${*:3} ($2): says '$text'"
        failures=$((failures + 1))
    fi
}

# One program stands in for all: it ends as $ENDS says of its name, or of its name and its first argument, else with 0.
mkdir -p "$scratch/ci" "$scratch/bin" "$scratch/build/release/bin" "$scratch/build/nightly"
cp "$here/nightly.sh" "$scratch/ci/"
cat >"$scratch/bin/ctest" <<'END'
#!/bin/sh
for end in $ENDS; do
    case $end in "${0##*/}="* | "${0##*/}:$1="*) exit "${end##*=}" ;; esac
done
END
chmod +x "$scratch/bin/ctest"
for name in setup.sh build.sh doc_blocks.py docs.sh deb.sh kill.sh fuzz.sh arm.sh fleet-demo.sh; do cp "$scratch/bin/ctest" "$scratch/ci/$name"; done
for name in assay test_vecmath test_persistent; do cp "$scratch/bin/ctest" "$scratch/build/release/bin/$name"; done
touch "$scratch/build/nightly/truth.json" # what the last part makes a page of

all='ctest sanitizers truth all-floats check-full documented check-seeds no-false-alarm mutants honest docs api package kill fuzz arm'
all="$all fleet recurrences workloads scaling page"
expect 0 "ci/nightly.sh: held: $all" ''
refuse 'skipped:' ''
refuse 'failed:' ''
expect 2 "ci/nightly.sh: no part is called 'flet': expected some of $all" '' flet
refuse '^==' '' truth flet
expect 3 '' 'setup.sh=3' truth

# What fails is named with its status, the worst counts, and the parts behind it run.
expect 3 'ci/nightly.sh: failed: truth (3) kill (1)' 'assay:truth=3 kill.sh=1'
expect 3 'ci/nightly.sh: held: .* scaling page' 'assay:truth=3 kill.sh=1'
expect 3 'ci/nightly.sh: failed: package (3)' 'setup.sh:ci/packages-deb.txt=3 deb.sh=77'

# What this machine lacks the means for is named, and is no failure; alone, it is nothing that held.
expect 0 'ci/nightly.sh: skipped: fleet' 'fleet-demo.sh=77'
expect 0 'ci/nightly.sh: skipped: api package fleet' 'docs.sh=77 deb.sh=77 fleet-demo.sh=77'
refuse 'held:.* fleet' 'fleet-demo.sh=77'
expect 1 'ci/nightly.sh: skipped: fleet' 'fleet-demo.sh=77 assay:truth=1'
expect 1 'ci/nightly.sh: failed: truth (1)' 'fleet-demo.sh=77 assay:truth=1'
expect 77 'ci/nightly.sh: skipped: fleet' 'fleet-demo.sh=77' fleet
expect 0 'ci/nightly.sh: held: kill' 'fleet-demo.sh=77' fleet kill

# A check that checked nothing is none of these.
expect 1 'ci/nightly.sh: failed: check-full (77)' 'assay:check=77' check-full
expect 1 'ci/nightly.sh: failed: truth (77)' 'assay:truth=77'

echo "nightly: $failures failures"
((failures == 0))
