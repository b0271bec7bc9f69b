# SPDX-License-Identifier: BSD-2-Clause
"""The fuzz harnesses: each over the corpus of the repository and a little further."""
import fuzzing
from testing import Case, Failed

NAME, WHEN, ORDER = "fuzz", "default", 36
HELP = "libFuzzer on device trees, ACPI, ELF, cpio, ext4 and command lines; ci/sim --fuzz runs longer"


def case(ctx, name):
    binary = ctx.fresh("sim", "--fuzz") / "trivet"
    ok, line, text = fuzzing.run(binary, name, 600 if ctx.at_least("full") else 10)
    if not ok:
        raise Failed(line + "\n" + text[-3000:])
    return line


def cases(ctx):
    fuzzing.folder.mkdir(parents=True, exist_ok=True)
    fuzzing.images()
    for name in fuzzing.MAX_LEN:
        yield Case(name, lambda name=name: case(ctx, name))
