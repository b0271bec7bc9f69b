# SPDX-License-Identifier: BSD-2-Clause
"""Programs and scripts of tests/system: on Debian's Linux first, then the same on Trivet.

A C program prints `ok NAME` or `not ok NAME why` for each of its cases and each counts. What a
script prints must be the same bytes on both kernels. Linux's answers are kept in
tests/linux-reference/<arch>/, part of the tree, and used again while program, Linux and shell stay the
same; else Linux runs it and the file is written anew, to be committed.
"""
import hashlib
import json
import re

import image
import qemu
import service_programs
import userland
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "system", "default", 60
HELP = "user programs with self-checks and busybox scripts, Linux first, then Trivet"

folder = top / "tests/system"
SCRIPTS = {"applets.sh": 4}  # name -> CPUs on Trivet
SMP = 2
MEMORY = {"oom": "48M", "oom_stuck": "48M", "reclaim": "12M"}  # name -> memory on Trivet, where it is not the usual


def programs(arch):
    """Compiles all; {name: path}."""
    found = {}
    for source in sorted(folder.glob("*.c")):
        output = top / "build" / arch / "system" / source.stem
        newest = max(p.stat().st_mtime for p in [source, *folder.glob("*.h"), top / "ci/tools/userland.py"])
        if not output.exists() or output.stat().st_mtime < newest:
            error = userland.musl_program(arch, [source], output)
            if error:
                raise Failed(f"{source.name} does not compile:\n{error[-3000:]}")
        found[source.stem] = output
    return found


def machine(arch, linux, smp, mem="256M"):
    m = qemu.Machine(arch, smp=smp, kernel="linux" if linux else "", mem="256M" if linux else mem,
                     disks=[str(top / "build" / arch / "root.img")])
    qemu.linux_words(m)
    return m


def run_one(arch, name, path, linux, smp=SMP):
    tree = image.Tree()
    tree.file(f"/tests/{name}", path.read_bytes(), 0o755)
    return qemu.run(machine(arch, linux, smp, MEMORY.get(name, "256M")), f"cd /tmp; exec /tests/{name}", timeout=150, files=tree)


def linux_digest(arch, name):
    """Of all that Linux's answer hangs on: program, headers, kernel package, the shell's package."""
    digest = hashlib.sha256()
    first = name.split("_")[0]
    source = (folder / f"{name}.c").read_text() if (folder / f"{name}.c").exists() else ""
    mine = ("test.h", name, f"{name}.c", f"{first}.h", *(["services_act.h"] if first == "services" else []),
            *re.findall(r'^#include "(.*)"', source, re.M))
    sources = [p for p in sorted(folder.iterdir()) if p.name in mine]
    if name.startswith("services_"):  # init and svctl are under test there
        sources += sorted(service_programs.inputs())
    for p in (*sources, qemu.cache / "linux" / arch / "package", qemu.cache / "user" / arch / "usr/bin/busybox"):
        digest.update(p.read_bytes())
    return digest.hexdigest()


def reference(arch, name, path):
    """Linux's output of it: the kept one if nothing changed, else Linux runs it and it is kept."""
    digest = linux_digest(arch, name)
    kept = top / "tests/linux-reference" / arch / f"{name}.json"
    if kept.exists():
        data = json.loads(kept.read_text())
        if data["inputs"] == digest:
            return data["output"].encode("latin-1")
    result = run_one(arch, name, path, linux=True)
    if result.status:
        raise Failed(f"{name} ends with {result.status} on Linux ({result.reason}):\n"
                     + result.output.decode(errors="replace")[-2000:] + "\n" + qemu.fail_log(result, 40))
    if not any(verdicts(result.output).values()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"inputs": digest, "output": result.output.decode("latin-1")}, indent=1) + "\n")
    return result.output


def verdicts(output):
    """{case: why} with an empty reason for ok."""
    return {m[2]: (m[3] or "failed").strip() if m[1] else "" for m in
            re.finditer(r"^(not )?ok (\S+)(.*)$", output.decode(errors="replace"), re.M)}


def check_program(ctx, arch, name, path):
    on_linux = verdicts(reference(arch, name, path))
    bad = [f"{case}: {why}" for case, why in on_linux.items() if why]
    if bad or not on_linux:
        raise Failed("fails on Linux:\n" + "\n".join(bad or ["no case ran"]))
    ctx.kernel(arch)
    result = run_one(arch, name, path, linux=False)
    here = verdicts(result.output)
    problems = [f"not ok {case} {here.get(case, 'was not reached')}" for case in on_linux if here.get(case, "x")]
    note = f"{len(on_linux) - len(problems)} cases"
    if problems and result.reason:
        problems.append(f"{result.reason}\n{qemu.fail_log(result, 25)}")
        return len(on_linux) - len(problems) + 1, len(problems) - 1, "\n".join(problems)
    return len(on_linux) - len(problems), len(problems), "\n".join(problems) or note


def check_script(ctx, arch, name, smp):
    path = folder / name
    expected = reference(arch, name, path)
    ctx.kernel(arch)
    result = run_one(arch, name, path, linux=False, smp=smp)
    if result.output == expected and not result.status:
        return f"{len(expected)} bytes the same as on Linux"
    here, there = result.output.decode(errors="replace").split("\n"), expected.decode(errors="replace").split("\n")
    at = next((i for i, (a, b) in enumerate(zip(here, there)) if a != b), min(len(here), len(there)))
    raise Failed(f"differs from Linux at line {at + 1}; status {result.status} {result.reason}\n"
                 + "\n".join(f"Linux  : {line}" for line in there[max(0, at - 2):at + 6]) + "\n"
                 + "\n".join(f"Trivet : {line}" for line in here[max(0, at - 2):at + 6])
                 + ("\n" + qemu.fail_log(result, 25) if result.reason else ""))


def cases(ctx):
    import subprocess
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Missing("no image")
        for name, path in programs(arch).items():
            yield Case(f"{arch} {name}", lambda a=arch, n=name, p=path: check_program(ctx, a, n, p), cpus=SMP)
        for name, smp in SCRIPTS.items():
            yield Case(f"{arch} {name}", lambda a=arch, n=name, s=smp: check_script(ctx, a, n, s), cpus=smp)
