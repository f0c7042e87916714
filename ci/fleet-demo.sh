#!/usr/bin/env bash
# fleet-demo.sh: a fleet on one machine: real Slurm (two partitions) and real ReFrame check and time as jobs, and `assay merge` joins them.
# SPDX-License-Identifier: MIT
# Usage: ci/fleet-demo.sh [--out DIR] [--build DIR] [--tools DIR] [--check ARGUMENTS] [--bench ARGUMENTS] [--batch ARGUMENTS]
#                         [--baselines DIR --device NAME]
#   --out        records.json and report.html; default build/fleet/out
#   --build      a build with bin/assay; default build/release
#   --tools      where Debian's packages are unpacked and ReFrame is installed, and found again; default build/fleet/tools
#   --check      arguments of `assay check` in each job; default: a few cases
#   --bench      arguments of `assay bench` in the jobs of ReFrame; default: f.imdb-gru by cpu
#   --batch      the same for the one job that is sent by the batch file; default: f.imdb-gru by blas
#   --baselines  where ReFrame's references come from, and --device which folder in it is this machine's; default perf/baselines, none
# Works as root or as any user, without systemd and cgroups; needs apt-get and PyPI the first time. Nothing is installed: packages are
# unpacked into a folder. Ports are free ones on loopback; all that was started has ended when this has.
# Exit status: 0 all jobs held and are merged; 1 one did not; 2 bad usage; 77 Slurm or ReFrame is not to be had.
# shellcheck disable=SC2317 # what ends the run is called by a trap
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tree=$PWD
out=build/fleet/out build=build/release tools=build/fleet/tools baselines=perf/baselines device=''
check="--impl cpu --impl blas --op rnn --case rnn/gru.*ragged --quick --no-shrink"
bench="--impl cpu --workload f.imdb-gru --budget 20"
batch="--impl blas --workload f.imdb-gru --budget 20"
packages=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libmunge2)

usage() {
    echo "ci/fleet-demo.sh: $*" >&2
    exit 2
}

absent() {
    echo "ci/fleet-demo.sh: skipped: $*" >&2
    exit 77
}

while (($#)); do
    case $1 in
    --out | --build | --tools | --check | --bench | --batch | --baselines | --device)
        (($# > 1)) || usage "$1: expected an argument"
        declare "${1#--}=$2"
        shift 2
        ;;
    --help)
        sed -n '/^# Usage/,/^# Exit/s/^# \{0,1\}//p' ci/fleet-demo.sh
        exit 0
        ;;
    *) usage "$1: unknown; expected --out, --build, --tools, --check, --bench, --batch, --baselines, --device or --help" ;;
    esac
done
[[ -x $build/bin/assay ]] || usage "--build $build: expected a folder with bin/assay (ci/build.sh release)"
[[ -z $device || -d $baselines/$device ]] || usage "--device $device: expected a folder of $baselines"
assay=$(realpath "$build/bin/assay")
baselines=$(realpath -m "$baselines")
mkdir -p "$out" "$tools"
out=$(realpath "$out")
tools=$(realpath "$tools")

# ---- what is needed ----

fetch_slurm() {
    local deb
    command -v apt-get >/dev/null || absent "no apt-get for Debian's packages of Slurm: ${packages[*]}"
    rm -rf "$tools/debs" "$tools/slurm.part"
    mkdir -p "$tools/debs/partial" "$tools/slurm.part"
    # --reinstall: those that are installed are wanted here, too.
    apt-get install --reinstall --download-only --no-install-recommends -y -qq -o Dir::Cache::archives="$tools/debs" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" "${packages[@]}" >"$tools/apt.log" 2>&1 ||
        absent "apt-get could not fetch ${packages[*]}: $(tail -n 1 "$tools/apt.log")"
    for deb in "$tools"/debs/*.deb; do dpkg -x "$deb" "$tools/slurm.part"; done
    mv "$tools/slurm.part" "$tools/slurm"
    rm -rf "$tools/debs"
}

fetch_reframe() {
    local python=${PYTHON:-python3}
    rm -rf "$tools/venv"
    "$python" -m venv "$tools/venv" >"$tools/pip.log" 2>&1 || absent "$python makes no virtual environment (python3-venv)"
    if ! "$tools/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement ci/fleet/requirements.txt >"$tools/pip.log" 2>&1; then
        rm -rf "$tools/venv" # a half of it would be taken for the whole
        absent "pip could not install what ci/fleet/requirements.txt names: $(tail -n 1 "$tools/pip.log")"
    fi
}

[[ -d $tools/slurm ]] || fetch_slurm
[[ -x $tools/venv/bin/reframe ]] || fetch_reframe
program() { # program NAME: Debian's alternatives leave NAME-wlm in the package
    ls "$tools"/slurm/usr/*bin/"$1-wlm" 2>/dev/null || ls "$tools"/slurm/usr/*bin/"$1" 2>/dev/null ||
        absent "the packages of Slurm have no $1: $tools/slurm"
}
slurmctld=$(program slurmctld) slurmd=$(program slurmd) slurmstepd=$(program slurmstepd) munged=$(program munged)
plugins=$(find "$tools/slurm" -type d -name slurm-wlm -path '*/lib/*' | head -n 1)
[[ -n $plugins ]] || absent "the packages of Slurm have no plugins: $tools/slurm"

# ---- Slurm, and its end ----

scratch=$(mktemp -d)
chmod 711 "$scratch" # munged wants a way to its socket for everyone
export SLURM_CONF=$scratch/slurm.conf
slurm() { # slurm PROGRAM ARGUMENTS...: with the libraries that were unpacked
    LD_LIBRARY_PATH=$(dirname "$plugins"):$plugins PATH=$tools/slurm/usr/bin:$PATH "$@"
}
# Of all that has this run's slurm.conf in its environment or is at home in its folder: daemons, jobs, and steps, which rename themselves.
ours() (
    conf=$SLURM_CONF
    unset SLURM_CONF # or those who look would find themselves
    {
        grep -lzxF "SLURM_CONF=$conf" /proc/[0-9]*/environ
        find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -lname "$scratch/*"
    } 2>/dev/null | cut -d/ -f3 | sort -u | grep -vxF "$$"
)
stop_jobs() { # while there is somebody to tell
    slurm timeout 5 scancel --me || true
    for ((try = 0; try < 30; try++)); do
        [[ -n $(slurm timeout 5 squeue -h) ]] || break
        sleep 0.5
    done
}
finish() {
    local status=$? signal pid try pids=()
    trap '' INT TERM
    cd /
    [[ -z $client ]] || pkill -P "$client" || true # it would send the next job
    [[ ! -S $scratch/run/munge ]] || stop_jobs 2>/dev/null
    for signal in TERM KILL; do
        for ((try = 0; try < 20; try++)); do
            mapfile -t pids < <(ours)
            ((${#pids[@]})) || break 2
            ((try)) || for pid in "${pids[@]}"; do kill -"$signal" "$pid" 2>/dev/null || true; done
            sleep 0.5
        done
    done
    mapfile -t pids < <(ours)
    ((status == 0)) || tail -n 5 "$scratch"/log/* >&2 2>/dev/null || true
    rm -rf "$scratch"
    if ((${#pids[@]})); then
        echo "ci/fleet-demo.sh: still running: ${pids[*]}" >&2
        status=1
    else
        echo "ci/fleet-demo.sh: all that was started has ended"
    fi
    exit "$status"
}
client=''
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir -m 700 "$scratch/munge"
mkdir "$scratch/run" "$scratch/state" "$scratch/spool" "$scratch/log"
(umask 077 && head -c 128 /dev/urandom >"$scratch/munge/key")
# Three ports that nobody has now.
read -r port_control port_one port_two < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(3)]
for one in sockets: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))')
host=$(uname -n)
host=${host%%.*}
cat >"$SLURM_CONF" <<END
ClusterName=fleet
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port_control
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$scratch/run/munge
PluginDir=$plugins
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool/%n
SlurmctldPidFile=$scratch/run/slurmctld.pid
SlurmdPidFile=$scratch/run/slurmd.%n.pid
SlurmctldLogFile=$scratch/log/slurmctld
SlurmdLogFile=$scratch/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=one NodeHostname=$host NodeAddr=127.0.0.1 Port=$port_one CPUs=$(nproc)
NodeName=two NodeHostname=$host NodeAddr=127.0.0.1 Port=$port_two CPUs=$(nproc)
PartitionName=one Nodes=one Default=YES State=UP
PartitionName=two Nodes=two State=UP
END
: >"$scratch/cgroup.conf" # else /etc/slurm's would count

echo "== Slurm $(slurm sinfo --version | cut -d' ' -f2) on ports $port_control, $port_one, $port_two"
slurm "$munged" -F --key-file="$scratch/munge/key" --socket="$scratch/run/munge" --pid-file="$scratch/munge/pid" \
    --log-file="$scratch/log/munged" --seed-file="$scratch/munge/seed" 2>/dev/null &
for ((try = 0; try < 40; try++)); do
    [[ ! -S $scratch/run/munge ]] || break
    sleep 0.25
done
slurm "$slurmctld" -D >/dev/null 2>&1 &
for node in one two; do slurm "$slurmd" -D -N "$node" -d "$slurmstepd" >/dev/null 2>&1 & done
for ((try = 0; try < 120; try++)); do
    states=$(slurm sinfo -h -N -o '%T' 2>&1 | tr '\n' ' ') || true
    [[ $states != "idle idle " ]] || break
    sleep 0.25
done
[[ $states == "idle idle " ]] || { echo "ci/fleet-demo.sh: two idle nodes expected within 30 s; sinfo says: $states" >&2; exit 1; }
slurm sinfo

# ---- the jobs ----

failed=0
cd "$scratch"
export TMPDIR=$scratch PYTHONDONTWRITEBYTECODE=1 RFM_REPORT_FILE=$scratch/reframe.json RFM_COLORIZE=n ASSAY_FLEET_DEVICE=$device # ReFrame leaves files in each
echo "== $("$tools/venv/bin/reframe" --version | sed 's/^/ReFrame /') sends one job to each partition, one after the other"
slurm "$tools/venv/bin/reframe" --config-file "$tree/ci/fleet/site.py" --checkpath "$tree/ci/fleet/assay_node.py" --system fleet \
    --exec-policy serial --prefix "$scratch/reframe" --setvar "assay=$assay" --setvar "check=$check" --setvar "bench=$bench" \
    --setvar "baselines=$baselines" --run --performance-report &
client=$!
wait "$client" || failed=1 # a trap waits for what runs in the foreground

echo "== sbatch sends ci/fleet/assay.sbatch to partition two"
# The job gets PATH alone: libraries of the unpacked Slurm are nothing that assay should load.
cd "$tree"
slurm sbatch --wait --partition=two --output="$scratch/batch.log" --export="PATH=$PATH,ASSAY_RESULTS=$scratch/batch,SLURM_CONF=$SLURM_CONF" \
    ci/fleet/assay.sbatch --assay "$assay" --check "$check" --bench "$batch" &
client=$!
wait "$client" || failed=1
client=''
grep '^node' "$scratch/batch.log" || { tail -n 5 "$scratch/batch.log"; failed=1; }

echo "== merged"
# What ReFrame found too slow lies in its stage, what passed in its output.
mapfile -t folders < <(find "$scratch/reframe" "$scratch/batch" -name records.json -printf '%h\n' 2>/dev/null | sort)
((${#folders[@]} == 3)) || { echo "ci/fleet-demo.sh: ${#folders[@]} of 3 jobs left records" >&2; failed=1; }
((${#folders[@]})) || exit 1
"$assay" merge "${folders[@]}" --out "$out"
"$assay" report --format html --out "$out/report.html" "$out/records.json"
"$assay" report "$out/records.json"
echo "report: $out/report.html"
exit "$failed"
