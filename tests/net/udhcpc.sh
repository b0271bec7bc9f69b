#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What udhcpc calls with a lease: address, route and name server by busybox's ip.
case $1 in
bound | renew)
	ip addr add "$ip/${mask:-24}" dev "$interface"
	[ -z "$router" ] || ip route add default via "${router%% *}"
	for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
	;;
deconfig)
	ip link set "$interface" up
	;;
esac
