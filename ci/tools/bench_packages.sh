#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian packages that ci/bench --packages runs (the set `bench` of ci/packages.lock): unpacked once to
# $TRIVET_CACHE/bench/ARCH: ci/tools/bench_packages.sh ARCH
set -euo pipefail
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
say() { echo "bench: $*" >&2; }
die() { echo "bench: $*" >&2; exit 1; }
# shellcheck source=ci/tools/debs.sh
. "$top/ci/tools/debs.sh"
arch=$1
case $arch in x86_64) debarch=amd64 ;; aarch64) debarch=arm64 ;; *) debarch=$arch ;; esac

without_papers() {
	rm -rf "$1"/usr/share "$1"/usr/include
}

mkdir -p "$cache/bench"
exec 8> "$cache/.lock"
flock 8
provide bench "$cache/bench/$arch" "$debarch" without_papers
