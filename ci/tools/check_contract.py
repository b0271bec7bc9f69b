#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares what include/arch/*.h declares with what an architecture's objects define.

usage: check_contract.py ARCH [BUILD_DIR]
Every arch_* name declared there must be defined by the build, and an architecture's objects may
define no other global arch_* name: what is private has another name or is static. In the simulation,
whose core is a library of its own, what that library lacks must be the contract and nothing else.
"""
import pathlib
import re
import subprocess
import sys

top = pathlib.Path(__file__).resolve().parents[2]


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def declared(folder):
    """Names of functions and objects declared (not defined inline) in the headers of FOLDER."""
    names = set()
    for header in sorted(folder.glob("*.h")):
        text = without_comments(header.read_text())
        text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
        # Bodies of inline functions and structs hold no declarations of the contract.
        while True:
            shorter = re.sub(r"\{[^{}]*\}", " BODY ", text)
            if shorter == text:
                break
            text = shorter
        text = re.sub(r"static inline[^;]*? BODY ", "", text)
        for statement in text.split(";"):
            if "static inline" in statement or "typedef" in statement:
                continue
            m = re.search(r"\b(arch_\w+)\s*\(", statement)
            names.update([m[1]] if m else re.findall(r"\b(arch_\w+)\s*(?:\[\]|,|$)", statement.strip())
                         if "extern" in statement else [])
    return names


def defined(nm, objects):
    out = subprocess.run([nm, "-g", "--defined-only", *map(str, objects)], capture_output=True, text=True, check=True)
    return {p[2] for p in (line.split() for line in out.stdout.splitlines()) if len(p) == 3}


# What the compiler puts into any code, the linker script's marks (include/arch/boot.h), the generated driver table's rows.
NOT_OURS = re.compile(r"_GLOBAL_OFFSET_TABLE_|__(a|ub)san_\w+|__sanitizer_\w+|__(image|text|rodata|init|init_text|ro_after_init|data"
                      r"|percpu|bss)_(start|end)|__u?divti3|driver_sim_\w+")


def core_lacks(nm, build, contract):
    """Problems: names that the core (without arch/) uses, nobody in it defines, and the contract does not have."""
    objects = list(build.glob("tests/sim/libcore.a.p/*.o"))
    out = subprocess.run([nm, "-u", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    lacks = {line.split()[-1] for line in out.splitlines() if line.split()[:1] == ["U"]} - defined(nm, objects)
    lacks -= defined(nm, build.glob("subprojects/*/*.a"))  # third-party libraries
    return [f"sim: the core uses {n}, which is neither its own nor in include/arch" for n in sorted(lacks - contract)
            if not NOT_OURS.fullmatch(n)]


def check(arch, build):
    nm = "nm" if arch == "sim" else f"{arch}-linux-gnu-nm"
    build = pathlib.Path(build)
    objects = list(build.glob("tests/sim/*.p/*.o" if arch == "sim" else "*.p/*.o"))
    own = [o for o in objects if o.name.lstrip("._").startswith(f"arch_{arch}_")]
    if not own:
        return None
    contract = declared(top / "include/arch")
    all_names = defined(nm, [o for o in objects if "-objects.a.p" in str(o.parent) or arch == "sim"])
    # Generated objects of the architecture (the vDSO image) may carry other file names.
    private = {n for n in defined(nm, own) if n.startswith("arch_")} - contract
    native = "".join(without_comments(h.read_text()) for h in (top / f"arch/{arch}/include").rglob("*.h"))
    private = {n for n in private if not re.search(rf"\b{n}\b", native)}
    lacks = core_lacks(nm, build, contract | set(re.findall(r"\w+", native))) if arch == "sim" else []
    return lacks + [f"{arch}: include/arch declares {n}, nothing defines it" for n in sorted(contract - all_names)] + \
           [f"{arch}: {n} is global but not in include/arch" for n in sorted(private)]


if __name__ == "__main__":
    found = check(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else top / "build" / sys.argv[1])
    if found is None:
        sys.exit(f"arch/{sys.argv[1]} is not built")
    print("\n".join(found))
    sys.exit(bool(found))
