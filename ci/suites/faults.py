# SPDX-License-Identifier: BSD-2-Clause
"""Fault injection: tests/faults/failnth makes every allocation of an operation fail, one after the other."""
import re

import image
import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "faults", "default", 65
HELP = "each allocation of the core operations fails once: the right errno, no leak, no crash"

EXPECTED = 28  # items of tests/faults/failnth.c, and a planted leak


def run(ctx, arch):
    ctx.kernel(arch)
    program = top / "build" / arch / "faults/failnth"
    error = userland.musl_program(arch, [top / "tests/faults/failnth.c"], program)
    if error:
        raise Failed(f"tests/faults/failnth.c does not compile:\n{error[-3000:]}")
    tree = image.Tree()
    tree.file("/tests/failnth", program.read_bytes(), 0o755)
    m = qemu.Machine(arch, disks=[str(top / "build" / arch / "root.img")])
    result = qemu.run(m, "cd /tmp; /tests/failnth --planted; exec /tests/failnth", timeout=300, files=tree)
    text = result.output.decode(errors="replace")
    good = re.findall(r"^ok (\S+) (\d+)", text, re.M)
    bad = re.findall(r"^not ok .*|^missing .*", text, re.M)
    if result.reason:
        bad.append(f"{result.reason}\n{qemu.fail_log(result, 40)}")
    if len(good) + len(bad) < EXPECTED:
        bad.append(f"{len(good)} items of {EXPECTED} told how they went")
    ctx.detail(NAME, arch, arch, 1, {f"failnth {name}": True for name, _ in good})
    return len(good), len(bad), "\n".join(bad) or f"{sum(int(n) for _, n in good)} failures in {len(good)} operations"


def cases(ctx):
    import subprocess
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        yield Case(arch, lambda arch=arch: run(ctx, arch), cpus=1)
