# SPDX-License-Identifier: BSD-2-Clause
"""Debian's stress-ng, unmodified: stressors that check what they did, on the three."""
import pathlib
import re
import shutil
import subprocess

import qemu
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "stress", "default", 65
HELP = "stress-ng of Debian on Trivet: memory stressors with --verify"

SECONDS = 12  # each stressor ends after its operations or then, whatever comes first
# name -> stressors with bytes and operations
RUNS = {
    "memory": "--vm 1 --vm-bytes 8M --vm-ops 30 --mmap 1 --mmap-bytes 4M --mmap-ops 10 --brk 1 --brk-ops 1000 "
              "--mremap 1 --mremap-bytes 4M --mremap-ops 10 --madvise 1 --madvise-ops 1",
    "fork": "--pathological --fork 2 --fork-ops 100 --oom-pipe 1 --oom-pipe-ops 50 --vm 1 --vm-bytes 4M --vm-method flip --vm-ops 10",
}


def needed(path):
    text = subprocess.run(["readelf", "-d", "-l", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"NEEDED.*\[(.*)\]", text), re.search(r"interpreter: (.*)\]", text)


def disk(arch):
    """root-stress.img: the usual root and stress-ng with the libraries it is linked against."""
    source, output = qemu.cache / "stress" / arch, top / "build" / arch / "root-stress.img"
    program = source / "usr/bin/stress-ng"
    if not program.exists():
        raise Missing("no stress-ng: run ci/setup")
    if output.exists() and output.stat().st_mtime > max(program.stat().st_ctime, (top / "ci/image").stat().st_mtime):
        return output
    extra = top / "build" / arch / "stress"
    shutil.rmtree(extra, ignore_errors=True)
    libraries = {p.name: p for p in sorted(source.rglob("*.so*")) if p.is_file()}
    todo, seen = [program], {program}
    while todo:
        path = todo.pop()
        for name in needed(path)[0]:
            library = libraries.get(name)
            if not library:
                raise Failed(f"{path.name} wants {name}, which no package of ci/setup has")
            if library not in seen:
                seen.add(library)
                todo.append(library)
    for path in seen:
        copy = extra / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path.resolve(), copy)
        copy.chmod(0o755)
    loader = pathlib.Path(needed(program)[1][1])
    link = extra / str(loader).lstrip("/")
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(libraries[loader.name].resolve(), link)
        link.chmod(0o755)
    subprocess.run([top / "ci/image", arch, "--size", "128", "--extra", extra, "--suffix", "stress"], check=True)
    return output


def run(ctx, arch, words):
    ctx.kernel(arch)
    machine = qemu.Machine(arch, smp=2, mem="128M", disks=[str(disk(arch))])
    qemu.linux_words(machine)
    result = qemu.run(machine, f"cd /tmp; stress-ng {words} --verify --metrics-brief -t {SECONDS} 2>&1", timeout=170)
    text = result.output.decode(errors="replace")
    failed = re.search(r"failed: (\d+)", text)
    if result.status or not failed or failed[1] != "0":
        raise Failed(f"status {result.status} {result.reason}\n{text[-3000:]}\n{qemu.fail_log(result, 30)}")
    done = re.findall(r"metrc: \[\d+\] (\S+) +(\d+) +[\d.]+", text)
    idle = [name for name, operations in done if operations == "0"]
    # stress-ng skips a stressor it dislikes and still succeeds: it is missing from the figures then.
    idle += [name for name in re.findall(r"--([a-z-]+)-ops ", words) if name not in dict(done)]
    if idle:
        raise Failed(f"nothing was done by {' '.join(idle)}:\n{text[-3000:]}")
    return ", ".join(f"{name} {operations}" for name, operations in done)


def cases(ctx):
    for arch in ctx.arches:
        for name, words in RUNS.items():
            yield Case(f"{arch} stress-ng {name}", lambda a=arch, w=words: run(ctx, a, w), alone=True, cpus=2)
