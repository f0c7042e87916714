#!/usr/bin/env bash
# deb.sh: the Debian package as a stranger has it: built, installed into a bare system of this release, used there, removed.
# SPDX-License-Identifier: MIT
# Usage: ci/deb.sh BUILD   of a finished build; needs root, debootstrap and a mirror, else exit status 77 with the reason.
# ci/packages-deb.txt lists what it needs. The bare system is a folder: nothing is installed into the one that runs this.
set -euo pipefail
build=$(realpath "${1:?usage: ci/deb.sh BUILD}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
skip() {
    echo "deb: SKIPPED: $*"
    exit 77
}
[[ $(id -u) == 0 ]] || skip "a bare system is entered by chroot, which needs root"
command -v debootstrap >/dev/null || skip "no debootstrap here (ci/packages-deb.txt)"
command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-shlibdeps here (ci/packages-deb.txt)"
# shellcheck source=/dev/null
. /etc/os-release

work=$(mktemp -d)
root=$work/root
clean() {
    if mountpoint -q "$root/proc"; then umount "$root/proc" || exit 3; fi
    rm -rf --one-file-system "$work"
}
trap clean EXIT
chmod 755 "$work" # a worker gives up root, and still has to find its plugin
failures=0
fail() {
    echo "deb: $*" >&2
    failures=$((failures + 1))
}

inside() { # inside COMMAND...: in the bare system, in /srv/trial, with nothing of this one's environment
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        sh -c 'mkdir -p /srv/trial && cd /srv/trial && exec "$@"' - "$@"
}
expect() { # expect STATUS TEXT COMMAND...: the exit status, and what its output has to contain
    local status=0 wanted=$1 text=$2 said
    shift 2
    said=$(inside "$@" 2>&1) || status=$?
    [[ $status == "$wanted" && $said == *"$text"* ]] ||
        fail "$*: exit status $status, expected $wanted and '$text' in: $(tail -3 <<<"$said")"
}

echo "== the package"
(cd "$build" && cpack -G DEB -B "$work/package") >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; exit 3; }
package=$(find "$work/package" -maxdepth 1 -name '*.deb')
[[ -f $package ]] || { echo "deb: expected one package in $work/package" >&2; exit 3; }
dpkg-deb --field "$package" Package Version Architecture Installed-Size Depends

echo "== before lintian"
# Who answers for the package is whoever publishes it (ASSAY_CONTACT).
if command -v lintian >/dev/null; then
    said=$(lintian --allow-root --fail-on error,warning --suppress-tags malformed-contact,bogus-mail-host-in-debian-changelog "$package" 2>&1) || fail "lintian: $said"
else
    echo "deb: not looked at: no lintian here (ci/packages-deb.txt)"
fi

echo "== a bare $VERSION_CODENAME"
components=main
if [[ $ID == ubuntu ]]; then components=main,universe; fi
debootstrap --variant=minbase --components="$components" "$VERSION_CODENAME" "$root" >"$work/log" 2>&1 ||
    skip "debootstrap: $(tail -1 "$work/log")"
mount -t proc proc "$root/proc" || skip "no proc can be mounted there, and a worker needs it"
cp "$package" "$root/assay.deb"
inside apt-get update -qq >"$work/log" 2>&1 || skip "apt-get update: $(tail -1 "$work/log")"
inside apt-get install -y -qq --no-install-recommends /assay.deb >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; exit 1; }

echo "== used there"
expect 0 'assay 0.1.0' assay --version
expect 0 'blas' assay list impls
expect 0 ' 0 committed cases ILL_POSED' assay check --quick --seed 0x5eed
expect 0 'in a large product by' sh -c 'assay bench --impl blas --workload g.lstm-one --budget 30 2>&1 || test $? = 1'
expect 0 '0 beyond their bounds' assay truth --golden
expect 0 'check --impl ./fresh.so' assay new fresh --ops ctc
expect 0 '' test -s fresh.c
expect 0 '' test -s /usr/share/man/man1/assay.1.gz
inside apt-get install -y -qq --no-install-recommends gcc libc6-dev >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; exit 1; }
command=$(inside sh -c 'rm fresh.c && assay new fresh --ops ctc' | sed -n '2s/^ *//p')
expect 0 '' sh -c "$command"
expect 1 'UNSUPPORTED' assay check --impl ./fresh.so --quick
awk '/^```c file mine\.c$/ {on = 1; next} /^```$/ {on = 0} on' docs/adding-an-implementation.md >"$root/srv/trial/mine.c"
expect 0 '' sh -c "${command//fresh/mine}"
expect 0 ' 0 committed cases ILL_POSED' assay check --impl ./mine.so --op ctc --quick

echo "== removed"
expect 0 '' apt-get remove -y -qq assay
left=$(find "$root/usr" -xdev -path '*assay*' ! -name '*.pyc' ! -name __pycache__ | head -3)
[[ -z $left ]] || fail "what the package leaves behind: $left"

((failures == 0)) || { echo "deb: $failures failures"; exit 1; }
echo "deb: the package works on a bare $VERSION_CODENAME"
