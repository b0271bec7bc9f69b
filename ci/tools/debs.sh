# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Sets of Debian packages, fetched and unpacked for the machines under test: for ci/setup and ci/tools/provide_set.sh,
# which source this with `top`, `say` and `die` defined.
#
# ci/packages.lock says which file of the pool each is, by SHA-256. When the pool has one of a set no longer (a new point
# release took its place), the whole set comes from what the suite has now, verified by Debian's signature in an apt world
# of our own, and a line says so. The mirror is always the one in this machine's apt sources.
cache=${TRIVET_CACHE:-$HOME/.cache/trivet}
suite=trixie
world=$cache/apt

# find_mirror: `mirror` is the machine's first Debian mirror, whatever form its apt sources have.
mirror=
find_mirror() {
	local found
	[ -z "$mirror" ] || return 0
	found=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p' | awk '{print $1}' | grep -m1 '/debian/*$' || true)
	if [ -z "$found" ]; then
		found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null \
			| sed -n 's/^deb *\(\[[^]]*\]\)\? *\([^ ]*\) .*/\2/p' | grep -m1 '/debian/*$' || true)
	fi
	[ -n "$found" ] || die "no Debian mirror in this machine's apt sources"
	mirror=${found%/}
}

# ---- what the suite has now -----------------------------------------------------------------------
apt_world() { # apt_world DEBARCH PROGRAM WORDS...: apt-get or apt-cache in the private world
	local arch=$1 program=$2
	shift 2
	"$program" -oDir::Etc::sourcelist=/dev/null -oDir::Etc::sourceparts="$world/etc" \
		-oDir::State::lists="$world/$arch/lists" -oDir::Cache="$world/$arch/cache" \
		-oDir::State::status=/dev/null -oAPT::Architecture="$arch" -oAPT::Architectures="$arch" \
		-oAPT::Sandbox::User=root -oAcquire::Languages=none -oDebug::NoLocking=1 "$@"
}

# apt_ready DEBARCH: the suite's signed lists are there, as new as this run.
this_run=$$.$(date +%s)
apt_ready() {
	[ "$(cat "$world/$1/ready" 2> /dev/null)" != "$this_run" ] || return 0
	mkdir -p "$world/etc" "$world/$1/lists/partial" "$world/$1/cache/archives/partial"
	cat > "$world/etc/debian.sources" <<-STANZA
	Types: deb
	URIs: $mirror
	Suites: $suite
	Components: main
	Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
	STANZA
	say "reading what Debian $suite has for $1"
	apt_world "$1" apt-get update -qq || die "no lists of Debian $suite for $1"
	echo "$this_run" > "$world/$1/ready"
}

# asked SET DEBARCH: the packages that a set is for.
asked() {
	case $1 in
	user) echo busybox-static musl-dev ;;
	debian) echo bash coreutils ;;
	net) echo bash coreutils python3 nginx redis-server curl wget iperf3 iputils-ping iproute2 libpython3.13-testsuite ;;
	# stress-ng with what its binary is linked against, and not with the graphics stack behind that.
	stress) echo base-files stress-ng libacl1 libapparmor1 libbsd0 libc6 libcrypt1 libdrm2 libegl1 libexpat1 libgbm1 libgcc-s1 \
		libgles2 libglvnd0 libgmp10 libjpeg62-turbo libjudydebian1 libkmod2 libmd0 libmpfr6 libsctp1 libssl3t64 libstdc++6 \
		libxxhash0 libzstd1 zlib1g
		[ "$2" != amd64 ] || echo libipsec-mb2 ;;
	# chrt, taskset, nice, cyclictest, hackbench, without the Python of rt-tests' scripts.
	sched) echo base-files libc6 coreutils util-linux rt-tests libnuma1 ;;
	# gdb is the one without Python and what it drags along.
	debug) echo strace gdb-minimal gdbserver ;;
	# Without stress-ng and sysbench, which link to 80 MB of graphics and database libraries.
	bench) echo base-files libc6 libgcc-s1 sqlite3 libsqlite3-0 libreadline8t64 libtinfo6 zlib1g openssl libssl3t64 libzstd1 \
		rt-tests libnuma1 iperf3 libiperf0 libsctp1 ;;
	# A disk that boots with Debian's own init.
	systemd) echo bash coreutils dash systemd-sysv udev dbus libpam-systemd login passwd mount util-linux iproute2 procps kmod \
		iputils-ping systemd-timesyncd sed grep findutils base-passwd hostname libc-bin ;;
	opensbi) echo opensbi ;;
	linux) ;; # current_names finds the image
	*) die "no set $1" ;;
	esac
}

# current_names SET DEBARCH: the same with all they depend on, where a set is to have that.
current_names() {
	local flavour=cloud-$2
	case $1 in
	debian|net|debug|systemd)
		# shellcheck disable=SC2046
		apt_world "$2" apt-get -qq -y --no-install-recommends --print-uris install $(asked "$1" "$2") base-files \
			| awk '{print $2}' | sed 's/_.*//' ;;
	linux)
		[ "$2" != riscv64 ] || flavour=riscv64
		apt_world "$2" apt-cache depends "linux-image-$flavour" | sed -n 's/.*Depends: \(linux-image\)/\1/p' | head -1 ;;
	*) asked "$1" "$2" ;;
	esac
}

# current SET DEBARCH: what the suite has now, as packages.py writes lists. base-files comes first: its /bin and /lib
# links must exist before anything is unpacked through them.
current() {
	local names
	find_mirror
	apt_ready "$2" >&2
	names=$(current_names "$1" "$2")
	[ -n "$names" ] || die "nothing for the set $1 in $suite for $2"
	# shellcheck disable=SC2086
	apt_world "$2" apt-get -qq --print-uris download $names | tr -d "'" | sed "s|^$mirror/||; s/%2b/+/g; s/%7e/~/g" \
		| awk '{sub("SHA256:", "", $4); print ($2 ~ /^base-files_/ ? 0 : 1), $2, $4, $1}' | sort -s -k1,1 | cut -d' ' -f2-
}

# ---- fetching and unpacking -----------------------------------------------------------------------
# bring SET DEBARCH IS_THERE WORDS...: `list` and `debs` (the caller's) are the set's lines and files. 1: the function
# IS_THERE, called with WORDS, says that what is made of that list is there already.
bring() {
	local set=$1 arch=$2 name paths status=0
	shift 2
	find_mirror
	list=$("$top/ci/tools/packages.py" list "$set" "$arch") || die "ci/packages.lock cannot be read"
	if [ -n "$list" ]; then
		for name in $(asked "$set" "$arch"); do
			[[ $'\n'$list == *$'\n'"${name}_"* ]] || die "ci/packages.lock lacks $name for $arch: run ci/setup --lock"
		done
	else
		say "the set $set for $arch is not in ci/packages.lock"
		list=$(current "$set" "$arch") || die "$suite does not have the set $set for $arch"
	fi
	! "$@" || return 1
	say "fetching $(wc -l <<< "$list") packages: $set for $arch"
	paths=$("$top/ci/tools/packages.py" fetch "$mirror" "$world/debs" <<< "$list") || status=$?
	if [ $status = 3 ]; then
		say "the set $set for $arch is not as ci/packages.lock has it: taken from what $suite has now, verified by signature"
		list=$(current "$set" "$arch") || die "$suite does not have the set $set for $arch"
		! "$@" || return 1
		paths=$("$top/ci/tools/packages.py" fetch "$mirror" "$world/debs" <<< "$list") || die "not all packages came"
	elif [ $status != 0 ]; then
		die "not all packages came"
	fi
	mapfile -t debs <<< "$paths"
}

# exchange A B: the two change names in one step, so whoever looks sees one or the other (renameat2, RENAME_EXCHANGE).
exchange() {
	python3 -c 'import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, os.fsencode(sys.argv[1]), -100, os.fsencode(sys.argv[2]), 2):
    sys.exit(f"{sys.argv[2]}: {os.strerror(ctypes.get_errno())}")' "$1" "$2"
}

# key_of HOOK: of what a folder is made: `list`'s versions and hashes, and HOOK.
key_of() {
	{ LC_ALL=C sort -s -t/ -k4,4 <<< "$list" | awk '{print $1, "SHA256:" $2}'; [ "$1" = : ] || declare -f "$1"; } | sha256sum | cut -d' ' -f1
}

is_provided() { # is_provided DIR HOOK
	[ -d "$1" ] && [ "$(cat "$1.key" 2> /dev/null)" = "$(key_of "$2")" ]
}

# provide SET DIR DEBARCH HOOK: DIR holds that set unpacked, after HOOK has worked on it (`:` none). DIR.key says of what
# it was made; while that is the same nothing is fetched. Other clones may be reading DIR: it is replaced in one step, and
# what it was stays as DIR.old until the next time.
provide() {
	local dir=$2 arch=$3 hook=$4 list debs deb
	bring "$1" "$arch" is_provided "$dir" "$hook" || return 0
	rm -rf "$dir.part" "$dir.old"
	mkdir -p "$dir.part" "$dir"
	for deb in "${debs[@]}"; do dpkg -x "$deb" "$dir.part"; done
	"$hook" "$dir.part"
	mkdir -p "$dir.part/usr/share"
	printf '%s\n' "${debs[@]##*/}" > "$dir.part/usr/share/packages"
	rm -f "$dir.key"
	exchange "$dir.part" "$dir"
	mv "$dir.part" "$dir.old"
	key_of "$hook" > "$dir.key"
}
