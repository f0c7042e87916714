#!/usr/bin/env bash
# kernels.sh: compiles every kernel of impl/cuda with warnings as errors, and prints what each takes on each architecture.
# SPDX-License-Identifier: MIT
# Usage: ci/kernels.sh [NVCC]
# Rows of Markdown, as docs/gpu-limits.md has them: registers of a thread, bytes of static shared memory of a block, bytes spilled
# (stores and loads). No GPU is needed. Exit status: 0, 1 where something does not compile or a recurrence of one launch (persistent_*.cu),
# whose weights are to stay in registers, has a stack or spills, 77 without nvcc.
set -euo pipefail
nvcc=${1:-$(command -v nvcc || echo "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc")}
command -v "$nvcc" >/dev/null || { echo "kernels.sh: no $nvcc: give the path of CUDA's compiler as argument" >&2; exit 77; }
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
architectures=(75 80 90a)
codes=()
for a in "${architectures[@]}"; do codes+=("-gencode=arch=compute_$a,code=sm_$a"); done
for source in impl/cuda/*.cu; do
    if ! "$nvcc" -c "$source" -o "$scratch/object" -I. -std=c++17 -O3 -Werror all-warnings --resource-usage "${codes[@]}" \
        >>"$scratch/said" 2>&1; then
        echo "kernels.sh: $source does not compile:" >&2
        tail -n 20 "$scratch/said" >&2
        exit 1
    fi
    if [[ $source == */persistent_* ]]; then sed -nE "s/^KERNEL\(([a-z0-9_]+),.*/\1/p" "$source" >>"$scratch/persistent"; fi
done
awk -v "list=${architectures[*]}" -v "persistent=$scratch/persistent" '
    BEGIN {
        n = split(list, sm, " ")
        printf "| kernel |"
        for (k = 1; k <= n; k++) printf " sm_%s |", sm[k]
        printf "\n|---|"
        for (k = 1; k <= n; k++) printf "---|"
        print ""
    }
    /Compiling entry function/ { split($0, q, "\047"); kernel = q[2]; at = substr(q[4], 4); seen[kernel] = 1 }
    /stack frame/ { stack[kernel, at] = $1 }
    /spill stores/ { for (i = 1; i < NF; i++) if ($(i + 2) == "spill") spilled[kernel, at] += $i }
    /Used [0-9]+ registers/ {
        shared = 0
        for (i = 1; i < NF; i++) if ($(i + 2) ~ /^smem/) shared = $i
        is[kernel, at] = $5 " / " shared " / " spilled[kernel, at] + 0
    }
    END {
        for (kernel in seen) {
            name = kernel
            sub(/^kernel_/, "", name)
            printf "| %s |", name | "sort"
            for (k = 1; k <= n; k++) printf " %s |", is[kernel, sm[k]] | "sort"
            print "" | "sort"
        }
        close("sort")
        while ((getline name <persistent) > 0)
            for (k = 1; k <= n; k++) {
                at = "kernel_" name SUBSEP sm[k]
                if (at in is && !stack[at] && !spilled[at]) continue
                print "kernels.sh: " name " on sm_" sm[k] ": a stack of " stack[at] + 0 " bytes, " spilled[at] + 0 " bytes spilled: 0 expected" >"/dev/stderr"
                status = 1
            }
        exit status
    }' "$scratch/said"
