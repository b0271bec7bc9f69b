# SPDX-License-Identifier: BSD-2-Clause
"""Tests inside the kernel: booted with the word `ktest`, it runs every suite and powers off."""
import qemu
from testing import Case, Failed
from unit import read_ktest, read_suites

NAME, WHEN, ORDER = "ktest", "default", 40
HELP = "in-kernel tests on the three, 1 and 4 CPUs"


def run(ctx, arch, smp, folder="", name=""):
    kernel = ctx.kernel(arch, folder or None)
    machine = qemu.Machine(arch, smp=smp, append="ktest loglevel=7 panic=-1", kernel=str(kernel))
    words = machine.command() + ["-serial", "stdio", "-monitor", "none"]
    result = qemu.supervise(words, qemu.Reader("##none", None), 180)
    text = result.log.replace(b"\r\n", b"\n").decode(errors="replace")
    if result.status == qemu.STATUS_PANIC:
        raise Failed("the kernel panicked:\n" + qemu.fail_log(result))
    if result.status == qemu.STATUS_TIMEOUT:
        raise Failed("did not end:\n" + qemu.fail_log(result))
    if name:
        ctx.detail(NAME, name, arch, smp, read_suites(text))
    return read_ktest(text)


def cases(ctx):
    for arch in ctx.arches:
        for smp in (1, 4):
            yield Case(f"{arch} -smp {smp}", lambda arch=arch, smp=smp: run(ctx, arch, smp, name=f"{arch} -smp {smp}"),
                       # Four busy virtual CPUs use all cores of a small host: the scheduler's suites need them.
                       alone=smp > 1)
        for word in ("--clang", "--release") if ctx.at_least("full") else ():
            yield Case(f"{arch} {word} -smp 2", lambda arch=arch, word=word: run(
                ctx, arch, 2, ctx.fresh(arch, word)), alone=True)
