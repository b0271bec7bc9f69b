# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own programs as items of ci/bench --packages: the same files, initramfs and QEMU line on both kernels, counted.

Each line of ITEMS is a shell command whose output must hold a text, or the item failed. What it took is guest time, so
instructions; starting the program and its libraries is part of it.
"""
import pathlib
import re
import subprocess

import benching
import image
import qemu
import userland

INSERT = ("CREATE TABLE t(a,b); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000) "
          "INSERT INTO t SELECT x, hex(x*x) FROM c; SELECT count(*), sum(a) FROM t;")
COMMITS = "CREATE TABLE t(a,b);" + "INSERT INTO t VALUES(1,2);" * 60 + "SELECT count(*) FROM t;"

# (name, command, text that the output must hold)
ITEMS = [
    ("sqlite-insert", f"rm -f /tmp/a.db; sqlite3 /tmp/a.db '{INSERT}'", "3000|4501500"),
    ("sqlite-commits", f"rm -f /tmp/b.db; sqlite3 /tmp/b.db '{COMMITS}'", "60"),
    ("openssl-sha256", "openssl dgst -sha256 /usr/bin/openssl", "SHA2-256(/usr/bin/openssl)= "),
    ("openssl-start", "openssl version", "OpenSSL 3"),
    ("hackbench-unix", "hackbench -g 2 -l 40", "Time: "),
    ("hackbench-pipe", "hackbench -p -g 2 -l 40", "Time: "),
    ("hackbench-threads", "hackbench -T -g 2 -l 40", "Time: "),
    ("cyclictest", "cyclictest -q -l 200 -i 1000", "Avg:"),
    ("cyclictest-load", "hackbench -g 2 -l 1500 > /dev/null 2>&1 & h=$!; "
     "cyclictest -q -N -m -p 80 -i 2000 -l 500 -h 200000 > /tmp/hist; kill -0 $h && echo still loaded; "
     "killall -9 hackbench; wait $h; awk '/^[0-9]/ { at[$1 + 0] = $2 } "
     "END { for (i = 0; i < 200000; i++) if ((s += at[i]) >= 495) { print \"p99:\", i; exit } }' /tmp/hist", "p99: "),
    ("iperf3-tcp", "timeout 60 iperf3 -s -1 > /dev/null & sleep 1; timeout 60 iperf3 -f k -c 127.0.0.1 -t 2; wait", "receiver"),
]


def initramfs(arch):
    if subprocess.run([qemu.top / "ci/tools/provide_set.sh", "bench", arch]).returncode:
        raise benching.BenchError("the packages could not be fetched")
    tree = image.Tree()
    tree.add_host_dir(userland.cache / "bench" / arch)
    for path in ("/dev", "/proc", "/sys", "/run", "/root"):
        tree.mkdir(path)
    tree.mkdir("/tmp", 0o1777)
    tree.chardev("/dev/console", 5, 1)
    tree.chardev("/dev/null", 1, 3, 0o666)
    tree.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    tree.file("/usr/bin/busybox", (userland.cache / "user" / arch / "usr/bin/busybox").read_bytes(), 0o755)
    for name in ("sh", "mount", "mkdir", "cat", "sync", "poweroff", "sleep", "echo", "dmesg", "rm", "tail", "grep", "ifconfig", "timeout",
                 "awk", "killall"):
        tree.symlink(f"/usr/bin/{name}", "busybox")
    for name in ("now", "scale"):
        program = qemu.top / "build" / arch / "bench" / name
        error = userland.musl_program(arch, [qemu.top / f"tests/packages/{name}.c"], program)
        if error:
            raise benching.BenchError(error)
        tree.file(f"/usr/bin/{name}", program.read_bytes(), 0o755)
    path = qemu.top / "build" / arch / "bench/packages.cpio"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = image.cpio(tree)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)
    return path


def script():
    lines = ["export PATH=/usr/bin:/usr/sbin; mount -t tmpfs none /tmp; ulimit -n 1024; ifconfig lo 127.0.0.1 up 2> /dev/null"]
    for name, command, text in ITEMS:
        lines.append(f"a=$(now); {{ {command}; }} > /tmp/out 2>&1; b=$(now); "
                     f"if grep -qF '{text}' /tmp/out; then echo package {name} $((b-a)); "
                     f"else echo package {name} failed; tail -n 3 /tmp/out; fi; "
                     f"grep -oE 'Avg: *[0-9]*|p99: [0-9]+|[0-9.]+ Kbits/sec +receiver' /tmp/out")
    return "\n".join(lines)


def run(arch, linux, build, timeout=900):
    """({item: ns or None}, what went wrong)"""
    m = qemu.Machine(arch, kernel="linux" if linux else "", build=build, initrd=str(initramfs(arch)), mem="768M",
                     cpu={"x86_64": "max,-cx16"}.get(arch, ""), icount=True)

    def make():
        result = qemu.run(m, script(), timeout)
        return {"text": result.output.decode(errors="replace"), "reason": result.reason and f"{result.reason}\n{qemu.fail_log(result, 12)}"}
    data = benching.kept(m, script(), make)
    found = {name: None if value == "failed" else int(value)
             for name, value in re.findall(r"^package (\S+) (\d+|failed)", data["text"], re.M)}
    late = re.search(r"Avg: *(\d+)", data["text"])
    if late and found.get("cyclictest"):
        found["cyclictest"] = int(late[1]) * 1000 or 500  # it tells whole microseconds
    late = re.search(r"p99: (\d+)$", data["text"], re.M)  # 495 of the 500 wake-ups were not later, ns
    if found.get("cyclictest-load"):
        found["cyclictest-load"] = int(late[1]) if late else None
    rate = re.search(r"([\d.]+) Kbits/sec +receiver", data["text"])
    if rate and found.get("iperf3-tcp"):
        found["iperf3-tcp"] = round(1024 * 8 * 1e6 / float(rate[1]))  # ns for a KiB
    bad = [line for line in data["text"].splitlines() if not re.match(r"package|Avg|p99|[\d.]+ Kbits", line) and line]
    return found, "\n".join(bad + ([data["reason"]] if data["reason"] else []))


def two_cpus(arch, linux, build, timeout=900):
    """{kind of work: how much more two CPUs do than one} and {"hackbench": seconds}, by the clock."""
    m = qemu.Machine(arch, smp=2, kernel="linux" if linux else "", build=build, initrd=str(initramfs(arch)), mem="768M",
                     cpu={"x86_64": "max,-cx16"}.get(arch, ""))
    result = qemu.run(m, "export PATH=/usr/bin:/usr/sbin; mount -t tmpfs none /tmp; sleep 3; scale; hackbench -g 4 -l 100",
                      timeout)
    text = result.output.decode(errors="replace")
    found = {name: int(value) / 100 for name, value in re.findall(r"^scale (\S+) (\d+)$", text, re.M)}
    took = re.search(r"Time: ([\d.]+)", text)
    if not found or not took or result.status:
        raise benching.BenchError(f"{'Linux' if linux else 'Trivet'} on two CPUs: {result.reason}\n{text[-1000:]}")
    return found, float(took[1])


def compare(arch, build):
    """Rows for people and for --json: [(item, trivet ns, linux ns, ratio)]; None where there is no figure."""
    here, why = run(arch, False, build)
    there, why_there = run(arch, True, build)
    rows = []
    for name, _, _ in ITEMS:
        a, b = here.get(name), there.get(name)
        rows.append((name, a, b, round(a / b, 4) if a and b else None))
    return rows, why, why_there
