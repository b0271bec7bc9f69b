# SPDX-License-Identifier: BSD-2-Clause
"""Reads the sources without building them: layers, cycles, style; and that these checks can fail."""
import hashlib
import pathlib
import tempfile

import check_layers
import check_style
import packages
import parity
from testing import Case, Failed, top

NAME, WHEN, ORDER = "checks", "quick", 10
HELP = "include rules, include cycles, style, and planted violations of each"


def clean(problems):
    if problems:
        raise Failed("\n".join(problems))


# Each plants one violation and says what must be reported.
PLANTED = [
    ("driver includes libfdt", {"drivers/x/a.c": "#include <libfdt.h>"}, "<libfdt.h>"),
    ("kernel includes a driver header", {"kernel/a.c": "#include <drivers/pci.h>"}, "<drivers/pci.h>"),
    ("native header outside the contract", {"kernel/a.c": "#include <native/pte.h>"}, "<native/pte.h>"),
    ("another folder's private header", {"drivers/x/a.c": '#include "../y/b.h"', "drivers/y/b.h": ""}, "leaves drivers/x"),
    ("include cycle", {"include/lib/a.h": "#include <lib/b.h>", "include/lib/b.h": "#include <lib/a.h>"}, "cycle"),
    ("architecture test", {"kernel/a.c": "#ifdef __x86_64__\n#endif"}, "instruction set"),
    ("zlib outside the initramfs", {"kernel/mm/a.c": "#include <zlib.h>"}, "<zlib.h>"),
    ("simulation in the core", {"kernel/a.c": "if (SIM)"}, "simulation"),
    ("libc in the kernel", {"kernel/a.c": "#include <stdio.h>"}, "<stdio.h>"),
]
PLANTED_STYLE = [
    ("no licence", {"kernel/a.c": "/* A. */\nint a;\n"}, "first line"),
    ("no prologue", {"kernel/a.c": "/* SPDX-License-Identifier: BSD-2-Clause */\nint a;\n"}, "prologue"),
    ("trailing space", {"kernel/a.c": "/* SPDX-License-Identifier: BSD-2-Clause */\n/* A. */\nint a; \n"}, "trailing"),
    ("source without meson.build", {"kernel/a.c": "/* SPDX-License-Identifier: BSD-2-Clause */\n/* A. */\n"},
     "meson.build"),
]


def planted(check, files, expected):
    def run():
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            found = check(folder)
        if not any(expected in problem for problem in found):
            raise Failed(f"not reported; said: {found}")
    return run


def parity_page():
    """A test that exists on one architecture only, one that fails and one that is missing are seen on docs/parity.md."""
    ok, bad = parity.OK, parity.FAILS
    cells = {("a: everywhere", arch, n): ok for arch in parity.ARCHES for n in (1, 2)}
    cells |= {("a: nowhere else", "riscv64", 0): ok, ("boot: el2", "aarch64", 1): ok}
    cells |= {("a: broken", arch, 0): ok if arch != "aarch64" else bad for arch in parity.ARCHES}
    cells |= {("a: to come", arch, 4): "not yet" for arch in parity.ARCHES}
    with tempfile.TemporaryDirectory() as work:
        page = pathlib.Path(work) / "page.md"
        holes = parity.write(cells, {"c: alone": bad}, page, "x", {"a": "A", "boot": "B", "c": "C"})
        text = page.read_text()
    want = ("5 tests: 1 pass on the three", "2 pass where they can", "2 do not pass", "| everywhere | 1 2 | 1 2 | 1 2 |  |",
            "| broken | yes | **fails** | yes |", "| to come | **4 missing** | **4 missing** | **4 missing** | not yet |",
            "| el2 | – | 1 | – | interrupt controller", "- c: alone (**fails**)")
    clean([f"docs/parity.md would lack {w!r}" for w in want if w not in text])
    if holes != ["a: nowhere else: nothing on x86_64", "a: nowhere else: nothing on aarch64"]:
        raise Failed(f"empty places without a reason: {holes}\n{text}")


def pins():
    """A package comes only with the hash that is pinned; one that the pool lacks is told from that; the lock says what was written."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        pool, folder = work / "pool/main/a", work / "debs"
        pool.mkdir(parents=True)
        rows = []
        for name, version, arch in (("aa", "1%3a2+b1~x-3", "amd64"), ("ab", "2", "all")):
            path = pool / f"{name}_{version.partition('%3a')[2] or version}_{arch}.deb"
            path.write_bytes(name.encode() * 99)
            rows.append((f"{name}_{version}_{arch}.deb", hashlib.sha256(path.read_bytes()).hexdigest(), str(path.relative_to(work))))
        text = packages.written([("s", "amd64", *row) for row in reversed(rows)])
        if packages.listing(text, "s", "amd64") != rows[::-1] or packages.listing(text, "s", "arm64"):
            raise Failed(f"the lock lost something: {text}")
        mirror = f"copy:{work}"
        good = packages.fetch(mirror, folder, rows)
        if good != (0, [folder / row[0] for row in rows]):
            raise Failed(f"what is right does not come: {good}")
        (folder / rows[1][0]).write_bytes(b"damaged")
        if packages.fetch(mirror, folder, rows)[0] or (folder / rows[1][0]).read_bytes() != b"ab" * 99:
            raise Failed("a damaged file in the cache is not fetched again")
        forged = [rows[0], (rows[1][0], "0" * 64, rows[1][2])]
        status, why = packages.fetch(mirror, work / "other", forged)
        if status != 1 or not why.startswith("ab_2_all.deb is refused") or list((work / "other").glob("ab*")):
            raise Failed(f"a wrong hash is not refused: {status} {why}")
        gone = [rows[0], ("ac_1_all.deb", "0" * 64, "pool/main/a/ac_1_all.deb")]
        status, why = packages.fetch(mirror, work / "third", gone)
        if status != 3 or not why.startswith("not in the pool: ac_1_all.deb"):
            raise Failed(f"what the pool lacks is not told: {status} {why}")
    for arch in ("amd64", "arm64", "riscv64"):
        if not packages.listing(packages.LOCK.read_text(), "user", arch):
            raise Failed(f"ci/packages.lock has no set user for {arch}")


def cases(ctx):
    yield Case("layers and cycles", lambda: clean(check_layers.check(top)))

    def style():
        # While a part is being written its files may not be in the build yet: quick lets that pass.
        problems, warnings = check_style.check(top, listed=ctx.at_least("default"))
        clean(problems)
        return "; ".join(warnings)
    yield Case("style", style)
    yield Case("planted: holes in docs/parity.md", parity_page)
    yield Case("planted: packages with a wrong hash", pins)
    if ctx.at_least("default"):
        for name, files, expected in PLANTED:
            yield Case(f"planted: {name}", planted(check_layers.check, files, expected))
        for name, files, expected in PLANTED_STYLE:
            yield Case(f"planted: {name}", planted(lambda f: check_style.check(f)[0], files, expected))
