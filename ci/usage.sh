#!/usr/bin/env bash
# usage.sh: the program's manners: help with an example everywhere, one clear line and exit status 2 for bad usage.
# SPDX-License-Identifier: MIT
# Usage: ci/usage.sh PATH_OF_ASSAY
set -euo pipefail
assay=$(realpath "${1:?"usage: ci/usage.sh PATH_OF_ASSAY"}")
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

complain() {
    echo "assay $1"
    failures=$((failures + 1))
}

expect() { # expect STATUS PATTERN arguments...: exit status, and a pattern in stdout (status 0) or in one line of stderr
    local status=$1 pattern=$2 got=0 out err
    shift 2
    err=$(mktemp)
    out=$("$assay" "$@" 2>"$err" </dev/null) || got=$?
    if ((status == 2)) && [[ -n $out ]]; then complain "$*: bad usage, yet it printed: $out"; fi
    if ((got != status)); then
        echo "assay $*: exit status $got, $status expected; stderr: $(head -n 2 "$err")"
        failures=$((failures + 1))
    elif ((status == 0)) && ! grep -q -- "$pattern" <<<"$out"; then
        echo "assay $*: '$pattern' expected in its output"
        failures=$((failures + 1))
    elif ((status == 2)) && { [[ $(wc -l <"$err") != 1 ]] || ! grep -q -- "$pattern" "$err"; }; then
        echo "assay $*: one line with '$pattern' expected on stderr, got: $(cat "$err")"
        failures=$((failures + 1))
    fi
    rm -f "$err"
}

expect 0 'assay [0-9]' --version
expect 0 '^example:' --help
commands=$("$assay" --help | sed -n '/^  [a-z]/s/^  \([a-z]*\) .*/\1/p' | grep -v assay)
for command in $commands; do
    expect 0 '^example:' "$command" --help
    expect 2 'expected' "$command" --no-such-option
done
expect 2 'expected a command'
expect 2 'expected a command' nonsense
expect 2 "'chek': expected a command, perhaps check;" chek
expect 2 'expected one of' list
expect 2 'expected one of' list nonsense
expect 0 'lstm' list dialects
expect 0 'b1.lstm-ce-short' list workloads
expect 0 'forward' list checks
expect 0 'rnn/' list cases
expect 2 'expected a number below 2^64' check --seed 12x
expect 2 'expected a number below 2^64' check --seed 0x10000000000000000
expect 2 'expected a whole number' check --repeat 0
expect 2 'expected an argument' check --seed
expect 2 'expected options only' check something
expect 2 'expected one NAME' new
expect 2 "'b': expected one NAME" new a b
expect 2 'expected a name of 1 to 32' new ../mine
expect 2 'expected host or cuda' new mine --place rnn
expect 2 'expected some of rnn,xent,ctc,network' new mine --ops ctc,host
expect 2 'expected some of rnn,xent,ctc,network' new mine --ops ''
expect 0 'check --impl ./fresh.so' new fresh
expect 2 'expected no such file' new fresh
expect 2 'expected one of them' check --quick --full
expect 2 'list impls' check --impl no-such-implementation
expect 2 'list impls' check --impl ./no-such-file.so
expect 2 "no workload matches 'no-such" bench --impl naive --workload 'b1*' --workload 'no-such*' --budget 1
both=$("$assay" bench --impl naive --workload 'b1*' --workload 'f*' --budget 1 2>/dev/null </dev/null) || true # nothing fits
for workload in b1.lstm-ce-short f.imdb-gru; do
    grep -q "$workload naive" <<<"$both" || complain "bench --workload 'b1*' --workload 'f*': $workload expected"
done
expect 2 'impl python:naive: .*list impls' check --impl python:naive # there, but no module
if [ -e "$(dirname "$assay")/../lib/assay/impl/torch.py" ]; then # not beside sanitizers
    expect 2 'python:torch and torch are the same file' bench --impl python:torch --impl torch
fi
expect 2 'list checks' check --check no-such-check
expect 2 'expected two implementations, got 1' audit blas --case 'rnn/lstm.uni.l1.t5.n3.i4.h6.plain'
expect 2 'expected one of --case and --workload' audit naive blas
expect 2 'expected one of --case and --workload' audit naive blas --case x --workload b1.lstm-ce-short
expect 2 'list cases' audit naive blas --case 'nothing/*'
expect 2 'expected one' audit naive blas --case 'rnn/*'
expect 2 'list workloads' audit naive blas --workload b1
expect 2 'fp64, fp32, tf32, bf16 or fp16' audit naive blas --case 'rnn/lstm.uni.l1.t5.n3.i4.h6.plain' --arithmetic int8
expect 2 'expected marks-lstm' converge --task nothing
expect 2 'list impls' converge --impl no-such-implementation
expect 2 'expected options only' converge something
expect 2 'vowels' converge --vowels ./no-such-folder
expect 2 'list impls' audit naive no-such-implementation --case 'rnn/lstm.uni.l1.t5.n3.i4.h6.plain'
expect 2 'no-such-op' check --op no-such-op
expect 2 'list cases' check --case 'no/such/case'
expect 2 'the quick set has none of them, the other sets have' check --impl naive --quick --case 'xent/xent-torch*'
expect 2 'usage.sh: is no shared object' check --impl "$here/usage.sh" # there, but no plugin
expect 2 'expected the blank and another one' check --impl naive --case ctc/ctc-mean.t2.n2.k1
expect 2 'is unknown' floor --arithmetic tf33
# Of a set of own there is no committed case that could be to blame; honest code does not fail where a loss is infinite.
expect 0 '1 ILL_POSED.* 0 committed' check --impl naive --op ctc --case ctc/ctc-mean.t4.n2.k5.u9-2
expect 0 '1 ILL_POSED.* 0 committed' check --impl naive --case rnn/lstm.bi.l1.t0.n2.i4.h5
expect 0 'naive UNSUPPORTED [0-9]*: [0-9]* computes in fp32 only, e.g. rnn/relu.* (forward, fp64)' check --impl naive --check forward --case 'rnn/relu.uni.l1.t5.n3.i4.h6.plain'
expect 2 'selected by --op xent --check update:' check --op xent --check update
expect 2 'list checks' mutants --check no-such-check
expect 2 'list checks' mutants --check ward
expect 2 'list mutants' mutants --mutant no-such-mutant
expect 2 'from 1 to 1024' check --threads 1025
expect 2 'from 1 to 1024' bench --threads 1025
expect 2 'from 1 to 1024' run --threads 1025

# Results go by name: two of one name could not be told apart.
cp "$(dirname "$assay")/../lib/assay/impl/naive.so" .
expect 2 'with a slash in it' check --impl naive.so
expect 2 'naive.so: .*such file' check --impl ./no/naive.so
whole=$(stat -c %s naive.so)
for size in 10 2000 $((whole / 2)) $((whole - 1)); do
    head -c "$size" naive.so >cut.so
    expect 2 'cut.so: is shorter than its own headers say' check --impl ./cut.so
done
rm cut.so
for command in check bench run; do
    expect 2 "both call themselves 'naive'" "$command" --impl naive --impl ./naive.so
    expect 2 'the same file' "$command" --impl ./naive.so --impl "$PWD/naive.so"
done

# Files and folders are tried before the work. /proc takes no file, not even from root.
for option in --json --junit --markdown; do
    expect 2 "$option no/such/file: .*No such file" check --impl naive "$option" no/such/file
done
expect 2 '/proc/file: .*could not be written' check --impl naive --json /proc/file
expect 2 'Is a directory' check --impl naive --json .
for command in mutants truth floor; do expect 2 'json no/such/file' "$command" --json no/such/file; done
for option in json gbench text certificates; do expect 2 "$option no/such/file" bench --impl naive "--$option" no/such/file; done
expect 2 'expected --out DIR' merge .
expect 2 'expected folders of records' merge --out merged
expect 2 'no file of records' merge --out merged merged
expect 2 'cannot be read as a folder' merge --out merged no-such-folder
expect 2 'expected a folder that is there' bench --impl naive --floors no-such-folder
expect 2 'expected a folder that is there' run --impl naive --floors no-such-folder
expect 2 'text no/such/file' run --impl naive --text no/such/file
for command in check mutants; do expect 2 'cache no/such/folder' "$command" --cache no/such/folder; done
for command in run floor; do expect 2 'out no/such/folder' "$command" --out no/such/folder; done
expect 2 'markdown no/such/file' truth --markdown no/such/file
expect 2 'table no/such/folder' floor --table no/such/folder
expect 2 'expected a folder that is there' floor --compare no-such-folder
mkdir tables
expect 2 'tables/cases.fp32.json: could not be read' floor --case 'xent/*one' --compare tables
echo '{}' >tables/cases.fp32.json
expect 2 'expected a table of floors' floor --case 'xent/*one' --compare tables
expect 0 '1 cases' floor --case 'xent/xent-mean*plain' --seeds 2 --table tables
expect 0 ' 0 more than 2 times apart' floor --case 'xent/xent-mean*plain' --seeds 2 --compare tables
expect 0 ' 0 with a tensor beyond' floor --case 'ctc/ctc-none-inf*infeasible' --seeds 2
expect 1 'not in the stored table' floor --case 'xent/*sum' --seeds 2 --compare tables
expect 2 'measured with 4 ulp' floor --case 'xent/xent-mean*plain' --seeds 2 --activation-ulp 2 --compare tables
touch file
expect 2 'expected OLD and NEW' compare file
expect 2 'expected both or none' compare --old naive file file
expect 2 'file:1:0' compare file file
expect 2 'two files of records, or two shared objects' compare file ./naive.so
expect 2 'with shared objects only' compare --threads 1 file file
expect 2 'with records only' compare --old a --new b ./naive.so ./naive.so
expect 2 'expected a name from' compare no-such.so ./naive.so
expect 2 'expected DIR and files of records' publish --why x
expect 2 'expected DIR and files of records' publish --why x baselines
expect 2 'the reason that the baselines keep' publish baselines file
expect 2 'file:1:0' publish --why x baselines file
expect 2 'expected a folder that is there' bench --impl naive --baseline no-such-folder
expect 2 'expected baselines of this machine' bench --impl naive --baseline .
echo '{"schema": "assay.records/1", "records": [], "left_out": []}' >none.json
expect 2 'cannot be made: No such file' publish --why x no/such/folder none.json
expect 1 '' publish --why x baselines none.json
[[ ! -e baselines ]] || complain 'publish: an empty folder is left where nothing was published'
expect 2 'out none.json: is one of the files to be read' report --out none.json none.json
expect 2 'json ./none.json: is one of the files to be read' compare none.json none.json --json ./none.json
expect 2 'out no/such/file' report --out no/such/file file
expect 0 '1 killed' mutants --mutant xent-normaliser --json kills.json
expect 0 '1 mutants, 1 killed (100.0 %)' report kills.json
expect 0 '| killed | F7 | xent-normaliser |' report --format markdown kills.json none.json
expect 2 'kills.json: --format json has no room for it, expected html' report --format json kills.json
sed 's/"margin": /"margin": "x", "was": /' kills.json >broken.json
expect 2 'broken.json: mutants.0.: "margin" is missing or not what was expected' report broken.json
sed 's/"held": true/"held": 1/' kills.json >broken.json
expect 2 'broken.json: mutants.0.: "held" is missing' report broken.json
head -c 300 kills.json >broken.json
expect 2 'broken.json:' report broken.json
echo '{"schema": "assay.truth/1"}' >broken.json
expect 2 'broken.json: truth: "version" is missing or not what was expected' report broken.json
expect 2 'expected a folder' check --impl naive --cache file
expect 2 'expected a folder' run --impl naive --out file
expect 0 'PASS' check --impl naive --case 'xent/*one' --cache cache --json out.json # made where its parent is there
grep -q '"complete": true' out.json || complain "check --json: '\"complete\": true' expected in it"
expect 0 'PASS' check --impl naive --op xent --quick --seed 7 --cache cache --markdown out.md
grep -q "^Written by .assay check --impl naive --op 'xent' --quick --seed 0x7 --markdown FILE., " out.md ||
    complain 'check --markdown: the command that was given expected in it'
[[ $(stat -c %a cache) == 700 ]] || complain 'check --cache: a folder that others cannot read expected'

# A lone dash names no file: where text goes to standard output it is refused, and `report`, whose document may go there, takes it.
for command in $commands; do
    while read -r option; do
        case $command$option in
        report--out) expect 0 'Nothing was timed' report --out - none.json ;;
        *) expect 2 "$option -: " "$command" "$option" - ;;
        esac
    done < <("$assay" "$command" --help | sed -n 's/^  \(--[a-z]*\) \(FILE\|DIR\|FOLDER\) .*/\1/p')
done
expect 2 '-: expected a folder' publish --why x - none.json
[[ ! -e ./- ]] || complain 'with a lone dash: a file of that name was made'

# Golden vectors: as they are, one that another function would have given, one that its list does not know, a damaged one.
expect 0 ' 0 beyond their bounds, 0 unreadable' truth --golden
mkdir golden
cp "$here/../fixtures/golden/haiku.lstm.safetensors" golden/
(cd golden && sha256sum haiku* >MANIFEST) # by name: what a wildcard finds depends on whether MANIFEST is there yet
expect 0 '1 golden vectors, 0 beyond' truth --golden --vectors golden --json out.json
grep -q '"holds": true' out.json || complain "truth --golden --json: '\"holds\": true' expected in it"
expect 0 '1 golden vectors of 1 sources, 0 beyond' report out.json
printf 'ABCDEFGH' | dd of=golden/haiku.lstm.safetensors bs=1 conv=notrunc status=none seek=$(($(stat -c %s golden/haiku.lstm.safetensors) - 8))
expect 3 '' truth --golden --vectors golden
(cd golden && sha256sum haiku* >MANIFEST)
expect 1 '' truth --golden --vectors golden
cp golden/haiku.lstm.safetensors golden/another
expect 3 '' truth --golden --vectors golden
truncate -s 100 golden/another
(cd golden && sha256sum another >MANIFEST)
rm golden/haiku.lstm.safetensors
expect 3 '' truth --golden --vectors golden

# An interrupt leaves what there is: one line on stderr, valid files, and a status that says so.
interrupt() { # interrupt arguments...: of a command that takes far longer than half a second once it listens to SIGINT
    local got=0 pid
    "$assay" "$@" --json cut.json >out 2>err </dev/null &
    pid=$!
    until grep -q '^SigCgt:.*[2367abef]$' "/proc/$pid/status" 2>/dev/null || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    sleep 0.5
    kill -INT "$pid" || true
    wait "$pid" || got=$?
    ((got == 3)) || complain "$*, interrupted: exit status $got, 3 expected"
    { [[ $(wc -l <err) == 1 ]] && grep -q interrupted err; } || complain "$*, interrupted: one line expected on stderr, got: $(cat err)"
    grep -q '"complete": false' cut.json || complain "$*, interrupted: '\"complete\": false' expected in its file"
    rm -f cut.json
}
interrupt check --impl naive
interrupt mutants --all
interrupt truth --full
interrupt floor

# What has no number is listed, and counted as listed.
"$assay" bench --impl naive --workload 'b*' --budget 1 --threads 1 >out 2>err </dev/null && complain 'bench --budget 1: exit status 1 expected'
listed=$(sed -n '/^Without a number:/,$ s/^  //p' out | wc -l)
read -r timed failed left phases < <(sed -n 's/^\([0-9]*\) timed, \([0-9]*\) failed, \([0-9]*\) left out\(; .*: \([0-9]*\)\)\{0,1\}$/\1 \2 \3 \5/p' out)
((listed > 0 && timed == 0 && listed == failed + left + ${phases:-0})) || complain "bench --budget 1: $listed rows listed, counted: $(tail -n 1 out)"

# A test device is checked, and never timed.
"$assay" bench --impl cuda-emu --workload 'f.*' >out 2>err </dev/null && complain 'bench --impl cuda-emu: exit status 1 expected'
grep -q 'never timed' out || complain "bench --impl cuda-emu: 'never timed' expected in its output"

echo "usage: $failures failures"
((failures == 0))
