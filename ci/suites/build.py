# SPDX-License-Identifier: BSD-2-Clause
"""Builds: the three with GCC; in full also clang, release, without tests. Warnings are errors."""
import check_contract
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "build", "default", 20
HELP = "kernels with -Werror, the contract of include/arch against each"

VARIANTS = [(), ("--clang",), ("--release",), ("--no-tests",), ("--clang", "--release")]



def compiled(ctx, arch, words):
    folder = ctx.build(arch, *words)
    try:
        ctx.kernel(arch, folder)
    except Missing as e:
        return f"compiles; {e}"


def contract(ctx, arch, folder):
    ctx.kernel(arch, folder)
    problems = check_contract.check(arch, folder)
    if problems is None:
        raise Missing(f"arch/{arch} has no sources")
    if problems:
        raise Failed("\n".join(problems))


def cases(ctx):
    for words in VARIANTS if ctx.at_least("full") else VARIANTS[:1]:
        for arch in ctx.arches:
            name = " ".join([arch, *words])
            yield Case(name, lambda arch=arch, words=words: compiled(ctx, arch, words), alone=True)
    yield Case("sim", lambda: compiled(ctx, "sim", ()), alone=True)
    for arch in [*ctx.arches, "sim"]:
        yield Case(f"{arch} contract", lambda arch=arch: contract(ctx, arch, top / "build" / arch))
