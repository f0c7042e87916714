#!/usr/bin/env bash
# gpu.sh: everything that a machine with a GPU is needed for, in parts that a second run takes up where the first ran out of time.
# SPDX-License-Identifier: MIT
# Not yet run on a GPU: its manners are tested on a stand-in for the driver (ci/gpu_manners.sh).
# Usage: ci/gpu.sh [--out DIR] [--budget SECONDS] [--archive-limit MB] [--build DIR | --bundle FILE] [--rows NAME,...] [--workload GLOB] [PART...]
#        ci/gpu.sh --make-bundle FILE [--build DIR]
#   --out      results; a part that is done there is not done again; default build/gpu. DIR.tar.gz is made of it
#   --budget   seconds for this call, 20 at least; default 520: what does not fit is named, and taken up by the next call
#   --archive-limit  MB that DIR.tar.gz may have, default 16; the largest files other than records stay in DIR
#   --build    a build that is there already, in place of build/release, which is built otherwise
#   --bundle   a bundle in place of a build: what --make-bundle wrote, on a machine like this one
#   --rows     implementations; default cudnn,cudnn-pytorch,cuda,torch-cuda, those of them that are in the build
#   --workload what the part bench times, with * and ?; default all; another choice wants another --out
# The archive, unpacked, is a folder for `assay merge`.
# Parts: device, quick, limits, check, sanitizer, sweep, bench, profile, seeds; all of them, in this order, unless told.
# Exit status: 0 all parts are done and hold; 1 some part failed; 2 bad usage; 3 not all could be done, run it again to go on;
# 77 no GPU.
# shellcheck disable=SC2317 # parts are called by their names
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=(device quick limits check sanitizer sweep bench profile seeds)
out=build/gpu budget=520 most=16 build='' bundle='' make='' rows=cudnn,cudnn-pytorch,cuda,torch-cuda workload='*'
least=10 # seconds without which no part is begun
most_seconds=120 # of one workload
wanted=()

usage() {
    echo "ci/gpu.sh: $*" >&2
    exit 2
}

while (($#)); do
    case $1 in
    --out | --budget | --archive-limit | --build | --bundle | --make-bundle | --rows | --workload)
        if (($# < 2)) || [[ -z $2 || $2 == --* ]]; then usage "$1: expected an argument"; fi
        case $1 in
        --out) out=$2 ;;
        --budget) budget=$2 ;;
        --archive-limit) most=$2 ;;
        --build) build=$2 ;;
        --bundle) bundle=$2 ;;
        --make-bundle) make=$2 ;;
        --rows) rows=$2 ;;
        --workload) workload=$2 ;;
        esac
        shift 2
        ;;
    --help)
        sed -n '/^# Usage/,/^# 77/s/^# \{0,1\}//p' ci/gpu.sh
        exit 0
        ;;
    -*) usage "$1: unknown; expected --out, --budget, --archive-limit, --build, --bundle, --make-bundle, --rows, --workload or --help" ;;
    *)
        [[ " ${parts[*]} " == *" $1 "* ]] || usage "no part is called '$1': expected some of ${parts[*]}"
        wanted+=("$1")
        shift
        ;;
    esac
done
[[ $budget =~ ^[1-9][0-9]{1,5}$ && $budget -ge 20 ]] || usage "--budget $budget: expected a whole number of seconds, 20 at least"
[[ $most =~ ^[1-9][0-9]{0,4}$ ]] || usage "--archive-limit $most: expected a whole number of MB"
[[ $rows =~ ^[a-z0-9,-]+$ ]] || usage "--rows $rows: expected names of implementations, with commas between them"
[[ -z $build || -z $bundle ]] || usage "--build and --bundle: expected one of them at most"
[[ -z $bundle || -z $make ]] || usage "--bundle and --make-bundle: expected one of them at most"
[[ -z $build || -x $build/bin/assay ]] || usage "--build $build: expected a folder with bin/assay"
[[ -z $bundle || -r $bundle ]] || usage "--bundle $bundle: cannot be read"
((${#wanted[@]})) || wanted=("${parts[@]}")

# What the linker finds here and a bare machine may lack travels along, CUDA's runtime too; the driver, cuDNN, cuBLAS and libc
# are those of the machine. A build of the preset `bundle` has most of it within, and finds the rest by itself.
make_bundle() { # make_bundle FILE
    local stage program
    stage=$(mktemp -d)
    mkdir -p "$stage/assay/lib/assay/impl" "$stage/assay/lib/assay/worker" "$stage/assay/bin" "$stage/assay/lib/found"
    cp "$build"/bin/assay "$build"/bin/assay-worker "$build"/bin/assay-guest "$stage/assay/bin/"
    for program in assay-device-roof gpu-limits gpu-probe gpu-probe-bits gpu-probe-ctc gpu-sweep; do
        [[ ! -x $build/bin/$program ]] || cp "$build/bin/$program" "$stage/assay/bin/"
    done
    cp "$build"/lib/assay/worker/libassay_worker.so "$stage/assay/lib/assay/worker/"
    for so in "$build"/lib/assay/impl/*.so; do cp "$so" "$stage/assay/lib/assay/impl/"; done
    find "$stage/assay" -type f -exec strip --strip-unneeded {} +
    if [[ -e $build/lib/assay/impl/torch-cuda.py ]]; then
        cp "$build/lib/assay/impl/torch-cuda.py" "$stage/assay/lib/assay/impl/"
        cp -r "$build/lib/assay/python" "$stage/assay/lib/assay/"
    fi
    ldd "$stage"/assay/bin/* "$stage"/assay/lib/assay/impl/*.so 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
        { grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so|/libcuda\.|/libcudnn|/libcublas|/libnv|libassay_worker' || true; } |
        xargs -r cp -Lt "$stage/assay/lib/found"
    if grep -qx 'ASSAY_STATIC:BOOL=ON' "$build/CMakeCache.txt" 2>/dev/null; then touch "$stage/assay/static"; fi
    git rev-parse HEAD >"$stage/assay/commit" 2>/dev/null || true
    mkdir -p "$(dirname "$1")"
    tar -C "$stage" -czf "$1.part" assay
    mv "$1.part" "$1"
    rm -rf "$stage"
    echo "ci/gpu.sh: $1: $(du -h "$1" | cut -f1), for ci/gpu.sh --bundle"
}

if [[ -n $make ]]; then
    [[ -n $build ]] || { ci/build.sh bundle && build=build/bundle; }
    make_bundle "$make"
    exit 0
fi

# cuDNN and cuBLAS may lie in the packages of a Python installation: behind what the loader is told to search already.
while read -r folder; do
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
    export LD_LIBRARY_PATH
done < <(python3 -c 'import glob, os, nvidia
for place in nvidia.__path__: print(*sorted(glob.glob(os.path.join(place, "*", "lib"))), sep="\n")' 2>/dev/null | grep . || true)

# Before anything is built: a machine without a driver has nothing to do here.
driver() {
    local folder
    while read -r folder; do
        if [[ -n $folder && -e $folder/libcuda.so.1 ]]; then return 0; fi
    done < <(tr ':' '\n' <<<"${LD_LIBRARY_PATH:-}")
    { /sbin/ldconfig -p 2>/dev/null || true; } | grep 'libcuda\.so\.1 ' >/dev/null
}
if ! driver; then
    echo "ci/gpu.sh: no GPU: no CUDA driver here (libcuda.so.1)"
    exit 77
fi

if [[ -n $bundle ]]; then
    mkdir -p "$out/bundle"
    tar -C "$out/bundle" -xzf "$bundle" || usage "--bundle $bundle: is no bundle"
    build=$out/bundle/assay
    [[ -x $build/bin/assay ]] || usage "--bundle $bundle: has no assay/bin/assay"
    # Not where it is not needed: an interpreter on this machine would find the bundle's libraries before its own.
    [[ -e $build/static ]] || export LD_LIBRARY_PATH="$build/lib/found${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
elif [[ -z $build ]]; then
    ci/build.sh release
    build=build/release
fi
assay=$build/bin/assay
selected() { # the documented workloads that --workload names, one a line
    local id
    "$assay" list workloads | while read -r id _; do
        # shellcheck disable=SC2053 # a pattern is what it is
        if [[ $id == $workload ]]; then echo "$id"; fi
    done
}
[[ -n $(selected) ]] || usage "--workload $workload: no workload is called so (assay list workloads)"
mkdir -p "$out"

# The rows of this build that have a device. Who has none says why; without any there is nothing to do.
impls=() names=()
for row in ${rows//,/ }; do
    [[ -e $build/lib/assay/impl/$row.so || -e $build/lib/assay/impl/$row.py ]] || continue
    status=0
    said=$("$assay" check --impl "$row" --op ctc --op rnn --check environment --quick --no-shrink 2>&1) || status=$?
    echo "$said" >"$out/$row.begins.txt"
    if ((status == 77 || status == 2)); then
        echo "ci/gpu.sh: $row: $(grep -E 'SKIPPED:|^assay' <<<"$said" | tail -n 1)"
    else
        impls+=(--impl "$row")
        names+=("$row")
    fi
done
if ((${#impls[@]} == 0)); then
    echo "ci/gpu.sh: no GPU, or no row of $rows in $build that has one"
    exit 77
fi

# ---- parts ----

# An interrupt first: then files are whole, of what was done by then.
limited() { timeout --signal=INT --kill-after=10 "$((budget > SECONDS ? budget - SECONDS : 1))" "$@"; }

part_device() {
    date -u +%FT%TZ
    cat "$build/commit" 2>/dev/null || git rev-parse HEAD 2>/dev/null || true
    nvidia-smi -q 2>&1 || true
    nvcc --version 2>&1 || true
    "$assay" list impls
}
part_quick() { limited "$assay" check "${impls[@]}" --quick --seed 0x5eed --margin-limit 0.5 --json "$out/quick.json" --junit "$out/quick.xml"; }
part_limits() { # the device and cuDNN alone, no row of them
    local program worst=77 status
    for program in assay-device-roof gpu-limits gpu-probe gpu-probe-bits gpu-probe-ctc; do
        [[ -x $build/bin/$program ]] || { echo "no $program in this build"; continue; }
        status=0
        limited "$build/bin/$program" || status=$?
        ((status != 124 && status != 137)) || return "$status"
        ((worst == 1)) || worst=$((status == 0 || status == 77 ? status : 1))
    done
    if [[ -x $build/bin/gpu-probe-bits ]]; then # the same bits once more, with the workspace that cuBLAS calls reproducible
        echo "== CUBLAS_WORKSPACE_CONFIG=:4096:8"
        CUBLAS_WORKSPACE_CONFIG=:4096:8 limited "$build/bin/gpu-probe-bits" || ((worst == 77)) || worst=1
    fi
    return "$worst"
}
part_check() { limited "$assay" check "${impls[@]}" --json "$out/check.json" --junit "$out/check.xml"; }
part_seeds() { limited "$assay" check "${impls[@]}" --quick --repeat 4 --no-shrink --json "$out/seeds.json"; }

# A file for each workload, so that what is timed is not timed again; together they are records.json.
part_bench() {
    local id worst=77 status seconds
    mkdir -p "$out/records"
    while read -r id; do
        [[ ! -s $out/records/$id.json ]] || continue
        seconds=$((budget - SECONDS - 5))
        ((seconds >= least)) || return 124
        status=0
        limited "$assay" bench "${impls[@]}" --workload "$id" --budget "$((seconds < most_seconds ? seconds : most_seconds))" \
            --certificates "$out/certificates" --json "$out/$id.part" </dev/null || status=$?
        ((status != 124 && status != 137 && status != 3)) || return 124
        # What only lacked time waits for a call that has it.
        if ((seconds < most_seconds)) && grep -q '"why": "[^"]*budget' "$out/$id.part" 2>/dev/null; then return 124; fi
        [[ ! -s $out/$id.part ]] || mv "$out/$id.part" "$out/records/$id.json"
        ((worst == 1)) || worst=$((status == 77 ? worst : status == 0 ? 0 : 1))
    done < <(selected)
    "$assay" merge "$out/records" --out "$out" || worst=1
    return "$worst"
}

# What each algorithm of cuDNN takes for the layers of the documented workloads, or what cuDNN answered.
part_sweep() {
    local arithmetic
    [[ -x $build/bin/gpu-sweep ]] || { echo "no gpu-sweep in this build"; return 77; }
    for arithmetic in fp32 tf32; do
        echo "== $arithmetic"
        limited "$build/bin/gpu-sweep" "$build/lib/assay/impl/cudnn.so" "$arithmetic" || return
    done
}

# In assay-guest, since the sanitizer has to sit in the process that computes, which a worker's filter forbids.
part_sanitizer() {
    local tool name worst=0 status
    command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer here"; return 77; }
    for name in "${names[@]}"; do
        [[ -e $build/lib/assay/impl/$name.so ]] || { echo "== $name: in Python, not in assay-guest"; continue; }
        for tool in memcheck racecheck synccheck initcheck; do
            status=0
            limited compute-sanitizer --tool "$tool" --error-exitcode 9 "$build/bin/assay-guest" "$build/lib/assay/impl/$name.so" \
                'rnn/*.t[1-5].*' || status=$?
            echo "== $name $tool: exit $status"
            ((status != 124 && status != 137)) || return "$status"
            ((status == 0)) || worst=1
        done
    done
    return "$worst"
}

# Where the time of a pass goes, kernel by kernel. In assay-guest and gpu-sweep, since a profiler, too, has to sit in the
# process that computes; what runs there is no phase of a workload, but its kernels are the same.
part_profile() {
    local name status worst=77 profiler=()
    if command -v nsys >/dev/null; then
        profiler=(nsys profile --force-overwrite=true --trace=cuda --stats=true -o)
    elif command -v ncu >/dev/null; then
        profiler=(ncu --force-overwrite --set basic --launch-count 200 -o)
    else
        echo "no profiler here: neither nsys nor ncu"
        return 77
    fi
    for name in "${names[@]}"; do
        [[ -e $build/lib/assay/impl/$name.so ]] || { echo "== $name: in Python, not in assay-guest"; continue; }
        status=0
        limited "${profiler[@]}" "$out/profile.$name" "$build/bin/assay-guest" "$build/lib/assay/impl/$name.so" 'network/*' || status=$?
        echo "== $name ${profiler[0]}: exit $status"
        ((status != 124 && status != 137)) || return "$status"
        ((worst == 1)) || worst=$((status == 0 ? 0 : status == 77 ? worst : 1))
    done
    if [[ " ${names[*]} " == *" cudnn "* && -x $build/bin/gpu-sweep ]]; then
        status=0
        limited "${profiler[@]}" "$out/profile.sweep" "$build/bin/gpu-sweep" "$build/lib/assay/impl/cudnn.so" fp32 || status=$?
        echo "== gpu-sweep ${profiler[0]}: exit $status"
        ((status != 124 && status != 137)) || return "$status"
        ((worst == 1)) || worst=$((status == 0 ? 0 : status == 77 ? worst : 1))
    fi
    return "$worst"
}

worst=0 unfinished=() failed=()
for part in "${wanted[@]}"; do
    if [[ -s $out/$part.status ]]; then
        status=$(<"$out/$part.status")
        echo "== $part: done before, exit $status"
    else
        left=$((budget - SECONDS))
        if ((left < least)); then
            unfinished+=("$part")
            continue
        fi
        echo "== $part: up to $left s"
        status=0
        "part_$part" >"$out/$part.log" 2>&1 || status=$?
        tail -n 3 "$out/$part.log"
        if ((status == 124 || status == 137)); then
            echo "== $part: out of time"
            unfinished+=("$part")
            continue
        fi
        echo "$status" >"$out/$part.status"
        echo "== $part: exit $status"
    fi
    if ((status != 0 && status != 77)); then
        worst=1
        failed+=("$part")
    fi
done

# The largest files stay here where all together are more than the limit, JSON last and records never.
archive=${out%/}.tar.gz
pack() {
    find "$out" -path "$out/bundle" -prune -o -type f -printf '%P\n' | grep -vxFf <(printf '%s\n' "${left_here[@]}") |
        tar -C "$out" -czf "$archive.part" -T -
}
left_here=(' ')
pack
while (($(stat -c %s "$archive.part") > most * 1000000)); do
    largest=$(find "$out" -path "$out/bundle" -prune -o -type f ! -name 'records.json' ! -path "$out/records/*" -printf '%s %P\n' |
        awk '{print ($2 ~ /[.]json$/), $0}' | sort -k1,1n -k2,2rn | cut -d' ' -f3- |
        grep -vxFf <(printf '%s\n' "${left_here[@]}") | head -n 1 || true)
    [[ -n $largest ]] || break
    left_here+=("$largest")
    echo "ci/gpu.sh: $largest is not in the archive: it is limited to $most MB"
    pack
done
mv "$archive.part" "$archive"
echo "ci/gpu.sh: $archive, sha256 $(sha256sum "$archive" | cut -d' ' -f1)"
if ((${#failed[@]})); then echo "ci/gpu.sh: failed: ${failed[*]}; their logs lie in $out"; fi
if ((${#unfinished[@]})); then
    echo "ci/gpu.sh: no time for: ${unfinished[*]}; run it again to go on"
    ((worst)) || worst=3
fi
exit "$worst"
