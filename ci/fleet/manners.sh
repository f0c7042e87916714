#!/usr/bin/env bash
# manners.sh: how the parts of a fleet behave on their own: one node's work on a stand-in for assay, references, bad arguments.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

expect() { # expect STATUS PATTERN COMMAND...: exit status, and a pattern in what it says
    local status=$1 pattern=$2 got=0 said
    shift 2
    said=$("$@" 2>&1 </dev/null) || got=$?
    if ((got != status)) || ! grep -q -- "$pattern" <<<"$said"; then
        echo "$*: exit status $got, $status expected, with '$pattern'; it said: $(tail -n 3 <<<"$said")"
        failures=$((failures + 1))
    fi
}

# Says what it was asked, one argument a line, and ends as it is told.
cat >"$scratch/assay" <<'END'
#!/bin/sh
printf '%s of %s:' "$1" "$ASSAY_NODE"
printf ' [%s]' "$@"
echo
[ "$1" = check ] && exit "${CHECK_ENDS:-0}"
exit "${BENCH_ENDS:-0}"
END
chmod +x "$scratch/assay"
touch "$scratch/rnn-x" # would be what a shell makes of rnn*
job() { (cd "$scratch" && SLURMD_NODENAME=node-7 "$OLDPWD/ci/fleet/job.sh" --assay "$scratch/assay" "$@"); }

expect 0 '^Usage:' job --help
expect 2 'expected --out DIR' job
expect 2 'unknown; expected' job --no-such-option
expect 2 '--node: expected an argument' job --node
expect 2 '--node a b: expected' job --out r --node 'a b'
expect 2 'no-such-program: not found' job --out r --assay no-such-program
expect 2 'expected a folder' job --out r --baselines no-such-folder
expect 2 'cannot be made' job --out no/such/folder
expect 0 '^check of node-7: .check. .--case. .rnn\*. .--json. .r/check.json.$' job --out r --check '--case rnn*'
expect 0 '^bench of node-7: .bench. .--budget. .20. .--json. .r/records.json.$' job --out r --bench '--budget 20'
expect 0 '^bench of node-7: .bench. .--baseline. .*. .--json.' job --out r --baselines .
expect 0 '^bench of another: ' job --out r --node another
# What does not conform is not timed; either end is the job's.
expect 1 'check ended with 1' env CHECK_ENDS=1 SLURMD_NODENAME=x ci/fleet/job.sh --assay "$scratch/assay" --out "$scratch/r"
if CHECK_ENDS=1 job --out r | grep -q '^bench'; then
    echo "job.sh: timed what had not passed"
    failures=$((failures + 1))
fi
expect 3 'bench ended with 3' env BENCH_ENDS=3 ci/fleet/job.sh --assay "$scratch/assay" --out "$scratch/r" --node x

expect 0 '^OK$' python3 ci/fleet/test_references.py
expect 0 '^Usage:' ci/fleet-demo.sh --help
expect 2 'unknown; expected' ci/fleet-demo.sh --no-such-option
expect 2 'expected an argument' ci/fleet-demo.sh --out
expect 2 'expected a folder with bin/assay' ci/fleet-demo.sh --build "$scratch"
mkdir "$scratch/bin"
cp "$scratch/assay" "$scratch/bin/"
expect 2 'expected a folder of' ci/fleet-demo.sh --build "$scratch" --device nobody

# What cannot be had is said in one line: an apt-get that finds nothing, then a Python without venv.
mkdir "$scratch/none"
printf '#!/bin/sh\necho "E: no packages here"\nexit 100\n' | tee "$scratch/none/apt-get" >"$scratch/none/python"
chmod +x "$scratch/none/apt-get" "$scratch/none/python"
demo=(ci/fleet-demo.sh --build "$scratch" --out "$scratch/out" --tools "$scratch/tools")
expect 77 'skipped: apt-get could not fetch slurmctld .*: E: no packages here$' env PATH="$scratch/none:$PATH" "${demo[@]}"
mkdir -p "$scratch/tools/slurm"
expect 77 'makes no virtual environment' env PYTHON="$scratch/none/python" "${demo[@]}"

echo "fleet: $failures failures"
((failures == 0))
