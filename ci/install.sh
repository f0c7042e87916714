#!/usr/bin/env bash
# install.sh: the installed tree as its users have it: moved elsewhere, a plugin built against it in two ways, checks run by it.
# SPDX-License-Identifier: MIT
# Usage: ci/install.sh BUILD
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?usage: ci/install.sh BUILD}
source=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    echo "install: $*" >&2
    failures=$((failures + 1))
}
expect() { # expect STATUS TEXT COMMAND...: the exit status, and what its output has to contain
    local status=0 wanted=$1 text=$2 said
    shift 2
    said=$("$@" 2>&1) || status=$?
    [[ $status == "$wanted" && $said == *"$text"* ]] ||
        fail "$*: exit status $status, expected $wanted and '$text' in: $(tail -3 <<<"$said")"
}

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || { tail -3 "$work/log" >&2; exit 1; }
mv "$work/first" "$work/moved" # nothing in it may know where it was
prefix=$work/moved
assay=$prefix/bin/assay
export XDG_CACHE_HOME=$work/cache

expect 0 'naive' "$assay" list impls
expect 0 'PASS' "$assay" check --impl naive --case rnn/lstm.uni.l1.t5.n3.i4.h6.plain
expect 0 'Usage: ' "$prefix/share/assay/fleet/job.sh" --help
expect 0 '0 beyond their bounds' "$assay" truth --golden
expect 0 '1 timed, 0 failed' "$assay" bench --impl blas --workload f.imdb-gru --budget 8
[[ -n $(find "$work/cache/assay/certificates" -type f 2>/dev/null) ]] || fail "no certificate in the user's cache"
if grep -rIlF "$source/" "$prefix"; then
    fail "the files above name the folder of the sources"
fi

# The plugin of docs/adding-an-implementation.md, as a project of its own.
mkdir "$work/mine"
awk '/^```c file mine\.c$/ {on = 1; next} /^```$/ {on = 0} on' docs/adding-an-implementation.md >"$work/mine/mine.c"
[[ -s $work/mine/mine.c ]] || fail "docs/adding-an-implementation.md has no block of C that is mine.c"
cat >"$work/mine/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES C)
find_package(Assay 0.1 REQUIRED)
assay_add_plugin(mine mine.c)
enable_testing()
add_test(NAME conforms COMMAND Assay::assay check --impl $<TARGET_FILE:mine> --case ctc/ctc-mean.t9.n5.k5.ragged)
add_test(NAME offers COMMAND Assay::assay check --impl $<TARGET_FILE:mine> --case rnn/lstm.uni.l1.t1.n1.i1.h1.one)
END
expect 0 '' cmake -S "$work/mine" -B "$work/mine/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS='-Wall -Wextra -Werror'
expect 0 '' cmake --build "$work/mine/build"
expect 0 ' 0 committed cases' "$assay" check --impl "$work/mine/build/mine.so" --op ctc --quick
expect 0 'Passed' ctest --test-dir "$work/mine/build" -R conforms
expect 8 'offers' ctest --test-dir "$work/mine/build" # nothing passed there, so that test fails

export PKG_CONFIG_PATH=$prefix/share/pkgconfig
expect 0 '0.1.0' pkg-config --modversion assay
read -ra flags < <(pkg-config --cflags assay)
expect 0 '' cc -std=c11 -Wall -Wextra -Werror -O2 -shared -fPIC -fvisibility=hidden "${flags[@]}" "$work/mine/mine.c" -o "$work/mine/other.so" -lm
expect 0 'PASS' "$assay" check --impl "$work/mine/other.so" --case ctc/ctc-mean.t9.n5.k5.ragged

# `assay new` prints a command that builds what it wrote, without a warning.
begins() { # begins EXTENSION OPTION...
    local extension=$1 build
    shift
    mkdir "$work/$extension"
    build=$(cd "$work/$extension" && "$assay" new fresh "$@" | sed -n '2s/^ *//p')
    build=${build/-O2/-O2 -Werror ${extension/cu/all-warnings}}
    [[ $extension == cu ]] || build=${build/-Werror c/-Wall -Wextra -Wpedantic -Werror}
    build=${build/-arch=native/-arch=sm_90a} # there may be no GPU here
    expect 0 '' bash -c "cd '$work/$extension' && $build"
}
begins c
expect 1 'UNSUPPORTED' "$assay" check --impl "$work/c/fresh.so" --quick
if command -v nvcc >/dev/null; then begins cu --place cuda --ops ctc; fi

# The manual page names every command and every option.
page=$prefix/share/man/man1/assay.1
for command in $("$assay" --help | awk '/^  [a-z]+ / && $1 != "assay" {print $1}'); do
    grep -qi "^\.SH ASSAY $command\$" "$page" || fail "assay.1 lacks $command"
    while read -r option; do
        grep -qF -- "${option//-/\\-}" "$page" || fail "assay.1 lacks $option of $command"
    done < <("$assay" "$command" --help | awk '/^  --/ {print $1}')
done
if command -v groff >/dev/null; then
    warnings=$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null) || true
    [[ -z $warnings ]] || fail "assay.1: $(head -1 <<<"$warnings")"
fi

completes() { # completes WANTED WORD...: the last word is the one that is being typed
    local wanted=$1
    shift
    local said
    said=$(PATH=$prefix/bin:$PATH bash -c '
        source "$1"; shift
        COMP_WORDS=(assay "$@") COMP_CWORD=$#
        _assay; printf "%s\n" "${COMPREPLY[@]}"' - "$prefix/share/bash-completion/completions/assay" "$@")
    grep -qx -- "$wanted" <<<"$said" || fail "completion of 'assay $*': '$said', expected $wanted in it"
}
completes check ch
completes --quick check --qu
completes naive check --impl na
completes b1.lstm-ce-short bench --workload b1
completes verdicts list verd

((failures == 0)) || exit 1
echo "install: the tree works where it was moved to, and a plugin built against it is judged by it"
