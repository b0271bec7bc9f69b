# SPDX-License-Identifier: BSD-2-Clause
"""Figures that may not grow: instructions of boot and of core operations, memory, size of the kernel.

tests/bench/allowed.json holds the highest allowed values per architecture; `ci/bench --allow` writes
it anew from what is measured, with a margin. Raising a value needs a reason in the commit. Counts
are exact (icount), so a failure is never noise.
"""
import json

import benching
import item_profile as profile
import qemu
from testing import Case, Failed, top

NAME, WHEN, ORDER = "gates", "default", 70
HELP = "instruction counts and events per operation, smallest memory and size against tests/bench/allowed.json"

page = top / "tests/bench/allowed.json"
ITEMS = ("null", "read", "stat", "open-close", "signal-catch", "pipe", "futex-wake", "switch-2-threads", "fault-anon",
         "fork", "fork-exec")


def measure(arch, build):
    """{name: value} of the counted gates; ns are instructions."""
    m = benching.machine(arch, False, str(build), icount=True)
    figures = benching.run_items(m, ITEMS)
    bad = [f"{name}: {f.why}" for name, f in figures.items() if f.why]
    bad += [f"{name} did not run" for name in ITEMS if name not in figures]
    if bad:
        raise Failed("\n".join(bad))
    found = {name: round(figures[name].value) for name in ITEMS}
    found["boot"] = benching.run_boot(m)
    found["file"] = benching.kernel_size(arch, str(build))[0]
    return found


def compare(found, allowed):
    """Lines for what is above, and a remark on what could be lowered."""
    above = [f"{name}: {found[name] or 'no value'}, allowed {limit}" for name, limit in allowed.items()
             if name != "memory" and (not found.get(name) or found[name] > limit)]
    low = [f"{name} {found[name]} of {limit}" for name, limit in allowed.items()
           if found.get(name) and found[name] < 0.7 * limit]
    return above, low


def counted(ctx, arch):
    build = ctx.fresh(arch, "--release", "--no-tests")
    above, low = compare(measure(arch, build), json.loads(page.read_text())[arch])
    if above:
        raise Failed("above tests/bench/allowed.json:\n" + "\n".join(above))
    return "could be lowered: " + ", ".join(low) if low else ""


# What one operation may cost besides instructions, in flushes of translations, roots written and firmware calls.
EVENTS = {"null": (0, 0, 0), "switch-2-threads": (0, 0, 0), "pipe": (2, 2, 0), "fork": (10, 3, 0)}


def events(ctx, arch):
    """Counted by QEMU (ci/tools/qemu_profile.c) while the operation runs."""
    build = str(ctx.fresh(arch, "--release", "--no-tests"))
    bad = []
    for item, allowed in EVENTS.items():
        found = profile.measure(arch, item, build=build)[2]
        for name, limit in zip(("flush", "root", "firmware"), allowed):
            if found[name] > limit + 0.05:
                bad.append(f"{item}: {found[name]:.2f} {name}, allowed {limit}")
    if bad:
        raise Failed("\n".join(bad))


def twice(ctx, arch):
    """Two counted runs give the same figures to the last digit."""
    m = benching.machine(arch, False, str(ctx.fresh(arch, "--release", "--no-tests")), icount=True)
    runs = [{n: (f.unit, f.value, f.why) for n, f in benching.run_items(m, ("null", "open-close", "pipe", "fork")).items()}
            for _ in range(2)]
    if runs[0] != runs[1] or len(runs[0]) != 4 or any(why for _, _, why in runs[0].values()):
        raise Failed(f"first {runs[0]}\nthen  {runs[1]}")
    return " ".join(f"{n} {v[1]:g}" for n, v in runs[0].items())


def small_memory(ctx, arch):
    build = ctx.fresh(arch, "--release", "--no-tests")
    limit = json.loads(page.read_text())[arch]["memory"]
    result = qemu.run(benching.machine(arch, False, str(build), mem=f"{limit}M"), "echo up", 60)
    if result.output != b"up\n":
        raise Failed(f"no shell with -m {limit}M: {result.reason}\n{qemu.fail_log(result)}")


def references(ctx):
    """Linux's figures in the tree were made by the programs in the tree."""
    old = [arch for arch in ctx.arches if not benching.read_reference(arch)[3]]
    if old:
        raise Failed(f"tests/bench changed since tests/linux-reference/bench-*.json of {', '.join(old)} were made: "
                     "run ci/bench --linux")


def can_fail():
    """A value above its limit, a missing one and a wrong loop are found."""
    above, low = compare({"null": 11, "boot": None, "pipe": 5}, {"null": 10, "boot": 10, "pipe": 10, "memory": 1})
    if [line.split(":")[0] for line in above] != ["null", "boot"] or [line.split()[0] for line in low] != ["pipe"]:
        raise Failed(f"planted values give {above} {low}")
    figures = benching.read_figures("bench null t 251000\r\nbench tcp missing no\nbench x failed here\n")
    if figures["null"].value != 251 or not figures["tcp"].why or figures["x"].shown() != "failed":
        raise Failed(f"lines read wrongly: {figures}")
    if benching.interval([1, 2, 3, 4, 5, 6, 7, 8, 9]) != (5, 2, 8):
        raise Failed("the interval of nine pairs")


def cases(ctx):
    yield Case("planted values", can_fail)
    yield Case("references", lambda: references(ctx))
    for arch in ctx.arches:
        yield Case(f"{arch} counts", lambda a=arch: counted(ctx, a))
        yield Case(f"{arch} twice the same", lambda a=arch: twice(ctx, a))
        yield Case(f"{arch} events", lambda a=arch: events(ctx, a))
        yield Case(f"{arch} memory", lambda a=arch: small_memory(ctx, a))


def write_allowed(arches):
    """For ci/bench --allow: what is measured and a margin of an eighth; memory: a MiB more."""
    allowed = json.loads(page.read_text()) if page.exists() else {}
    for arch in arches:
        build = top / "build" / f"{arch}-release-notests"
        found = {name: value + value // 8 for name, value in measure(arch, build).items()}
        found["memory"] = benching.run_smallest(arch, False, str(build)) + 1
        allowed[arch] = found
    page.write_text(json.dumps(allowed, indent=1) + "\n")
