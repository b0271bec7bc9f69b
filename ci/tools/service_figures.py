#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What PID 1 costs with 100 services: service_figures.py ARCH... [--restarts N] [--build -S]

Under --icount one nanosecond is one instruction; the root is the initramfs, so that no disk is waited
for. The same 100 programs are started by our init (in ten groups, each after the one before) and by
busybox init (from its inittab, in order); counted is the CPU time of PID 1 and of the 100 together, from
the moment at which PID 1 executes init until all of them sleep. --restarts 10000 is the soak of its memory.
"""
import argparse
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import image  # noqa: E402
import qemu  # noqa: E402
import service_programs  # noqa: E402
import userland  # noqa: E402

COUNT = 100


def common(arch):
    tree = image.Tree()
    program = userland.top / "build" / arch / "services/figures"
    error = userland.musl_program(arch, [userland.top / "tests/services/figures.c"], program, ["-Os", "-s", "-D_GNU_SOURCE"])
    if error:
        sys.exit(error)
    tree.file("/tests/figures", program.read_bytes(), 0o755)
    return tree


def ours(arch, restarts):
    tree = common(arch)
    names = [f"s{i}.service" for i in range(COUNT)]
    for i, name in enumerate(names):
        after = f"[Unit]\nAfter={' '.join(names[i // 10 * 10 - 10:i // 10 * 10])}\n" if i >= 10 else ""
        tree.file(f"/etc/units/{name}", f"{after}[Service]\nExecStart=/bin/sleep {100000 + i}\n".encode())
    tree.file("/etc/units/victim.service", b"[Unit]\nStartLimitBurst=0\n[Service]\nRestart=always\nRestartSec=1ms\n"
              b"RestartMaxDelaySec=1ms\nExecStart=/tests/figures victim /run/victim\n")
    tree.file("/etc/units/figures.service", f"[Unit]\nAfter={' '.join(names[:50])}\nAfter={' '.join(names[50:])}\n[Service]\nStandardOutput=console\n"
              f"ExecStart=/tests/figures /run/victim {restarts}\n".encode())
    tree.file("/etc/units/figures.target", f"[Unit]\nWants={' '.join(names[:60])}\nWants={' '.join(names[60:])}\n"
              "Wants=figures.service victim.service\n".encode())
    tree.file("/tests/init", service_programs.build(arch)["/sbin/init"].read_bytes(), 0o755)
    return tree, "rdinit=/tests/figures systemd.unit=figures.target"


def busybox(arch):
    tree = common(arch)
    # No two lines the same: busybox would keep one of them.
    lines = [f"::once:/bin/sleep {100000 + i}" for i in range(COUNT)] + ["::once:/tests/figures"]
    tree.file("/etc/inittab", "\n".join(lines).encode() + b"\n")
    tree.symlink("/tests/init", "/bin/busybox")
    return tree, "rdinit=/tests/figures"


def run(arch, tree, words, build, restarts):
    with tempfile.TemporaryDirectory() as work:
        for path, node in tree.items():
            place = pathlib.Path(work + path)
            if node.data and stat.S_ISREG(node.mode):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(node.data)
                place.chmod(node.mode & 0o777)
            elif stat.S_ISLNK(node.mode):
                place.symlink_to(node.data.decode())
        subprocess.run([userland.top / "ci/image", arch, "--extra", work, "--suffix", "figures"], check=True)
        machine = qemu.Machine(arch, build=str(userland.top / "build" / f"{arch}{build}"), icount=True,
                               initrd=str(userland.top / "build" / arch / "initramfs-figures.cpio"))
        reader = qemu.Reader("##none", None)
        result = qemu.supervise(machine.command(append=words) +
                                ["-serial", "stdio", "-monitor", "none"], reader, 300 + restarts // 5)
    text = result.log.decode(errors="replace").replace("\r", "")
    figures = {m[1]: float(m[2]) for m in re.finditer(r"^figure (\w+) (-?[\d.]+)", text, re.M)}
    if "end" not in figures:
        sys.exit(f"{arch}: the measurement did not end; console:\n" + "\n".join(text.splitlines()[-30:]))
    if figures["sleeping"] != COUNT:
        sys.exit(f"{arch}: {figures['sleeping']:.0f} programs run instead of {COUNT}; console:\n" + "\n".join(text.splitlines()[-30:]))
    figures["start"] = figures["all_cpu_ns"] - figures["before_ns"]
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("arch", nargs="+")
    parser.add_argument("--restarts", type=int, default=1000)
    parser.add_argument("--build", default="-release-notests", help="which kernel: the end of its build folder's name")
    args = parser.parse_args()
    print("| | goal | " + " | ".join(args.arch) + " |\n|---|---|" + "---|" * len(args.arch))
    rows = {}
    for arch in args.arch:
        mine, theirs = (run(arch, *tree, args.build, args.restarts) for tree in (ours(arch, args.restarts), busybox(arch)))
        values = [("100 services, M instructions", "", mine["start"] / 1e6), ("busybox init, the same", "", theirs["start"] / 1e6),
                  ("ratio", "≤ 1.2", mine["start"] / theirs["start"]), ("resident, KiB", "≤ 400", mine["rss_kib"]),
                  ("resident after 10 restarts, KiB", "≤ 400", mine["rss_kib_after_10"]),
                  (f"resident after {args.restarts} restarts, KiB", "the same", mine["rss_kib_after_restarts"]),
                  (f"and {args.restarts} orphans, KiB", "the same", mine["rss_kib_after_orphans"]),
                  ("orphans not reaped", "0", mine["zombies"]),
                  ("idle, % of a CPU", "≤ 0.1", mine["idle_ns_per_minute"] / 60e9 * 100),
                  ("restart after a kill (without RestartSec), M instructions", "≤ 5", (mine["restart_ns"] - 1e6) / 1e6)]
        for name, goal, value in values:
            rows.setdefault((name, goal), []).append(f"{value:.3g}" if value < 100 else f"{value:.0f}")
    for (name, goal), values in rows.items():
        print(f"| {name} | {goal} | " + " | ".join(values) + " |")


if __name__ == "__main__":
    main()
