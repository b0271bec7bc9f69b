#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian packages that ci/bench --packages runs: unpacked once to $TRIVET_CACHE/bench/ARCH, in the apt world that ci/setup
# made (Debian's signatures are checked there): ci/tools/bench_packages.sh ARCH
# stress-ng and sysbench are not among them: they link to 80 MB of graphics and database libraries.
set -euo pipefail
arch=$1
case $arch in x86_64) debarch=amd64 ;; aarch64) debarch=arm64 ;; *) debarch=$arch ;; esac
cache=${TRIVET_CACHE:-$HOME/.cache/trivet}
world=$cache/apt
out=$cache/bench/$arch
packages="base-files libc6 libgcc-s1 sqlite3 libsqlite3-0 libreadline8t64 libtinfo6 zlib1g openssl libssl3t64 libzstd1 rt-tests libnuma1
	iperf3 libiperf0 libsctp1"
stamp=$out/.stamp.$(sha256sum < "$0" | cut -c1-12)
[ ! -e "$stamp" ] || exit 0
exec 8> "$cache/.lock"
flock 8
[ ! -e "$stamp" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086
(cd "$work" && apt-get -oDir::Etc::sourcelist=/dev/null -oDir::Etc::sourceparts="$world/etc" \
	-oDir::State::lists="$world/$debarch/lists" -oDir::Cache="$world/$debarch/cache" -oDir::State::status=/dev/null \
	-oAPT::Architecture="$debarch" -oAPT::Architectures="$debarch" -oAPT::Sandbox::User=root -oDebug::NoLocking=1 -qq \
	download $packages) >&2
rm -rf "$out.part"
mkdir -p "$out.part"
dpkg -x "$work"/base-files_*.deb "$out.part"
for deb in "$work"/*.deb; do dpkg -x "$deb" "$out.part"; done
rm -rf "$out.part"/usr/share "$out.part"/usr/include
rm -rf "$out"
mv "$out.part" "$out"
: > "$stamp"
