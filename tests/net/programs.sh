#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Debian's network programs, unmodified, in a guest with a virtio-net card on QEMU's user network. Prints `ok NAME`
# or `not ok NAME why` for each check. Runs on Linux first; nothing here knows which kernel it is on.
# Arguments: the checks wanted (functions below without their check_).
export PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C HOME=/root
mkdir -p /tmp/w /run /var/log /var/lib/redis
cd /tmp/w || exit 1

check() { # check NAME COMMAND...: the command's status is the verdict
	local name=$1
	shift
	if ("$@") > /tmp/w/out 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name status $?: $(tail -n 8 /tmp/w/out | tr '\n' '|')"
	fi
}

wait_port() { # until somebody listens there
	for _ in $(seq 300); do
		if (exec 3<> "/dev/tcp/$1/$2") 2> /dev/null; then return 0; fi
		sleep 0.1
	done
	echo "nobody listens on $1 $2"
	return 1
}

set_up() {
	ip link set lo up
	ip link set eth0 up
	busybox udhcpc -i eth0 -n -q -t 10 -s /tests/udhcpc.sh > /tmp/w/dhcp 2>&1
}

# ---- iproute2 and busybox -------------------------------------------------------------------------
dhcp_lease() { grep -q 'lease of 10.0.2.15 obtained' /tmp/w/dhcp && ip -4 addr show dev eth0 | grep -q 'inet 10.0.2.15/24'; }
default_route() { ip route | grep -q '^default via 10.0.2.2 dev eth0' && ip route get 10.0.2.2 | grep -q 'dev eth0 src 10.0.2.15'; }
link_shown() { ip -s link show eth0 | grep -q 'link/ether 52:54:00:12:34:56' && ip -o link | grep -q '^1: lo:.*LOOPBACK'; }
address_v6() {
	ip -6 addr add fd00:1::7/64 dev eth0 nodad && ip -6 addr show dev eth0 | grep -q 'inet6 fd00:1::7/64 scope global' &&
		ip -6 route | grep -q '^fd00:1::/64 dev eth0' && ip -6 addr del fd00:1::7/64 dev eth0 &&
		! ip -6 addr show dev eth0 | grep -q fd00:1::7
}
routes_by_hand() {
	ip route add 198.51.100.0/24 via 10.0.2.2 && ip route | grep -q '^198.51.100.0/24 via 10.0.2.2 dev eth0' &&
		! ip route add 198.51.100.0/24 via 10.0.2.2 && ip route del 198.51.100.0/24 && ! ip route | grep -q ^198.51.100
}
neighbours() {
	ping -c 1 -W 5 10.0.2.2 && ip neigh | grep -q '^10.0.2.2 dev eth0 lladdr 52:55:0a:00:02:02' &&
		ip neigh add 10.0.2.99 lladdr 02:00:00:00:00:63 dev eth0 && ip neigh | grep -q '^10.0.2.99 .*PERMANENT' &&
		ip neigh del 10.0.2.99 dev eth0 && ! ip neigh show 10.0.2.99 | grep -q PERMANENT
}
link_changes() {
	ip link set eth0 mtu 1400 && ip link show eth0 | grep -q 'mtu 1400' && ip link set eth0 mtu 1500 &&
		! ip link set eth0 mtu 20 && ! ip link set nosuch up
}
busybox_tools() {
	busybox ifconfig eth0 | grep -q 'inet addr:10.0.2.15' && busybox route -n | grep -q '^0.0.0.0 *10.0.2.2' &&
		busybox arp -n | grep -q 10.0.2.2 && busybox netstat -tln | grep -q 'Active' && busybox ip link | grep -q eth0
}
sockets_shown() {
	busybox nc -l -p 4321 & local p=$!
	wait_for_listener 4321 && ss -tln | grep -q ':4321' && grep -q ':10E1 .* 0A ' /proc/net/tcp /proc/net/tcp6
	local rc=$?
	kill $p
	return $rc
}
wait_for_listener() {
	for _ in $(seq 100); do
		grep -qi ":$(printf %04X "$1") .* 0A " /proc/net/tcp /proc/net/tcp6 && return 0
		sleep 0.1
	done
	return 1
}
statistics() {
	local before after
	before=$(cat /sys/class/net/lo/statistics/tx_packets)
	ping -c 3 -i 0.2 127.0.0.1 && after=$(cat /sys/class/net/lo/statistics/tx_packets) && [ $((after - before)) -ge 6 ] &&
		[ "$(cat /sys/class/net/eth0/operstate)" = up ] && grep -q '^Tcp: .*RetransSegs' /proc/net/snmp && grep -q 'eth0:' /proc/net/dev
}
check_tools() {
	for t in dhcp_lease default_route link_shown address_v6 routes_by_hand neighbours link_changes busybox_tools sockets_shown statistics; do
		check "tools-$t" $t
	done
}

# ---- ping -----------------------------------------------------------------------------------------
check_ping() {
	check ping-loopback ping -c 3 -i 0.2 127.0.0.1
	check ping-loopback6 ping -c 3 -i 0.2 ::1
	check ping-large ping -c 2 -i 0.2 -s 20000 127.0.0.1
	check ping-gateway ping -c 3 -i 0.2 -W 5 10.0.2.2
	check ping-fragments ping -c 2 -i 0.2 -W 5 -s 4000 10.0.2.2
	check ping-user su_ping
	if ping -c 1 -W 1 10.0.2.77 > out 2>&1; then echo "not ok ping-nobody answered"; else echo "ok ping-nobody"; fi
}
su_ping() { # without a right and a group of net.ipv4.ping_group_range there is no socket; with one there is an answer
	busybox su -s /bin/sh nobody -c 'ping -c 1 127.0.0.1' 2>&1 | tee /dev/stderr | grep -q -e '1 received' -e 'not permitted' -e 'missing cap_net_raw'
}

resolve() { # resolve NAME FAMILY: by the C library
	python3 - "$@" <<-'PY'
		import socket, sys
		try:
		    rows = socket.getaddrinfo(sys.argv[1], None, getattr(socket, sys.argv[2]), socket.SOCK_STREAM)
		    print(*(r[4][0] for r in rows))
		except OSError as e:
		    print(e)
	PY
}

# ---- names ----------------------------------------------------------------------------------------
check_names() { # the suite's name server answers at the gateway's port 53
	echo "nameserver 10.0.2.2" > /etc/resolv.conf
	check names-v4 eval '[ "$(resolve one.test AF_INET)" = 192.0.2.1 ]'
	check names-v6 eval '[ "$(resolve one.test AF_INET6)" = 2001:db8::1 ]'
	check names-none eval '[ "$(resolve none.test AF_UNSPEC)" = "[Errno -2] Name or service not known" ]'
	check names-busybox eval 'busybox nslookup one.test 10.0.2.2 | grep -q 192.0.2.1'
	check names-large eval '[ $(resolve many.test AF_INET | wc -w) = 70 ]'	# truncated: by TCP
}

# ---- nginx with curl and wget ---------------------------------------------------------------------
fetch_same() { # fetch_same URL FILE
	[ "$(curl -sS --max-time 300 "$1" | sha256sum)" = "$(sha256sum < "$2")" ]
}
many_at_once() {
	for i in $(seq 20); do curl -sS --max-time 300 -o "many.$i" http://127.0.0.1:8080/small & done
	wait
	for i in $(seq 20); do cmp "many.$i" www/small || return 1; done
}
check_web() {
	mkdir -p www logs
	head -c 1000 /dev/urandom > www/small
	head -c 5000000 /dev/urandom > www/large
	cat > nginx.conf <<-CONF
		user root; worker_processes 2; pid /tmp/w/nginx.pid; error_log /tmp/w/logs/error.log info;
		events { worker_connections 256; }
		http {
			access_log off; sendfile on; tcp_nopush on; keepalive_timeout 20;
			server { listen 8080; listen [::]:8080; root /tmp/w/www;
				location /up { client_max_body_size 20m; client_body_buffer_size 20m; proxy_pass http://127.0.0.1:8081; } }
			server { listen 8081; location / { client_max_body_size 20m; return 200 "\$request_length\n"; } }
		}
	CONF
	nginx -c /tmp/w/nginx.conf -p /tmp/w
	check web-listens wait_port 127.0.0.1 8080
	check web-small fetch_same http://127.0.0.1:8080/small www/small
	check web-large fetch_same http://127.0.0.1:8080/large www/large
	check web-v6 fetch_same 'http://[::1]:8080/large' www/large
	check web-range eval '[ "$(curl -sS -r 1000-1999 http://127.0.0.1:8080/large | sha256sum)" = "$(tail -c +1001 www/large | head -c 1000 | sha256sum)" ]'
	check web-keepalive eval 'curl -sS -v -o a http://127.0.0.1:8080/small -o b http://127.0.0.1:8080/large 2>&1 | grep -qi "re-us" && cmp a www/small && cmp b www/large'
	check web-many many_at_once
	check web-missing eval '[ "$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8080/none)" = 404 ]'
	check web-wget eval 'wget -q -O w http://127.0.0.1:8080/large && cmp w www/large'
	check web-reload eval 'nginx -c /tmp/w/nginx.conf -p /tmp/w -s reload && sleep 1 && fetch_same http://127.0.0.1:8080/small www/small'
	# From and to outside, over the card: more than a window without scaling, which is what QEMU's user network has.
	check web-download eval 'curl -sS --max-time 100 -o d http://10.0.2.2:8090/8192000 && [ $(stat -c %s d) = 8192000 ] && [ "$(sha256sum < d | cut -c1-64)" = "$(curl -sS --max-time 100 -T d http://10.0.2.2:8090/)" ]'
	# Nobody has a way there: the gateway says so (ICMP), and the attempt ends at once.
	check web-unreachable eval 'timeout 20 curl -s http://203.0.113.5/; [ $? = 7 ]'
	check web-refused eval 'curl -s http://127.0.0.1:8099/; [ $? = 7 ]'
	check web-stop eval 'nginx -c /tmp/w/nginx.conf -p /tmp/w -s quit; for i in $(seq 100); do [ -e nginx.pid ] || exit 0; sleep 0.1; done; exit 1'
	[ ! -s logs/error.log ] || ! grep -E '\[(emerg|alert|crit|error)\]' logs/error.log | grep -v '/none' | head -3 | sed 's/^/not ok web-log /'
}

# ---- redis ----------------------------------------------------------------------------------------
check_redis() {
	redis-server --port 6379 --bind 127.0.0.1 ::1 --save '' --daemonize no --dir /tmp/w > redis.log 2>&1 &
	local server=$!
	check redis-listens wait_port 127.0.0.1 6379
	check redis-ping eval '[ "$(redis-cli ping)" = PONG ] && [ "$(redis-cli -h ::1 ping)" = PONG ]'
	check redis-values eval 'for i in $(seq 20); do redis-cli set k$i v$i; done; [ "$(redis-cli get k7)" = v7 ] && [ "$(redis-cli dbsize)" = 20 ]'
	check redis-large eval 'head -c 2000000 /dev/urandom | base64 -w0 > big && redis-cli -x set big < big > /dev/null && [ "$(redis-cli --raw get big | head -c $(stat -c %s big) | sha256sum)" = "$(sha256sum < big)" ]'
	check redis-benchmark eval 'redis-benchmark -q -n 1000 -c 20 -t ping,set,get,lpush | tr "\r" "\n" | grep -c "requests per second" | grep -q "[4-9]"'
	check redis-pubsub eval '(timeout 20 redis-cli subscribe c | grep -m1 -q hello && echo got > sub) & sleep 2; redis-cli publish c hello; for i in $(seq 100); do [ -s sub ] && exit 0; sleep 0.1; done; exit 1'
	check redis-save eval 'redis-cli bgsave && sleep 3 && [ -s dump.rdb ]'
	check redis-stop eval 'redis-cli shutdown nosave; for i in $(seq 100); do kill -0 '$server' || exit 0; sleep 0.1; done; exit 1'
}

# ---- iperf3 ---------------------------------------------------------------------------------------
iperf_pair() { # iperf_pair ARGUMENTS...
	local p rc
	iperf3 -s -1 -p 5201 > server.log 2>&1 &
	p=$!
	wait_for_listener 5201 || return 1
	timeout 120 iperf3 -p 5201 -t 1 "$@" > client.log 2>&1
	rc=$?
	cat client.log
	wait $p
	[ $rc = 0 ] && grep -q 'iperf Done' client.log
}
check_iperf() {
	check iperf-tcp iperf_pair -c 127.0.0.1
	check iperf-reverse iperf_pair -c 127.0.0.1 -R
	check iperf-v6 iperf_pair -c ::1
	check iperf-parallel iperf_pair -c 127.0.0.1 -P 4
	check iperf-both iperf_pair -c 127.0.0.1 --bidir
	check iperf-udp iperf_pair -c 127.0.0.1 -u -b 20M
	check iperf-zerocopy iperf_pair -c 127.0.0.1 -Z
}

# ---- Python's own tests ----------------------------------------------------------------------------
check_python() {
	for module in "${PYTHON_TESTS[@]}"; do
		python3 -u -m unittest -v "test.$module" > python.log 2>&1
		# `name (test.module.Class.name) ... ok` for each; a docstring may come between.
		python3 - "$module" <<-'PY'
			import re, sys
			text = open("python.log", errors="replace").read()
			ran = re.search(r"^Ran (\d+) tests", text, re.M)
			bad = re.findall(r"^(?:FAIL|ERROR): .*\(test\.\w+\.([\w.]+)\)", text, re.M)
			for name in sorted(set(bad)):
			    print(f"not ok python-{name}")
			if not ran:
			    print(f"not ok python-{sys.argv[1]} did not end:", text[-600:].replace("\n", "|"))
			else:
			    print(f"ok python-{sys.argv[1]}-ran")
			for part in re.split(r"^={60,}$", text, flags=re.M)[1:]:
			    print("#", part.strip()[:1500].replace("\n", "\n# "))
		PY
	done
}

set_up
PYTHON_TESTS=(test_selectors test_epoll test_socket)
for what in "$@"; do
	"check_$what"
done
echo "ok all-reached"
