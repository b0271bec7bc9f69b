# SPDX-License-Identifier: BSD-2-Clause
"""Networks: Debian's programs on QEMU's user network, two guests on one wire, captures read for malformed frames.

Guests and what serves them live in a network namespace of their own, made for the case; nothing leaves the machine.
"""
import contextlib
import ctypes
import fcntl
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import debian_programs
import image
import pcap_check
import qemu
import userland
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "net", "full", 65
HELP = "Debian's network programs, two guests on a wire, captured frames (the programs on Linux first)"

folder = top / "tests/net"
CLONE_NEWNET = 0x40000000
# What of tests/net/programs.sh runs together, and its time limit.
PROGRAMS = {"tools ping names": 400, "web": 600, "redis iperf": 600, "python": 1500}
MAC = "52:54:00:12:34:56"


# ---- a network namespace for a case ---------------------------------------------------------------
def in_namespace(work):
    """Runs WORK in a thread that has a network namespace of its own with loopback up; its result."""
    box = {}

    def body():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
                raise Missing("no network namespace without being root")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1 | 0x40))  # SIOCSIFFLAGS: up, running
            box["result"] = work()
        except BaseException as e:  # carried to the caller
            box["error"] = e

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["result"]


NAMES = {(b"one.test", 1): [socket.inet_aton("192.0.2.1")],
         (b"one.test", 28): [socket.inet_pton(socket.AF_INET6, "2001:db8::1")],
         (b"many.test", 1): [socket.inet_aton(f"198.51.100.{i}") for i in range(1, 71)]}


def dns_answer(query, limit):
    """The answer to one question by NAMES; truncated (TC) when it is longer than LIMIT."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    question = query[12:at + 5]
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    name = b".".join(labels).lower()
    records = NAMES.get((name, kind), [])
    known = any(n == name for n, _ in NAMES)
    body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(r)) + r for r in records)
    flags = 0x8180 | (0 if known else 3)
    if 12 + len(question) + len(body) > limit:
        return query[:2] + struct.pack("!HHHHH", flags | 0x200, 1, 0, 0, 0) + question
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + body


class NameServer:
    """On 127.0.0.1 port 53 of the namespace it is made in; guests reach it as 10.0.2.2."""

    def __enter__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for s in (self.udp, self.tcp):
            s.bind(("127.0.0.1", 53))
        self.tcp.listen(8)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()
        return self

    def __exit__(self, *_):
        for s in (self.udp, self.tcp):
            s.shutdown(socket.SHUT_RDWR) if s is self.tcp else None
            s.close()

    def serve_udp(self):
        try:
            while True:
                query, peer = self.udp.recvfrom(4096)
                self.udp.sendto(dns_answer(query, 512), peer)
        except OSError:
            pass

    def serve_tcp(self):
        try:
            while True:
                s, _ = self.tcp.accept()
                with s:
                    size = struct.unpack("!H", s.recv(2))[0]
                    answer = dns_answer(s.recv(size), 65535)
                    s.sendall(struct.pack("!H", len(answer)) + answer)
        except OSError:
            pass


class OutsideServer(http.server.BaseHTTPRequestHandler):
    """GET /N: N bytes of a pattern. PUT: the SHA-256 of what came. Guests reach it as 10.0.2.2 port 8090."""

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def pattern(size):
        return bytes(i * i >> 4 & 255 for i in range(4099)) * (size // 4099) + bytes(size % 4099)

    def do_GET(self):
        self.answer(self.pattern(int(self.path[1:])))

    def do_PUT(self):
        if self.headers.get("Expect"):
            self.send_response_only(100)
            self.end_headers()
        self.answer(hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest().encode())

    def log_message(self, *_):
        pass


class DualStackServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6  # "::" takes IPv4, too


@contextlib.contextmanager
def outside_server():
    server = DualStackServer(("::", 8090), OutsideServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


# ---- the disk -------------------------------------------------------------------------------------
def disk(arch):
    return debian_programs.disk(
        arch, "net", __file__, folders=("var/log/nginx", "var/lib/nginx"), busybox="usr/local/bin", links=[("usr/bin/sh", "bash")],
        applets="mount umount poweroff nc vi awk grep sed find ps cmp kill setsid".split(),
        files={"etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n",
               "etc/group": "root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\ntty:x:5:\n", "etc/hostname": "trivet\n",
               "etc/hosts": "127.0.0.1 localhost trivet\n::1 localhost\n", "etc/nsswitch.conf": "hosts: files dns\n"})


# ---- Debian's programs ----------------------------------------------------------------------------
def program_files():
    tree = image.Tree()
    for name in ("programs.sh", "udhcpc.sh"):
        tree.file(f"/tests/{name}", (folder / name).read_bytes(), 0o755)
    return tree


def run_programs(arch, what, linux, smp=2, capture=None):
    m = qemu.Machine(arch, smp=smp, mem="512M", kernel="linux" if linux else "", disks=[str(disk(arch))], net=True)
    qemu.linux_words(m)
    if capture:
        m.extra = ["-object", f"filter-dump,id=dump,netdev=net0,file={capture},maxlen=65536"]

    def work():
        with NameServer(), outside_server():
            return qemu.run(m, f"exec bash /tests/programs.sh {what}", timeout=PROGRAMS[what], files=program_files())
    return in_namespace(work)


def split_verdicts(output):
    good, bad = [], []
    for line in output.decode(errors="replace").splitlines():
        if line.startswith("ok "):
            good.append(line[3:])
        elif line.startswith("not ok "):
            bad.append(line[7:])
    return good, bad


# What tshark looks into: with all its dissectors it takes random bytes on some port for a broken packet of some protocol.
LAYERS = set("frame eth ethertype arp ip ipv6 ipv6.hopopts ipv6.fraghdr icmp icmpv6 igmp tcp udp dhcp dns data".split())


@functools.cache
def other_dissectors():
    rows = subprocess.run(["tshark", "-G", "protocols"], capture_output=True, text=True, check=True).stdout.splitlines()
    names = [row.split("\t")[2] for row in rows]
    return [word for n in names if n not in LAYERS and not n.startswith("_ws") for word in ("--disable-protocol", n)]


def tshark(path, mac):
    """What Wireshark's dissectors find malformed or wrong (checksums, lengths, options) in the frames that MAC sent."""
    if not shutil.which("tshark"):
        raise Missing("no tshark: run ci/setup")
    words = ["tshark", "-n", "-r", path, *other_dissectors()]
    for name in ("ip", "tcp", "udp"):
        words += ["-o", f"{name}.check_checksum:TRUE"]
    wrong_option = ' || '.join(f'_ws.expert.message contains "{text}"' for text in ("goes past end", "too-short option", "length should be"))
    words += ["-Y", f"eth.src == {mac} && (_ws.malformed || _ws.short || _ws.expert.severity == error || {wrong_option})",
              "-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info", "-e", "_ws.expert.message"]
    run = subprocess.run(words, capture_output=True, text=True)
    if run.returncode:
        raise Failed(f"tshark: {run.stderr[-1000:]}")
    return [f"frame {line}" for line in run.stdout.splitlines()]


def check_capture(path, mac=MAC):
    """By our reader and by tshark."""
    count, seen, bad = pcap_check.check_file(path, mac)
    bad += tshark(path, mac)
    if bad or not count:
        raise Failed(f"{len(bad)} complaints about {count} frames of {mac}:\n" + "\n".join(bad[:10]))
    return f"{count} frames of ours, none malformed (tshark too): " + ", ".join(f"{n} {k}" for k, n in sorted(seen.items()))


def tshark_finds():
    """A good frame passes, and each of some bad ones is found, by tshark and by our reader."""
    def frame(segment_change=None, total=None, options=b""):
        tcp = bytearray(struct.pack("!HHIIBBHHH", 40000, 7000, 1, 1, (20 + len(options)) // 4 << 4, 0x18, 1000, 0, 0) + options + b"hello")
        if segment_change:
            segment_change(tcp)
        addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
        if not tcp[16]:
            tcp[16:18] = struct.pack("!H", pcap_check.checksum(addresses + struct.pack("!HH", 6, len(tcp)) + bytes(tcp)))
        ip = bytearray(struct.pack("!BBHHHBBH", 0x45, 0, total or 20 + len(tcp), 1, 0, 64, 6, 0) + addresses)
        ip[10:12] = struct.pack("!H", pcap_check.checksum(bytes(ip)))
        return (bytes.fromhex("525400000002" + MAC.replace(":", "") + "0800") + bytes(ip) + bytes(tcp)).ljust(60, b"\0")

    def short_header(t):
        t[12] = 0x40

    def bad_sum(t):
        t[16:18] = b"\x12\x34"
    bad = {"TCP header of 16 bytes": frame(short_header), "TCP checksum": frame(bad_sum), "longer than the frame": frame(total=400),
           "option longer than the header": frame(options=b"\x08\x40\0\0")}
    with tempfile.TemporaryDirectory() as place:
        for name, data in [("", frame()), *bad.items()]:
            path = f"{place}/one.pcap"
            pathlib.Path(path).write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) +
                                           struct.pack("<IIII", 0, 0, len(data), len(data)) + data)
            found = bool(tshark(path, MAC)), bool(pcap_check.check_file(path, MAC)[2])
            if found != (bool(name), bool(name)):
                raise Failed(f"{name or 'a good frame'}: tshark {found[0]}, pcap_check {found[1]}")
    return f"{len(bad)} bad frames found"


def programs(ctx, arch, what, linux=False):
    if not linux:
        ctx.kernel(arch)
    with tempfile.TemporaryDirectory() as work:
        capture = f"{work}/capture.pcap"
        result = run_programs(arch, what, linux, capture=capture)
        good, bad = split_verdicts(result.output)
        if "all-reached" not in good:
            bad.append(f"did not end: {result.reason} {qemu.fail_log(result, 30)}")
        note = f"{len(good)} checks"
        if not bad:
            note += "; " + check_capture(capture)
    return len(good), len(bad), "\n".join(bad) or note


# ---- two guests -----------------------------------------------------------------------------------
def own_program(arch, name="peer"):
    source, output = folder / f"{name}.c", top / "build" / arch / "net" / name
    if not output.exists() or output.stat().st_mtime < source.stat().st_mtime:
        error = userland.musl_program(arch, [source], output)
        if error:
            raise Failed(f"{name}.c does not compile:\n{error[-3000:]}")
    return output


GUEST = """ip link set lo up; ip link set eth0 up; ip addr add 10.77.0.{me}/24 dev eth0; ip -6 addr add fd77::{me}/64 dev eth0
{command}"""
# The server pings until the other guest is there, however long its boot takes; it is gone when all exchanges are over.
SERVER = """/tests/peer serve 7000 3 & server=$!
until ping -c 1 -W 1 10.77.0.2 > /dev/null; do kill -0 $server 2> /dev/null || break; done
ping -c 2 10.77.0.2 > /tmp/out 2>&1 && echo "ok server-ping" || { echo "not ok server-ping"; cat /tmp/out; }
wait $server || echo "not ok server"
"""
CLIENT = """tries=0; until ping -c 1 -W 1 10.77.0.1 > /dev/null; do tries=$((tries + 1)); [ $tries -lt 60 ] || break; done
ping -c 3 10.77.0.1 > /tmp/out 2>&1 && echo "ok ping" || {{ echo "not ok ping"; cat /tmp/out; }}
tries=0; until ping -6 -c 1 -W 1 fd77::1 > /dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 30 ] || break; done
ping -6 -c 3 fd77::1 > /tmp/out 2>&1 && echo "ok ping6" || {{ echo "not ok ping6"; cat /tmp/out; }}
ping -c 2 -s 5000 10.77.0.1 > /tmp/out 2>&1 && echo "ok ping-fragments" || {{ echo "not ok ping-fragments"; cat /tmp/out; }}
/tests/peer send 10.77.0.1 7000 {half}
/tests/peer send fd77::1 7000 {half}
/tests/peer send 10.77.0.1 7000 1
"""


def guest(arch, number, kernel, wire, command, capture):
    m = qemu.Machine(arch, smp=2, kernel=kernel, disks=[str(top / "build" / arch / "root.img")])
    qemu.linux_words(m)
    kind = "pci" if m.transport == "pci" else "device"
    m.extra = ["-netdev", f"socket,id=net0,{wire}", "-device", f"virtio-net-{kind},netdev=net0,mac=52:54:00:12:34:5{number}",
               "-object", f"filter-dump,id=dump,netdev=net0,file={capture},maxlen=65536"]
    tree = image.Tree()
    tree.file("/tests/peer", own_program(arch).read_bytes(), 0o755)
    return qemu.run(m, GUEST.format(me=number, command=command), timeout=900, files=tree)


def two_guests(ctx, arch, other_kernel, megabytes=50):
    """Server: Trivet. Client: Trivet or Linux. 2 × megabytes each way, by IPv4, then by IPv6, all bytes compared."""
    ctx.kernel(arch)
    own_program(arch)
    if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
        raise Missing("no image")

    def work():
        results = {}
        with tempfile.TemporaryDirectory() as place:
            def one(number, kernel, wire, command):
                results[number] = guest(arch, number, kernel, wire, command, f"{place}/{number}.pcap")
            wire = "127.0.0.1:7700"
            context = ctypes.CDLL(None)
            fd = open("/proc/thread-self/ns/net")  # the helper thread joins this namespace

            def server():
                context.setns(fd.fileno(), CLONE_NEWNET)
                one(1, "", f"listen={wire}", SERVER)
            thread = threading.Thread(target=server)
            thread.start()
            wait_for_port(7700)
            one(2, other_kernel, f"connect={wire}", CLIENT.format(half=megabytes))
            thread.join()
            fd.close()
            notes = []
            for number in (1, 2):
                if number == 2 and other_kernel:
                    continue
                notes.append(check_capture(f"{place}/{number}.pcap", f"52:54:00:12:34:5{number}").split(",")[0])
        return results, notes

    results, notes = in_namespace(work)
    good, bad = [], []
    for number in (1, 2):
        g, b = split_verdicts(results[number].output)
        good += g
        bad += b
        if results[number].reason:
            bad.append(f"guest {number}: {results[number].reason}\n{qemu.fail_log(results[number], 25)}")
    wanted = 1 + 3 + 3 + 3  # the server's ping and connections; the client's pings and exchanges
    if len(good) != wanted and not bad:
        bad.append(f"{len(good)} of {wanted} checks were reached: {good}")
    rates = [g for g in good if g.startswith("exchanged")]
    return len(good), len(bad), "\n".join(bad) or "; ".join(rates[:2] + [f"{', '.join(notes)}, none malformed"])


def wait_for_port(port):
    """Until somebody in this namespace listens on it (a connection of ours would be taken for the guest)."""
    import time
    for _ in range(600):
        rows = pathlib.Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
        if any(r.split()[1].endswith(f":{port:04X}") and r.split()[3] == "0A" for r in rows):
            return
        time.sleep(0.1)
    raise Failed("the first guest's QEMU does not listen")


# ---- offloads: a tap of the case's own namespace ----------------------------------------------------
TAP = """ip link set lo up; ip link set eth0 up; ip addr add 10.88.0.2/24 dev eth0; ip -6 addr add fd88::2/64 dev eth0 nodad
tries=0; until ping -c 1 -W 1 10.88.0.1 > /dev/null; do tries=$((tries + 1)); [ $tries -lt 20 ] || break; done
{command}"""
TAP_DATA = """busybox dmesg | grep -q 'eth0:.*checksums, segmentation' && echo "ok offloads" || echo "not ok offloads"
for host in 10.88.0.1 '[fd88::1]'; do
	curl -sS --max-time 200 -o /tmp/d "http://$host:8090/40960000"
	[ "$(sha256sum < /tmp/d | cut -c1-64)" = "{digest}" ] && echo "ok from $host" || echo "not ok from $host: $(stat -c %s /tmp/d)"
	[ "$(curl -sS --max-time 200 -T /tmp/d "http://$host:8090/")" = "{digest}" ] && echo "ok to $host" || echo "not ok to $host"
	rm /tmp/d
done
head -c 3000 /dev/urandom > /tmp/s
for i in 1 2 3 4 5; do curl -sS --max-time 60 -T /tmp/s "http://10.88.0.1:8090/" | grep -q "$(sha256sum < /tmp/s | cut -c1-64)" && echo "ok small $i" || echo "not ok small $i"; done
"""
# Twelve connections at once each way: with two pairs of queues all of them on one has a chance of one in thousands.
TAP_QUEUES = """for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	curl -sS --max-time 200 -o /tmp/d$i http://10.88.0.1:8090/2048000 & curl -sS --max-time 200 -o /tmp/e$i 'http://[fd88::1]:8090/2048000' &
done
wait
[ "$(cat /tmp/[de]* | wc -c)" = 49152000 ] && [ "$(sha256sum /tmp/[de]* | cut -c1-64 | sort -u)" = "{digest}" ] && echo "ok all arrived" || echo "not ok all arrived"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do curl -sS --max-time 200 -T /tmp/d$i http://10.88.0.1:8090/ > /tmp/s$i & done
wait
[ "$(cat /tmp/s* | fold -w 64 | sort -u)" = "{digest}" ] && echo "ok all left" || echo "not ok all left"
/tests/queues eth0 2 50
"""
USER = """ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
{command}"""
SPEED = "".join(f"""iperf3 -c $host -t 4 -f m {way} | awk '/receiver/ {{ for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") print "{name}", $i }}'
""" for name, way in (("out", ""), ("in", "-R")))


def tap_machine(arch, linux, build="", smp=2, queues=1):
    m = qemu.Machine(arch, smp=smp, mem="512M", kernel="linux" if linux else "", build=build, disks=[str(disk(arch))])
    if linux:
        m.build = str(top / "build" / arch)
    qemu.linux_words(m)
    kind = "pci" if m.transport == "pci" else "device"
    backend, card = ("", "") if queues == 1 else (f",queues={queues}", ",mq=on" + (f",vectors={2 * queues + 2}" if kind == "pci" else ""))
    m.extra = ["-netdev", f"tap,id=net0,ifname=tap0,script=no,downscript=no,vhost=off{backend}",
               "-device", f"virtio-net-{kind},netdev=net0,mac={MAC}{card}"]
    return m


def on_tap(m, command, timeout, files=None, kind="vnet_hdr"):
    """Runs COMMAND in M, which has a card on a tap with offloads; the other end is 10.88.0.1 and fd88::1."""
    def work():
        made = subprocess.run(f"ip tuntap add dev tap0 mode tap {kind} && ip addr add 10.88.0.1/24 dev tap0 && "
                              "ip addr add fd88::1/64 dev tap0 nodad && ip link set tap0 up", shell=True, capture_output=True, text=True)
        if made.returncode:
            raise Missing(f"no tap device: {made.stderr.strip()}")
        with iperf_server(), outside_server():
            return qemu.run(m, TAP.format(command=command), timeout=timeout, files=files)
    return in_namespace(work)


@contextlib.contextmanager
def iperf_server():
    """Debian's iperf3 of this machine's architecture, from the packages of the guests."""
    root = qemu.cache / "net" / os.uname().machine
    server = subprocess.Popen([*root.glob("usr/lib*/ld-linux-*.so.*"), "--library-path", *root.glob("usr/lib/*-linux-gnu"),
                               root / "usr/bin/iperf3", "-s"], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.kill()
        server.wait()


def speed(arch, path, linux, build):
    """{"out", "in": Mbit/s} of iperf3 between a guest with one CPU and this machine, over "user" (QEMU's network) or a "tap"."""
    if path == "tap":
        m = tap_machine(arch, linux, "" if linux else build, smp=1)
        result = on_tap(m, "host=10.88.0.1\n" + SPEED, 200)
    else:
        m = qemu.Machine(arch, smp=1, mem="512M", kernel="linux" if linux else "", disks=[str(disk(arch))], net=True,
                         build=str(top / "build" / arch) if linux else build)
        qemu.linux_words(m)

        def work():
            with iperf_server():
                return qemu.run(m, USER.format(command="host=10.0.2.2\n" + SPEED), timeout=200)
        result = in_namespace(work)
    rates = {way: float(rate) for way, rate in (line.split() for line in result.output.decode().splitlines() if len(line.split()) == 2)}
    if set(rates) != {"out", "in"} or not all(rates.values()):
        raise Failed(f"{path}, {'Linux' if linux else 'Trivet'}: only {rates}: {result.reason}")
    return rates


def tap_data(ctx, arch):
    """40 MB each way by IPv4 and IPv6 in large segments, and small pieces; SHA-256 of all."""
    ctx.kernel(arch)
    digest = hashlib.sha256(OutsideServer.pattern(40960000)).hexdigest()
    result = on_tap(tap_machine(arch, False), TAP_DATA.format(digest=digest), 600)
    good, bad = split_verdicts(result.output)
    if result.reason or len(good) + len(bad) != 10:
        bad.append(f"{result.reason}: {qemu.fail_log(result, 25)}")
    return len(good), len(bad), "\n".join(bad)


def tap_queues(ctx, arch, linux=False):
    """A card with two pairs of queues, a guest with two CPUs: all bytes right, and both pairs carried packets both ways."""
    if not linux:
        ctx.kernel(arch)
    digest = hashlib.sha256(OutsideServer.pattern(2048000)).hexdigest()
    tree = image.Tree()
    tree.file("/tests/queues", own_program(arch, "queues").read_bytes(), 0o755)
    result = on_tap(tap_machine(arch, linux, queues=2), TAP_QUEUES.format(digest=digest), 600, tree, "vnet_hdr multi_queue")
    good, bad = split_verdicts(result.output)
    if result.reason or len(good) + len(bad) != 3:
        bad.append(f"{result.reason}: {qemu.fail_log(result, 25)}")
    pairs = [line[2:] for line in result.output.decode(errors="replace").splitlines() if line.startswith("# pair")]
    return len(good), len(bad), "\n".join(bad) or "; ".join(pairs)


def speed_to_linux(ctx, arch, path):
    """iperf3 both ways, Linux beside it, one CPU: the release build moves at least 0.7 of what Linux moves."""
    ctx.build(arch, "--release", "--no-tests")
    build = str(top / "build" / f"{arch}-release-notests")
    ours, theirs = (speed(arch, path, linux, build) for linux in (False, True))
    note = ", ".join(f"{way} {ours[way]:.0f} Mbit/s, Linux {theirs[way]:.0f}" for way in ("out", "in"))
    if any(ours[way] < 0.7 * theirs[way] for way in ("out", "in")):
        raise Failed(note)
    return note


def idle_connections(ctx, arch):
    """10,000 connections, both ends on this machine, in 40 MiB: the release build, since the other pads every object."""
    ctx.build(arch, "--release", "--no-tests")
    tree = image.Tree()
    tree.file("/tests/idle", own_program(arch, "idle").read_bytes(), 0o755)
    m = qemu.Machine(arch, mem="512M", build=str(top / "build" / f"{arch}-release-notests"),
                     disks=[str(top / "build" / arch / "root.img")])
    result = qemu.run(m, "exec /tests/idle 10000 40", timeout=300, files=tree)
    good, bad = split_verdicts(result.output)
    if result.status or bad or not good:
        raise Failed(f"{bad} {result.reason}\n{qemu.fail_log(result, 25) if result.reason else ''}")
    return good[0]


def cases(ctx):
    yield Case("tshark finds what is malformed", tshark_finds)
    for arch in ctx.arches:
        for what in PROGRAMS:
            if ctx.at_least("full"):
                yield Case(f"{arch} {what}, on Linux", lambda a=arch, w=what: programs(ctx, a, w, linux=True), on_linux=True)
            yield Case(f"{arch} {what}", lambda a=arch, w=what: programs(ctx, a, w), cpus=2)
        yield Case(f"{arch} idle connections", lambda a=arch: idle_connections(ctx, a))
        yield Case(f"{arch} tap", lambda a=arch: tap_data(ctx, a))
        yield Case(f"{arch} tap with pairs of queues", lambda a=arch: tap_queues(ctx, a), cpus=2)
        if ctx.at_least("full"):
            yield Case(f"{arch} tap against Linux", lambda a=arch: speed_to_linux(ctx, a, "tap"), alone=True)
            yield Case(f"{arch} user network against Linux", lambda a=arch: speed_to_linux(ctx, a, "user"), alone=True)
        yield Case(f"{arch} two guests", lambda a=arch: two_guests(ctx, a, ""), alone=True, cpus=2)
        yield Case(f"{arch} with Linux", lambda a=arch: two_guests(ctx, a, "linux"), alone=True, cpus=2)
