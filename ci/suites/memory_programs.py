# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Python and SQLite as programs that lean on memory, unmodified: fork as a snapshot, heaps that grow, mapped files and
databases (tests/memory/*.py). The same on Linux in the full selection. A store of ours that saves
itself by fork is tests/system/snapshot.c; stress-ng's memory stressors are the suite `stress`.
"""
import debian_programs
import image
import net
import qemu
from testing import Case, top

NAME, WHEN, ORDER = "memory_programs", "default", 66
HELP = "Debian's python3 and sqlite3 with fork, mmap and large heaps, on the three"

# name: (what is run, what the output must match)
COMMANDS = {
    "snapshots": ("python3 /tests/snapshot.py", r"snapshots of \d+ keys are right\n.* grew and shrank\n.*copied on write\n"),
    "sqlite": ("python3 /tests/store.py", r"rows in mapped memory are right"),
}


def run(arch, command, linux=False):
    machine = qemu.Machine(arch, smp=2, mem="256M", kernel="linux" if linux else "", disks=[str(net.disk(arch))])
    qemu.linux_words(machine)
    tree = image.Tree()
    for name in ("snapshot.py", "store.py"):
        tree.file(f"/tests/{name}", (top / "tests/memory" / name).read_bytes())
    return qemu.run(machine, "export HOME=/tmp; mkdir -p /root/w; cd /root/w\n" + command, timeout=400, files=tree)


def check(ctx, arch, name, linux=False):
    command, pattern = COMMANDS[name]
    if not linux:
        ctx.kernel(arch)
    return debian_programs.checked(run(arch, command, linux), pattern, linux)


def cases(ctx):
    for arch in ctx.arches:
        for name in COMMANDS:
            if ctx.at_least("full"):
                yield Case(f"{arch} {name} on Linux", lambda a=arch, n=name: check(ctx, a, n, True), on_linux=True)
            yield Case(f"{arch} {name}", lambda a=arch, n=name: check(ctx, a, n), cpus=2)
