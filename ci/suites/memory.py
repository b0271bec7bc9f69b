# SPDX-License-Identifier: BSD-2-Clause
"""Memory the kernel spends: per idle process and thread, what a storm of forks leaves behind, the smallest machine.

Measured on release builds by tests/memory/figures.c, because debug builds pad every object.
"""
import re
import subprocess

import image
import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "memory", "default", 68
HELP = "kernel memory per process and thread, pages back after 10,000 forks, the shell on ext4 in 8 MiB"

PROCESS, THREAD = 24 << 10, 20 << 10  # bytes, page tables not among them
OBJECTS, USED = 100, 4  # objects that CPUs keep for themselves; pages by which the waiting programs may have grown
FLOOR = 8  # MiB


def program(arch):
    path = top / "build" / arch / "memory/figures"
    error = userland.musl_program(arch, [top / "tests/memory/figures.c"], path)
    if error:
        raise Failed(f"tests/memory/figures.c does not compile:\n{error[-3000:]}")
    return path


def figures(ctx, arch, commands, kernel=None, timeout=300, **machine):
    """{name: value} that the program prints for these commands."""
    tree = image.Tree()
    tree.file("/tests/figures", program(arch).read_bytes(), 0o755)
    m = qemu.Machine(arch, kernel=kernel or str(ctx.kernel(arch, ctx.fresh(arch, "--release", "--no-tests"))),
                     disks=[str(top / "build" / arch / "root.img")], **machine)
    result = qemu.run(m, "; ".join(f"/tests/figures {c}" for c in commands), timeout=timeout, files=tree)
    text = result.output.decode(errors="replace")
    found = {n: int(v) for n, v in re.findall(r"^figure (\w+) (-?\d+)", text, re.M)}
    if result.reason or not found:
        raise Failed(f"{text}\n{result.reason}\n{qemu.fail_log(result, 25)}")
    return found


def judge(found, storm):
    """Lines for what is above its limit."""
    limits = {"process": PROCESS, "thread": THREAD, "storm": storm, "objects": OBJECTS, "used": USED}
    return [f"{name}: {value}, allowed {limits[name]}" for name, value in found.items() if value > limits[name]]


def spent(ctx, arch):
    found = figures(ctx, arch, ["processes 256", "threads 256"])
    if judge(found, 0):
        raise Failed("\n".join(judge(found, 0)))
    return ", ".join(f"{n} {v} bytes" for n, v in found.items())


def storm(ctx, arch):
    rounds = 10000 if ctx.at_least("full") else 2000
    found = figures(ctx, arch, [f"storm {rounds}"], timeout=900, smp=2)
    if judge(found, 0):
        raise Failed(f"after {rounds} rounds: " + ", ".join(judge(found, 0)))
    return f"{rounds} rounds, {-found['storm']} pages and {found['objects']} objects more than before"


def floor(ctx, arch):
    m = qemu.Machine(arch, build=str(ctx.fresh(arch, "--release", "--no-tests")), mem=f"{FLOOR}M",
                     disks=[str(top / "build" / arch / "root.img")])
    result = qemu.run(m, "grep MemFree /proc/meminfo", 60)
    if result.status or not result.output.startswith(b"MemFree:"):
        raise Failed(f"no shell on ext4 with {FLOOR} MiB: {result.reason}\n{qemu.fail_log(result)}")
    return f"{int(result.output.split()[1])} KiB of {FLOOR} MiB are free in the shell"


def can_fail():
    if judge({"process": PROCESS + 1, "thread": THREAD, "storm": 1}, 0) != [f"process: {PROCESS + 1}, allowed {PROCESS}",
                                                                            "storm: 1, allowed 0"]:
        raise Failed("values above their limits are not found")


def cases(ctx):
    yield Case("planted values", can_fail)
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        yield Case(f"{arch} per process and thread", lambda a=arch: spent(ctx, a))
        yield Case(f"{arch} storm", lambda a=arch: storm(ctx, a))
        yield Case(f"{arch} smallest machine", lambda a=arch: floor(ctx, a))
