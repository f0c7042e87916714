#!/usr/bin/env bash
# setup.sh: installs what ci/packages.txt (or another such list: setup.sh FILE) names and this machine lacks; silent and
# offline when nothing is missing.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

list=${1:-ci/packages.txt}
oldest_cmake=3.25 # presets schema 6, which CMakePresets.json uses

links_fuzzer() { # links_fuzzer compiler
    local program status=0
    program=$(mktemp)
    echo 'int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n) { return !b && n; }' |
        "$1" -x c - -fsanitize=fuzzer,address -o "$program" 2>/dev/null || status=1
    rm -f "$program"
    return $status
}

links_program() { # links_program compiler
    local program status=0
    command -v "$1" >/dev/null || return 1
    program=$(mktemp)
    echo '#include <math.h>
int main(int n, char **v) { return sqrt(n) < 0 && v; }' | "$1" -x c - -lm -o "$program" 2>/dev/null || status=1
    rm -f "$program"
    return $status
}

present() { # present kind:name
    case $1 in
    command:*) command -v "${1#command:}" >/dev/null ;;
    module:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#module:}" ;;
    header:*) command -v cc >/dev/null && echo "#include <${1#header:}>" | cc -E -x c - >/dev/null 2>&1 ;;
    fuzzer:*) links_fuzzer "${1#fuzzer:}" ;;
    links:*) links_program "${1#links:}" ;;
    *) echo "$list: probe '$1' is none of command:NAME, module:NAME, header:NAME, fuzzer:COMPILER, links:COMPILER" >&2 && exit 2 ;;
    esac
}

list_missing() {
    local package probe
    while read -r package probe; do
        [[ -z $package || $package == \#* ]] || present "$probe" || echo "$package"
    done <"$list" | sort -u
}

install() {
    local -a as_root=()
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || { echo "ci/setup.sh: needs root or sudo to install: $*" >&2; exit 3; }
        as_root=(sudo)
    fi
    echo "== installing: $*"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

missing_text=$(list_missing)
mapfile -t missing < <(printf '%s' "$missing_text")
if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null; then
        echo "ci/setup.sh: no apt-get here; install what these Debian packages hold: ${missing[*]}" >&2
        exit 3
    fi
    install "${missing[@]}"
    still_missing=$(list_missing | tr '\n' ' ')
    if [[ -n $still_missing ]]; then
        echo "ci/setup.sh: installed, but still not found: $still_missing" >&2
        exit 3
    fi
fi

have_cmake=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
if [[ $(printf '%s\n%s\n' "$oldest_cmake" "$have_cmake" | sort -V | head -n1) != "$oldest_cmake" ]]; then
    echo "ci/setup.sh: cmake $have_cmake found, $oldest_cmake or newer expected" >&2
    exit 3
fi
