#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A set of ci/packages.lock that ci/setup leaves out, since few runs need it: ci/tools/provide_set.sh SET ARCH
# Unpacked once to $TRIVET_CACHE/SET/ARCH. Sets: bench (ci/bench --packages), systemd (ci/test systemd).
set -euo pipefail
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
say() { echo "$set: $*" >&2; }
die() { echo "$set: $*" >&2; exit 1; }
# shellcheck source=ci/tools/debs.sh
. "$top/ci/tools/debs.sh"
set=$1 arch=$2
case $arch in x86_64) debarch=amd64 ;; aarch64) debarch=arm64 ;; *) debarch=$arch ;; esac

without_shares() {
	rm -rf "$1"/usr/share "$1"/usr/include
}
hook=:
[ "$set" != bench ] || hook=without_shares

mkdir -p "$cache/$set"
exec 8> "$cache/.lock"
flock 8
provide "$set" "$cache/$set/$arch" "$debarch" $hook
rm -rf "$world/debs"
