# SPDX-License-Identifier: BSD-2-Clause
"""docs/performance.md and a chart per architecture, from the results of ci/bench."""
import math
import pathlib
import re
import subprocess

import benching

top = pathlib.Path(__file__).resolve().parents[2]
docs = top / "docs"

# What share of Linux's time is aimed at; items that stand nowhere here: GOAL.
GOAL = 0.7
GOALS = {"null": 0.5, "stat": 0.6, "fstat": 0.6, "open-close": 0.6, "pipe": 0.6, "unix": 0.6, "switch-2-processes": 0.6,
         "switch-8-processes": 0.6, "fork": 0.5, "fork-exec": 0.5, "shell": 0.5, "create": 0.67, "delete": 0.67,
         "pipe-bandwidth": 1.0, "tcp-bandwidth": 1.0, "unix-bandwidth": 1.0}

HEAD = """# Figures

Written by `ci/bench` (the command that redoes it) at {version}: release build without tests, QEMU 7.2 TCG, one CPU,
`-icount shift=0,sleep=off -seed 1 -rtc clock=vm`, where 1 ns of guest time is one instruction and two runs give the
same figures. Linux is Debian's 6.12 on the same QEMU line with the same initramfs (`ci/bench --linux` measures it again;
its figures lie in `tests/linux-reference/`). `ci/bench --time` compares wall-clock time in pairs.

## Boot, memory, size
| | x86_64 | aarch64 | riscv64 |
|---|---:|---:|---:|
"""

NOTES = """
Boot: from power-on, firmware included, to the first instruction of an init (the x86_64 firmware alone takes about
20 M). Memory: the smallest `-m` with which a shell of a small initramfs answers.

"""

ITEMS = """## Operations
Trivet / Linux, and Trivet's time over Linux's (below 1 is faster, for bandwidths too). Bold: above its goal, which is {goal} unless
the chart says otherwise. The programs are in `tests/bench/`; each checks that its work was done.

"""

AFTER = """
How to read it: a string instruction of x86_64 counts once per element under TCG, so clearing and copying cost Linux, which uses
`rep stosb` and `rep movsb` there, more than they would by the clock. Figures contain the time of timer ticks.
"""


def millions(value):
    return f"{value / 1e6:.1f} M" if value else "–"


def mib(value):
    return f"{value / (1 << 20):.2f} MiB" if value else "–"


def whole_rows(rows):
    def cells(make):
        return " | ".join(make(r["trivet"], r["linux"]) for r in rows)
    return [f"| boot, instructions: Trivet / Linux | {cells(lambda t, x: millions(t.get('boot')) + ' / ' + millions(x.get('boot')))} |",
            f"| smallest memory, MiB | {cells(lambda t, x: '{} / {}'.format(t.get('memory') or '–', x.get('memory') or '–'))} |",
            f"| kernel file | {cells(lambda t, x: mib(t.get('file')) + ' / ' + mib(x.get('file')))} |",
            f"| loaded, with bss | {cells(lambda t, x: mib(t.get('loaded')))} |"]


def item_cell(item, name):
    if not item:
        return "–"
    if not item["ratio"]:
        return f"{item['trivet_shown']} / {item['linux_shown']}"
    ratio = f"{item['ratio']:.2f}"
    if item["ratio"] > GOALS.get(name, GOAL):
        ratio = f"**{ratio}**"
    return f"{item['trivet_shown']} / {item['linux_shown']}, {ratio}"


def mean(items):
    ratios = [i["ratio"] for i in items.values() if i["ratio"]]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 0


def write(rows):
    version = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=top, capture_output=True, text=True).stdout.strip()
    text = [HEAD.format(version=version).rstrip("\n"), *whole_rows(rows), NOTES.rstrip("\n"), "", ITEMS.format(goal=GOAL).rstrip("\n"), "",
            "| item | x86_64 | aarch64 | riscv64 |", "|---|---:|---:|---:|"]
    for name in rows[0]["items"]:
        text.append(f"| {name} | " + " | ".join(item_cell(r["items"].get(name), name) for r in rows) + " |")
    text.append("| geometric mean | " + " | ".join(f"{mean(r['items']):.3f}" for r in rows) + " |")
    text += [AFTER.rstrip("\n"), ""]
    text += [f"![Ratios on {r['arch']}](performance-{r['arch']}.svg)" for r in rows] + [""]
    page = docs / "performance.md"
    old = page.read_text() if page.exists() else ""
    later = re.search("\n## (" + "|".join(LATER) + ")\n", old)
    page.write_text("\n".join(text) + (old[later.start():] if later else ""))
    for row in rows:
        (docs / f"performance-{row['arch']}.svg").write_text(chart(row))


# ---- what other runs of ci/bench write: sections behind those of a whole run -----------------------------

LATER = ("Events per operation", "Debian's programs", "Over a card")  # in this order


def put_section(title, text):
    """Section TITLE of docs/performance.md becomes TEXT; the others stay."""
    page = docs / "performance.md"
    parts = re.split(r"\n(?=## )", page.read_text().rstrip("\n"))
    later = {p[3:].split("\n")[0]: p for p in parts if p[3:].split("\n")[0] in LATER}
    later[title] = f"## {title}\n{text}".rstrip("\n")
    kept = [p for p in parts if p[3:].split("\n")[0] not in LATER]
    page.write_text("\n".join(p.rstrip("\n") + "\n" for p in kept + [later[t] for t in LATER if t in later]))


EVENTS = """Times per operation, counted by QEMU (`ci/tools/qemu_profile.c`) in a run of `ci/bench --events`: flushes of translations /
writes of the page-table root / calls of firmware or hypervisor. `ci/test gates` has limits for some.

"""


def write_events(rows):
    """ROWS: {item: {arch: {"flush": …, "root": …, "firmware": …}}}"""
    def cell(found):
        return " / ".join(f"{found[n]:.2f}".rstrip("0").rstrip(".") for n in ("flush", "root", "firmware")) if found else "–"
    arches = sorted({a for found in rows.values() for a in found}, key=("x86_64", "aarch64", "riscv64").index)
    lines = ["| item | " + " | ".join(arches) + " |", "|---|" + "---:|" * len(arches)]
    lines += [f"| {item} | " + " | ".join(cell(found.get(a)) for a in arches) + " |" for item, found in rows.items()]
    put_section(LATER[0], EVENTS + "\n".join(lines))


PACKAGES = """`ci/bench --packages`, counted as above: Trivet / Linux and Trivet's time over Linux's; each figure contains starting the program
and its libraries. cyclictest: the average wake-up latency; iperf3: the time for a KiB. –: did not end well.

"""


def write_packages(rows):
    """ROWS: of ci/bench --packages, one per architecture. Columns of architectures that did not run now stay."""
    found = {}
    page = (docs / "performance.md").read_text()
    old = page.partition(f"\n## {LATER[1]}\n")[2].partition("\n## ")[0]
    table = [[c.strip() for c in line.strip("|").split("|")] for line in old.splitlines() if line.startswith("|")]
    for line in table[2:] if table and set(table[0][1:]) <= {"x86_64", "aarch64", "riscv64"} else ():
        for arch, text in zip(table[0][1:], line[1:]):
            found.setdefault(line[0], {})[arch] = text
    for row in rows:
        for name, i in row["items"].items():
            shown = [benching.Figure("t", i[k]).shown() if i[k] else "–" for k in ("trivet", "linux")]
            found.setdefault(name, {})[row["arch"]] = " / ".join(shown) + (f", {i['ratio']:.2f}" if i["ratio"] else "")
    arches = [a for a in ("x86_64", "aarch64", "riscv64") if any(a in f for f in found.values())]
    lines = ["| item | " + " | ".join(arches) + " |", "|---|" + "---:|" * len(arches)]
    lines += [f"| {name} | " + " | ".join(f.get(a, "–") for a in arches) + " |" for name, f in found.items()]
    put_section(LATER[1], PACKAGES + "\n".join(lines))


NETWORK = """`ci/bench --network`: Debian's iperf3 in a guest with one CPU against the host, TCP, 4 s each way, by the clock (so not to be
compared with figures of another day), A B A B: Mbit/s of Trivet / Linux, the median of the pairs' ratios (above 1 is faster). user: QEMU's own
network, without offloads; tap: a device with checksum and segmentation offload in a network namespace.

"""


def write_network(rows):
    """ROWS: of ci/bench --network, one per architecture."""
    names = list(rows[0]["items"])
    lines = ["| path | " + " | ".join(r["arch"] for r in rows) + " |", "|---|" + "---:|" * len(rows)]
    lines += [f"| {n} | " + " | ".join("{trivet:.0f} / {linux:.0f}, {ratio:.2f}".format(**r["items"][n]) for r in rows) + " |" for n in names]
    page = (docs / "performance.md").read_text()
    old = page.partition(f"\n## {LATER[2]}\n")[2].partition("\n## ")[0]
    kept = old.partition("\n### ")  # what was written by hand below the table
    put_section(LATER[2], NETWORK + "\n".join(lines) + (f"\n\n### {kept[2]}" if kept[1] else ""))


# ---- the chart: one bar per item, logarithmic, 1 = as Linux ---------------------------------------------

LEFT, WIDE, HIGH = 170, 560, 17  # px: names, plot, row
LOW_RATIO, HIGH_RATIO = 1 / 16, 4


def across(ratio):
    span = math.log(HIGH_RATIO / LOW_RATIO)
    return LEFT + WIDE * math.log(min(max(ratio, LOW_RATIO), HIGH_RATIO) / LOW_RATIO) / span


def chart(row):
    items = [(name, i["ratio"]) for name, i in row["items"].items() if i["ratio"]]
    bottom = 44 + HIGH * len(items)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDE + 60}" height="{bottom + 26}" font-family="sans-serif" '
           'font-size="11">', f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18" font-size="14">{row["arch"]}: Trivet\'s '
           f'instructions over Linux\'s, geometric mean {mean(row["items"]):.2f}</text>']
    for tick in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4):
        x, strong = across(tick), tick == 1
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{bottom}" stroke="{"#333" if strong else "#ccc"}"/>'
                   f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>')
    for i, (name, ratio) in enumerate(items):
        y, goal = 32 + HIGH * i, GOALS.get(name, GOAL)
        colour = "#2a7" if ratio <= goal else "#da3" if ratio <= 1 else "#c33"
        x, end = across(LOW_RATIO), across(ratio)
        out.append(f'<text x="{LEFT - 6}" y="{y + 11}" text-anchor="end">{name}</text>'
                   f'<rect x="{x:.1f}" y="{y + 2}" width="{end - x:.1f}" height="{HIGH - 5}" fill="{colour}"/>'
                   f'<line x1="{across(goal):.1f}" x2="{across(goal):.1f}" y1="{y}" y2="{y + HIGH - 1}" stroke="#000" stroke-width="2"/>'
                   f'<text x="{end + 4:.1f}" y="{y + 11}">{ratio:.2f}</text>')
    out.append(f'<text x="{LEFT}" y="{bottom + 24}" fill="#666" font-size="9">black mark: goal; green within it, yellow within Linux\'s '
               'time, red above</text></svg>')
    return "\n".join(out) + "\n"
