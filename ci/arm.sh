#!/usr/bin/env bash
# arm.sh: what computes, built for 64-bit ARM with warnings as errors: the reference, impl/common, naive and cpu; and their
# tests in an emulator.
# SPDX-License-Identifier: MIT
# Usage: ci/arm.sh [STRIDE]; of all floats every STRIDE-th is tried in test_vecmath, the 20011th unless told. Some minutes on two
# cores. What needs libraries for ARM (OpenBLAS, jansson, libsodium ...) isn't built: the harness, the other implementations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stride=${1:-20011}
out=build/arm
ci/setup.sh ci/packages-arm.txt
rm -rf "$out"
mkdir -p "$out"
compiler=(aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -I. -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Werror -fno-math-errno -fno-strict-aliasing)
fast=(-O3 -ffp-contract=fast -fno-trapping-math) # as assay_fast in impl/CMakeLists.txt

compile() { # compile SUFFIX FLAGS... -- SOURCES...
    local suffix=$1 source
    local -a flags=()
    shift
    while [[ $1 != -- ]]; do flags+=("$1") && shift; done
    shift
    for source in "$@"; do
        printf '%s\0' "${compiler[*]} ${flags[*]} -c $source -o $out/$(tr / _ <<<"${source%.*}").$suffix.o"
    done | xargs -0 -P "$(nproc)" -I{} sh -c '{}' || {
        echo "ci/arm.sh: $suffix does not compile for ARM" >&2
        exit 1
    }
}

echo "== arm: building $out"
compile host "${fast[@]}" -- impl/common/host/*.c impl/common/stack/*.c
compile naive "${fast[@]}" -- impl/naive/*.c
compile cpu "${fast[@]}" -- impl/cpu/{cpu,panels,stack,kernel,kernel_plain}.c
# What the builds of the reference share, its kernels as the baseline alone; then all builds.
compile base -O2 -ffp-contract=off -fopenmp -- reference/{tensors,check,dialect,rows,pool,data,rounding,gemm_blocked,activation_pick}.c \
    reference/activation.c
compile base -O3 -ffp-contract=fast -- reference/gemm_kernel.c
sources=(reference/{gemm,lstm,gru,rnn,stack,linear,embedding,xent,ctc,optimizer,call,network}.c)
compile f64 -O2 -ffp-contract=off -fopenmp -DASSAY_BUILD_F64 -- "${sources[@]}"
compile noise -O2 -ffp-contract=off -fopenmp -DASSAY_BUILD_NOISE -- "${sources[@]}"
compile f128 -O2 -ffp-contract=off -DASSAY_BUILD_F128 -- "${sources[@]}"
compile rounded -O2 -ffp-contract=off -fopenmp -DASSAY_BUILD_NOISE -D_noise=_rounded -include reference/rounded/rounded.h -- "${sources[@]:1}" reference/rounded/gemm.c
compile rounded -O3 -ffp-contract=fast -- reference/rounded/kernel.c
for build in SR DUAL; do # C++, by a line each
    mkdir -p "$out/$build"
    for source in "${sources[@]}"; do echo "#include \"$source\"" >"$out/$build/$(basename "$source").cc"; done
    printf '%s\0' "$out/$build"/*.cc |
        xargs -0 -P "$(nproc)" -I{} aarch64-linux-gnu-g++ -std=c++17 -D_GNU_SOURCE -I. -Wall -Wextra -Wshadow -Werror -O2 \
            -ffp-contract=off "-DASSAY_BUILD_$build" -c {} -o {}.o
done

link() { # link NAME OBJECTS...
    local name=$1
    shift
    "${compiler[@]}" -o "$out/$name" "$@" -fopenmp -lm
}

compile tests -O2 -fopenmp -Ici/arm -- impl/tests/test_impl.c impl/tests/test_vecmath.c impl/cpu/tests/test_kernel.c
link test_vecmath "$out"/impl_tests_test_vecmath.tests.o
link test_kernel "$out"/impl_cpu_tests_test_kernel.tests.o "$out"/*.cpu.o "$out"/*.host.o
for name in naive cpu; do
    link "test_impl_$name" "$out"/impl_tests_test_impl.tests.o "$out"/*."$name".o "$out"/*.{host,f64,noise,base}.o
done

worst=0
run() { # run NAME ARGUMENTS...
    local status=0
    echo "== arm: $*"
    OMP_NUM_THREADS=1 qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/$1" "${@:2}" >"$out/$1.log" 2>&1 || status=$?
    if ((status)); then tail -n 20 "$out/$1.log" && worst=1; fi
}
run test_kernel
run test_vecmath "$stride"
run test_impl_naive
run test_impl_cpu
if ((worst)); then echo "ci/arm.sh: a test failed on ARM; its whole log lies in $out" >&2; fi
exit "$worst"
