# SPDX-License-Identifier: BSD-2-Clause
"""docs/parity.md: what passed on which architecture with how many CPUs, and why a place is empty.

A place is empty when a test ran somewhere else but not here. Each needs a row in REASONS; one
without is a failure of the run, so that a test for one architecture alone cannot slip in.
"""
import re

ARCHES = ("x86_64", "aarch64", "riscv64")
OK, FAILS = "ok", "fails"       # a state; any other text says why the part under test is missing

# (what the test is called, in which architectures it may be absent ("" any), why)
REASONS = [
    (r"^ktest: suite (x86|aarch64|riscv64|apic|gic|plic)", "", "tests the code of one architecture"),
    (r"^ktest: suite acpi", "aarch64 riscv64", "tables come there with UEFI, which is not booted yet (CAVEATS.md)"),
    (r"^boot: (q35|pc|microvm|microvm fdt|microvm modern|microvm,)", "aarch64 riscv64", "a board of x86_64"),
    (r"^boot: (qemu64|Skylake)", "aarch64 riscv64", "a CPU of x86_64"),
    (r"^boot: (gicv3|el2|secure|cortex)", "x86_64 riscv64", "interrupt controller, exception level or CPU of AArch64"),
    (r"^boot: (opensbi|no sstc|zkr)", "x86_64 aarch64", "firmware or instruction-set extension of RISC-V"),
    (r"^boot: virt ", "x86_64", "the board `virt`; x86_64 has q35, pc and microvm instead"),
    (r"^boot: u-boot", "x86_64", "U-Boot of Debian boots no x86_64 kernel of this kind"),
    (r"^boot: .*(same line, mmio)", "x86_64", "q35 has no virtio-mmio; Debian's cloud kernel does not boot on microvm's"),
    (r"^debug: gdb catch", "riscv64", "gdb 16 knows no names of system calls there"),
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


def shown(here):
    """What a place says: HERE is {CPUs: state}."""
    words = []
    for cpus, state in sorted(here.items()):
        if state == OK:
            words.append(str(cpus) if cpus else "yes")
        else:
            words.append(f"**{cpus} {'fails' if state == FAILS else 'missing'}**".replace("**0 ", "**"))
    return " ".join(words) or "–"


def table(cells):
    """CELLS: {(name, arch, cpus): state}. (rows of the page, names of empty places without a reason)"""
    rows, unexplained = [], []
    for name in sorted({key[0] for key in cells}):
        counts = sorted({c for n, _, c in cells if n == name})
        places, whys = [], []
        for arch in ARCHES:
            here = {c: cells[name, arch, c] for c in counts if (name, arch, c) in cells}
            places.append(shown(here))
            whys += [s for s in here.values() if s not in (OK, FAILS) and s not in whys]
            empty = [c for c in counts if c not in here]
            why = reason(name + (f" -smp {empty[-1]}" if here else ""), arch) if empty else ""
            if why and why not in whys:
                whys.append(why)
            if empty and not why:
                unexplained.append(f"{name}: nothing on {arch}" + (f" with {empty} CPUs" if here else ""))
        rows.append(f"| {name.partition(': ')[2] or 'all'} | " + " | ".join(places) + " | " + "; ".join(whys) + " |")
    return rows, unexplained


HEAD = """# What passes where

Written by `ci/test {selection}`. {total} tests: {whole} pass on the three architectures, {partly} pass where they can run and
the last column says why they cannot elsewhere, {bad} do not pass.

Numbers are counts of virtual CPUs with which a test passed; `yes`: it passed and does not depend on them; –: it does not run
there. A test that ran somewhere and has an empty place without a reason fails the run.
"""


def write(cells, elsewhere, page, selection, suites):
    """
    Writes PAGE; returns names of empty places without a reason. CELLS as table() wants it, names `suite: test`;
    ELSEWHERE: {name: state} of tests that concern no architecture; SUITES: {name: what it is}, in order.
    """
    sections, unexplained, count = [], [], {"whole": 0, "partly": 0, "bad": 0}
    for suite, what in suites.items():
        mine = {key: state for key, state in cells.items() if key[0].partition(":")[0] == suite}
        if not mine:
            continue
        rows, missing = table(mine)
        unexplained += missing
        for row in rows:
            count["bad" if "**" in row else "partly" if "–" in row else "whole"] += 1
        sections += ["", f"## {suite}: {what}", "", "| test | " + " | ".join(ARCHES) + " | why a place is empty |", "|---|" + "---|" * 4, *rows]
    if elsewhere:
        sections += ["", "## On the machine that builds: no architecture, or the simulation", ""]
        for suite in suites:
            names = [f"{n.partition(': ')[2]}" + ("" if s == OK else f" (**{s}**)")
                     for n, s in elsewhere.items() if n.partition(":")[0] == suite]
            if names:
                sections.append(f"- {suite}: {'; '.join(names)}")
    head = HEAD.format(selection=selection, total=sum(count.values()), **count)
    page.write_text(head + "\n".join(sections) + "\n")
    return unexplained
