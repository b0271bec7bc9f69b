# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own programs that set, measure and stress the scheduler, unmodified: chrt, taskset, nice, cyclictest,
hackbench, stress-ng. Each command must end well and print what it promises; in the full selection on Linux, too.
"""
import pathlib
import re
import subprocess

import debian_programs
import image
import qemu
import userland
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "programs", "default", 64
HELP = "Debian's chrt, taskset, nice, cyclictest, hackbench and stress-ng, unmodified, on the three"

STRESS = "stress-ng --temp-path /tmp --no-rand-seed --metrics-brief "
DONE = r"skipped: 0\n[\s\S]*failed: 0\n[\s\S]*successful run completed"
# name: (what is run, what the output must match)
COMMANDS = {
    "chrt": ("chrt -m && chrt -f 10 chrt -p $$ && chrt -f 7 sh -c 'chrt -p $$' && chrt -r 3 sh -c 'chrt -p $$' && "
             "chrt -b 0 sh -c 'chrt -p $$' && chrt -i 0 sh -c 'chrt -p $$' && "
             "chrt -d -T 1000000 -D 5000000 -P 10000000 0 sh -c 'exec chrt -p $$'",
             r"SCHED_FIFO min/max priority\s*: 1/99[\s\S]*SCHED_FIFO\n[\s\S]*priority: 7\n[\s\S]*SCHED_RR\n[\s\S]*priority: 3\n"
             r"[\s\S]*SCHED_BATCH\n[\s\S]*SCHED_IDLE\n[\s\S]*SCHED_DEADLINE\n[\s\S]*1000000/5000000/10000000"),
    "taskset": ("taskset -c 1 sh -c 'taskset -p $$' && taskset 1 sh -c 'taskset -cp $$' && ! taskset -c 63 true",
                r"affinity mask: 2\n[\s\S]*affinity list: 0\n"),
    "nice": ("nice -n 5 nice && nice -n -7 nice && nice -n 30 nice", r"^5\n-7\n19\n$"),
    "cyclictest": ("cyclictest -q -m -p 80 -i 2000 -l 300 -t 2", r"T: 0 [\s\S]*C: +300 Min:[\s\S]*T: 1 [\s\S]*C: +\d+ Min:"),
    "hackbench": ("hackbench -g 2 -l 50 && hackbench -T -g 2 -l 50 && hackbench -p -g 2 -l 50",
                  r"Time: [\d.]+[\s\S]*Time: [\d.]+[\s\S]*Time: [\d.]+"),
    "stress-ng cpu": (STRESS + "--cpu 3 --cpu-method int32 --cpu-ops 30", DONE),
    "stress-ng switch": (STRESS + "--switch 2 --switch-ops 2000", DONE),
    "stress-ng futex": (STRESS + "--futex 2 --futex-ops 2000", DONE),
    "stress-ng pthread": (STRESS + "--pthread 2 --pthread-ops 200 --pthread-max 32", DONE),
    "stress-ng timer": (STRESS + "--timer 2 --timer-ops 1000 --timer-freq 1000", DONE),
}
PROGRAMS = ("chrt", "taskset", "cyclictest", "hackbench", "stress-ng", "nice")


def needed(path):
    out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
    return re.findall(r"NEEDED.*\[(.*)\]", out)


def interpreter(path):
    out = subprocess.run(["readelf", "-l", path], capture_output=True, text=True).stdout
    return re.search(r"interpreter: (\S+)\]", out)[1]


def tree_of(roots):
    """The programs and the libraries they need, all in /programs, and the loader where they look for it."""
    libraries = {p.name: p for root in roots for p in root.rglob("*.so*") if "gconv" not in str(p)}
    tree, todo, done = image.Tree(), [], set()
    for name in PROGRAMS:
        path = next(root / "usr/bin" / name for root in roots if (root / "usr/bin" / name).exists())
        tree.file(f"/programs/bin/{name}", path.read_bytes(), 0o755)
        todo += needed(path)
    loader = interpreter(roots[0] / "usr/bin/chrt")
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        if name not in libraries:
            raise Missing(f"no package has {name}")
        data = libraries[name].resolve().read_bytes()
        tree.file(loader if name == pathlib.Path(loader).name else f"/programs/lib/{name}", data, 0o755)
        todo += needed(libraries[name])
    return tree


def run(arch, command, linux=False, timeout=300):
    roots = [userland.cache / "sched" / arch, userland.cache / "stress" / arch]
    if not (roots[0] / "usr/bin/cyclictest").exists() or not (roots[1] / "usr/bin/stress-ng").exists():
        raise Missing("ci/setup has not fetched the programs")
    machine = qemu.Machine(arch, smp=2, mem="512M", kernel="linux" if linux else "",
                           disks=[str(top / "build" / arch / "root.img")])
    qemu.linux_words(machine)
    return qemu.run(machine, "export PATH=/programs/bin:$PATH LD_LIBRARY_PATH=/programs/lib; cd /tmp\n" + command,
                    timeout=timeout, files=tree_of(roots))


def check(ctx, arch, name, linux=False):
    command, pattern = COMMANDS[name]
    if not linux:
        ctx.kernel(arch)
    return debian_programs.checked(run(arch, command, linux), pattern, linux)


def cases(ctx):
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Missing("no image")
        for name in COMMANDS:
            if ctx.at_least("full"):
                yield Case(f"{arch} {name} on Linux", lambda a=arch, n=name: check(ctx, a, n, True), on_linux=True)
            yield Case(f"{arch} {name}", lambda a=arch, n=name: check(ctx, a, n), cpus=2)
