# SPDX-License-Identifier: BSD-2-Clause
"""docs/parity.md: what passed on which architecture with how many CPUs, and why a place is empty.

A place is empty when a test ran somewhere else but not here. Each needs a row in REASONS; one
without is a failure of the run, so that a test for one architecture alone cannot slip in.
"""
import re

ARCHES = ("x86_64", "aarch64", "riscv64")

# (what the test is called, in which architectures it may be absent ("" any), why)
REASONS = [
    (r"^ktest: suite (x86|aarch64|riscv64|apic|gic|plic)", "", "tests the code of one architecture"),
    (r"^boot: (q35|pc|microvm|microvm fdt|microvm modern|microvm,)", "aarch64 riscv64", "a board of x86_64"),
    (r"^boot: (qemu64|Skylake)", "aarch64 riscv64", "a CPU of x86_64"),
    (r"^boot: (gicv3|el2|secure|cortex)", "x86_64 riscv64", "interrupt controller, exception level or CPU of AArch64"),
    (r"^boot: (opensbi|no sstc|zkr)", "x86_64 aarch64", "firmware or instruction-set extension of RISC-V"),
    (r"^boot: virt ", "x86_64", "the board `virt`; x86_64 has q35, pc and microvm instead"),
    (r"^boot: u-boot", "x86_64", "U-Boot of Debian boots no x86_64 kernel of this kind"),
    (r"^boot: .*(same line, mmio)", "x86_64", "q35 has no virtio-mmio; Debian's cloud kernel does not boot on microvm's"),
    (r"-smp [248]", "riscv64", "under icount RISC-V runs one CPU only (QEMU 7.2)"),
]


def split(name):
    """(name without architecture and CPU count, architecture or "", CPU count or 0)"""
    arch = next((a for a in ARCHES if re.search(rf"(?<![\w-]){a}(?![\w-])", name)), "")
    smp = re.search(r" -smp (\d+)", name)
    rest = re.sub(r" -smp \d+", "", name)
    rest = re.sub(rf" ?(?<![\w-]){arch}(?![\w-])", "", rest, count=1) if arch else rest
    return rest.strip(), arch, int(smp[1]) if smp else 0


def reason(name, arch):
    for pattern, absent, why in REASONS:
        if re.search(pattern, name) and (not absent or arch in absent.split()):
            return why
    return ""


def table(cells):
    """CELLS: {(name, arch, cpus): passed}. (rows of the page, names of empty places without a reason)"""
    rows, unexplained = [], []
    for name in sorted({key[0] for key in cells}):
        counts = sorted({c for n, _, c in cells if n == name})
        shown, whys = [], []
        for arch in ARCHES:
            here = {c: cells[name, arch, c] for c in counts if (name, arch, c) in cells}
            told = " ".join((str(c) if c else "yes") if ok else (f"**{c} fails**" if c else "**fails**") for c, ok in here.items())
            empty = [c for c in counts if c not in here]
            if empty:
                why = reason(name + (f" -smp {empty[-1]}" if here else ""), arch)
                if why and why not in whys:
                    whys.append(why)
                elif not why:
                    unexplained.append(f"{name}: nothing on {arch}" + (f" with {empty} CPUs" if here else ""))
            shown.append(told or "–")
        rows.append(f"| {name} | " + " | ".join(shown) + " | " + "; ".join(whys) + " |")
    return rows, unexplained


def write(cells, page, selection):
    """Writes PAGE; names of empty places without a reason."""
    rows, unexplained = table(cells)
    whole = sum(1 for row in rows if "–" not in row and "fails" not in row)
    text = ["# What passes where", "",
            f"Written by `ci/test {selection}`: {len(rows)} tests, {whole} of them pass wherever they run on the three architectures.",
            "Numbers are counts of CPUs with which the test passes; `yes`: it does not depend on them; –: it does not run there.", "",
            "| test | " + " | ".join(ARCHES) + " | why a place is empty |", "|---|" + "---|" * 4]
    page.write_text("\n".join(text + rows) + "\n")
    return unexplained
