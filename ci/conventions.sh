#!/usr/bin/env bash
# conventions.sh: rules of the tree that no compiler enforces: headers stand alone, one symbol a plugin, data flows one way.
# SPDX-License-Identifier: MIT
# Usage: ci/conventions.sh [BUILD_DIR]   with a build directory its plugins are looked at too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-}
failures=0

fail() {
    echo "$*"
    failures=$((failures + 1))
}

tracked() { # tracked PATTERN...: files of the project, also those not committed yet
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [[ ! -f $f ]] || echo "$f"; done
    else
        local pattern
        for pattern in "$@"; do find . -path ./build -prune -o -type f -name "$pattern" -printf '%P\n'; done
    fi
}

mapfile -t sources < <(tracked '*.c' '*.h' '*.cc' '*.hpp' '*.inc' '*.cu' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' | sort -u)
mapfile -t headers < <(printf '%s\n' "${sources[@]}" | grep '\.h$')

# The first line (after #! in scripts) says what the file is for; the licence stands within the first lines.
# One program for all files: one for each would take most of this script's time.
# shellcheck disable=SC2016 # awk's own
read_sources='
function ends() {
    if (!file) return
    if (!purpose) print file ": the first line says what the file is for"
    if (!licence) print file ": SPDX-License-Identifier: MIT expected in the first 5 lines"
    if (count > 500 && file !~ /\.inc$/) print file ": " count " lines, at most 500 expected"
}
FNR == 1 { ends(); file = FILENAME; purpose = licence = count = 0; first = /^#!/ ? 2 : 1 }
{ count = FNR }
FNR == first && /^(\/\*|\/\/|#|""") ?[^ ]/ { purpose = 1 }
FNR <= 5 && /SPDX-License-Identifier: MIT/ { licence = 1 }
/(^|[^[:alnum:]_])(TO''DO|FIX''ME|XX''X)([^[:alnum:]_]|$)/ { print file ":" FNR ": unfinished work is not committed" }
/(^|[^.[:alnum:]])\/(work|home|root|Users)\// { print file ":" FNR ": names a path of one machine" }
END { ends() }'
while read -r problem; do
    fail "$problem"
done < <(awk "$read_sources" "${sources[@]}")
for f in "${sources[@]}"; do
    [[ -s $f ]] || fail "$f: is empty, a first line that says what it is for expected"
done

# Every header compiles alone: all as C11, those of a room's top folder also as C++17. What needs CUDA's headers, where they are.
cuda=${CUDA_PATH:-/usr/local/cuda}/include
export cuda
compiles() { # compiles HEADER
    local problems=() flags=()
    if grep -qE '^# *include *<(cuda|cudnn)' "$1"; then
        [[ -f $cuda/cudnn.h ]] || return 0
        flags=(-isystem "$cuda")
    fi
    cc -std=c11 -D_GNU_SOURCE -I. "${flags[@]}" -Wall -Wextra -Werror -fsyntax-only -x c - <<<"#include \"$1\"
int main(void) { return 0; }" || problems+=(C11)
    # g++ has no _Float128 outside its GNU dialect.
    if [[ $1 =~ ^[a-z]+/[^/]+$ ]] && ! grep -q '_Float128 \*' "$1"; then
        c++ -std=c++17 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -fsyntax-only -x c++ - <<<"#include \"$1\"
int main() { return 0; }" || problems+=(C++17)
    fi
    ((${#problems[@]} == 0)) || echo "$1: does not compile alone as ${problems[*]}"
}
export -f compiles
# shellcheck disable=SC2016 # expanded by the inner shell
while read -r problem; do
    fail "$problem"
done < <(printf '%s\0' "${headers[@]}" | xargs -0 -P "$(nproc)" -I{} bash -c 'compiles "$1"' _ {})

# Code in the documents compiles, each block for itself.
for f in docs/*.md README.md; do
    [[ -f $f ]] || continue
    while read -r line; do
        code=$(awk -v line="$line" 'NR > line {if (/^```$/) exit; print}' "$f")
        cc -std=c11 -D_GNU_SOURCE -I. -Wall -Wextra -Werror -fsyntax-only -x c - <<<"$code" || fail "$f:$line: its code does not compile"
    done < <(awk '/^```c( file [^ ]+)?$/ {print NR}' "$f")
done

# Sections that are cited exist: "docs/tolerance.md 3.2, 3.3" and the like, in sources and documents.
declare -A sections
for f in docs/*.md; do
    sections[$f]=" $(sed -nE 's/^#+ ([0-9][0-9., ]*).*/\1/p; s/^\*\*([0-9.]+) .*/\1/p; s/^- \((I[0-9]+)\).*/\1/p' "$f" | sed -E 's/[, ]+/ /g; s/\.( |$)/\1/g' | tr '\n' ' ') "
done
number='I?[0-9]+(\.[0-9]+)*'
while IFS= read -r citation; do
    f=$(grep -oE 'docs/[a-z-]+\.md' <<<"${citation#*:}")
    while read -r n; do
        [[ ${sections[$f]:-} == *" $n "* ]] || fail "${citation%%:*}: cites $f $n, which is not there"
    done < <(sed -E 's/.*\.md//' <<<"$citation" | grep -oE "$number")
done < <(printf '%s\n' "${sources[@]}" docs/*.md README.md | xargs grep -HoE "docs/[a-z-]+\.md,?( sections?)? $number((, | and | to )$number)*")

# Data flows left to right: nothing includes from a room to its right. impl/ sees the vocabulary of the reference only.
declare -A rank=([fixtures]=0 [reference]=1 [impl]=2 [conformance]=3 [perf]=4)
while IFS=: read -r f _ text; do
    into=${f%%/*}
    from=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$text")
    [[ -n ${rank[$into]:-} && -n ${rank[$from]:-} ]] || continue
    ((rank[$from] <= rank[$into])) || fail "$f: includes $from/, which lies to the right of $into/"
    if [[ $into == impl && $f != */tests/* && $text == *'"reference/'* ]]; then
        [[ $text =~ reference/(problem|tensors)\.h ]] || fail "$f: of the reference an implementation includes problem.h and tensors.h only"
    fi
    if [[ $into == impl && $text == *'"impl/'* ]]; then
        other=$(sed -E 's/.*"impl\/([^\/"]+).*/\1/' <<<"$text")
        own=$(cut -d/ -f2 <<<"$f")
        [[ $other == "$own" || $other == common || $other == impl.h ]] || fail "$f: includes impl/$other, which belongs to another implementation"
    fi
done < <(printf '%s\n' "${sources[@]}" | grep -E '\.(c|h|cc|hpp|inc|cu)$' | xargs grep -HnE '^ *# *include *"[a-z]+/')

# CUDA's own words, and any choice between a device and the emulator, stand in one header (docs/emulator.md).
device=impl/cuda/device.hpp
while IFS= read -r line; do
    fail "$line: belongs into $device"
done < <(printf '%s\n' "${sources[@]}" | grep -E '^impl/(common/)?cuda/.*\.(c|h|cc|hpp|inc|cu)$' | grep -vx "$device" |
    xargs -r grep -HnE '__CUDA|__NVCC|__(shared|device|global|constant)__|__(sync|shfl|ballot|any|all|activemask|threadfence|ld|st|cvta)[a-z_]*\(|\b(thread|block)(Idx|Dim)\b|\bgridDim\b|atomic[A-Z]|\basm volatile' || true)
while IFS= read -r line; do
    fail "$line: a kernel has no conditional compilation"
done < <(printf '%s\n' "${sources[@]}" | grep -E '^impl/cuda/.*\.cu$' | xargs -r grep -HnE '^ *# *(if|else|elif)' || true)

# A plugin exports its entry point and nothing else.
if [[ -n $build ]]; then
    found=0
    for so in "$build"/lib/assay/impl/*.so "$build"/lib/assay/mutants/*.so; do
        [[ -e $so ]] || continue
        found=$((found + 1))
        exported=$(nm -D --defined-only "$so" | awk '{print $NF}' | tr '\n' ' ')
        [[ $exported == "assay_impl_entry " ]] || fail "$so: exports '$exported', assay_impl_entry alone expected"
    done
    ((found)) || fail "$build/lib/assay: no plugin found"
fi

if command -v shellcheck >/dev/null; then
    tracked '*.sh' '.ci/run' | xargs shellcheck || fail "shellcheck: see above"
fi
# Other versions of clang-format disagree with 14 on this code.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    while read -r f; do
        fail "$f: not formatted as .clang-format says"
    done < <(printf '%s\n' "${sources[@]}" | grep -E '\.(c|h|cc|hpp|cu)$' |
        xargs -P "$(nproc)" -n 32 clang-format --dry-run -Werror 2>&1 | grep -oE '^[^: ]+:[0-9]+:' | cut -d: -f1 | sort -u || true)
fi

echo "conventions: ${#sources[@]} files, $failures failures"
((failures == 0))
