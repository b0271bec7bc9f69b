#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of a benchmark's item go: ci/tools/item_profile.py ARCH ITEM [--linux] [--build DIR] [--top N]

Runs the item under QEMU with our plugin (qemu_profile.c) and prints, for one operation: instructions in
user mode and in the kernel, TLB flushes, writes of the root, firmware calls, and the functions in order
(for Linux, whose kernel comes without symbols, the sums only). Blocks count where they begin, so an
inlined function belongs to its caller.
"""
import argparse
import bisect
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import benching  # noqa: E402
import qemu  # noqa: E402

ROUNDS = 5  # of tests/bench/main.c
KERNEL = 1 << 63


def plugin():
    source = pathlib.Path(__file__).with_name("qemu_profile.c")
    library = qemu.top / "build/qemu_profile.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        library.parent.mkdir(exist_ok=True)
        subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def symbols(path):
    out = subprocess.run(["nm", "-n", path], capture_output=True, text=True).stdout
    table = [(int(w[0], 16), w[2]) for w in (line.split() for line in out.splitlines()) if len(w) == 3 and w[1] in "tTwW"]
    table = [(a, n) for a, n in table if not n.startswith(("$", ".L"))]
    return [a for a, _ in table], [n for _, n in table]


def name_of(table, address):
    at = bisect.bisect_right(table[0], address) - 1
    return table[1][at] if at >= 0 else hex(address)


def operations(arch, item):
    own = benching.program("x86_64")  # lists for all
    for line in subprocess.run([own, "--list"], capture_output=True, text=True).stdout.splitlines():
        name, _, n = line.split()
        if name == item:
            return int(n) * ROUNDS
    sys.exit(f"no item {item}")


def measure(arch, item, linux=False, build=""):
    """(user, kernel instructions, {event: times}, {function: instructions}), each for one operation."""
    with tempfile.NamedTemporaryFile(suffix=".profile") as out:
        m = benching.machine(arch, linux, build, icount=True, extra=["-plugin", f"{plugin()},out={out.name}"])
        m.append += " nokaslr"  # addresses become names by the linked file
        result = qemu.run(m, f"sleep 3; /bin/bench {item}", 300)
        figures = benching.read_figures(result.output.decode(errors="replace"))
        if item not in figures or figures[item].why:
            raise benching.BenchError(f"{item}: {figures.get(item) or result.reason}")
        lines = [line.split() for line in pathlib.Path(out.name).read_text().splitlines()]
    count = operations(arch, item)
    kernel = None if linux else symbols(m.kernel_path() if arch == "x86_64" else pathlib.Path(m.build) / "trivet")
    user = symbols(benching.program(arch))
    sums, functions, events = {False: 0, True: 0}, {}, {}
    for line in lines:
        if line[0] == "event":
            events[line[1]] = int(line[2]) / count
            continue
        address, instructions = int(line[1], 16), int(line[2]) * int(line[3])
        in_kernel = address >= KERNEL
        sums[in_kernel] += instructions / count
        table = kernel if in_kernel else user
        name = "(kernel)" if table is None else name_of(table, address) if in_kernel else "user " + name_of(table, address)
        functions[name] = functions.get(name, 0) + instructions / count
    return sums[False], sums[True], events, functions


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], prog="ci/tools/item_profile.py")
    parser.add_argument("arch")
    parser.add_argument("item")
    parser.add_argument("--linux", action="store_true")
    parser.add_argument("--build", help="folder of the kernel; default: the release build without tests")
    parser.add_argument("--top", type=int, default=30)
    args = parser.parse_args()
    build = args.build or str(qemu.top / "build" / f"{args.arch}-release-notests")
    user, kernel, events, functions = measure(args.arch, args.item, args.linux, build)
    print(f"{args.item} on {args.arch}: {user:.0f} instructions in user mode, {kernel:.0f} in the kernel; "
          + ", ".join(f"{n:.2f} {name}" for name, n in events.items()))
    for name, n in sorted(functions.items(), key=lambda x: -x[1])[:args.top]:
        print(f"{n:10.1f}  {name}")


if __name__ == "__main__":
    main()
