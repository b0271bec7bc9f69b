#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a reader relies on in every file: licence line, prologue, length, no left-overs, listed for the build.

usage: check_style.py [TOP]      prints problems (status 1) and, marked `warning:`, files over 600 lines
"""
import pathlib
import re
import subprocess
import sys

SOURCE = {".c", ".h", ".S"}
SCRIPT = {".py", ".sh"}
FOLDERS = ("include", "arch", "kernel", "drivers", "platform", "services", "tests", "ci", "cross", "subprojects/packagefiles")
SPDX = "SPDX-License-Identifier: BSD-2-Clause"
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
LINE_MAX = 100
FILE_MAX = 600


def width(line):
    return len(line.expandtabs(8))


def tracked(top):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS], cwd=top,
                         capture_output=True, text=True)
    names = out.stdout.split("\n") if out.returncode == 0 else \
        [p.relative_to(top).as_posix() for f in FOLDERS for p in (top / f).rglob("*")]
    return sorted(n for n in set(names) if n and (top / n).is_file())


def check_source(name, lines):
    problems = []
    if not lines or SPDX not in lines[0]:
        problems.append(f"{name}:1: the first line is not `/* {SPDX} */`")
    elif len(lines) < 2 or not lines[1].lstrip().startswith(("/*", "//")):
        problems.append(f"{name}:2: no prologue comment that says what the file is for")
    for number, line in enumerate(lines, 1):
        if line.rstrip() != line:
            problems.append(f"{name}:{number}: trailing space")
        if LEFT_OVER.search(line):
            problems.append(f"{name}:{number}: `{LEFT_OVER.search(line)[0]}`: do it, or list it in CAVEATS.md")
    return problems


def check_listed(top, names):
    """Every source file is named in its folder's meson.build, so nothing lies there uncompiled."""
    problems, listed = [], {}
    for name in names:
        path = pathlib.PurePosixPath(name)
        if path.suffix not in (".c", ".S") or path.parts[0] not in ("arch", "kernel", "drivers", "platform"):
            continue
        for folder in path.parents:
            meson = top / folder / "meson.build"
            if folder not in listed:
                listed[folder] = meson.read_text() if meson.exists() else ""
            relative = path.relative_to(folder).as_posix()
            if f"'{relative}'" in listed[folder] or f"'{path.name}'" in listed[folder]:
                break
        else:
            problems.append(f"{name}: no meson.build names it")
    return problems


def check(top, listed=True):
    """(problems, warnings); LISTED: also that a meson.build names each source"""
    top = pathlib.Path(top)
    names = tracked(top)
    problems, warnings, wide = [], [], 0
    for name in names:
        suffix = pathlib.PurePosixPath(name).suffix
        if suffix not in SOURCE | SCRIPT:
            continue
        lines = (top / name).read_text(errors="replace").splitlines()
        if suffix in SOURCE:
            problems += check_source(name, lines)
        elif SPDX not in "\n".join(lines[:2]):
            problems.append(f"{name}: no licence line")
        if len(lines) > FILE_MAX:
            warnings.append(f"{name}: {len(lines)} lines, over {FILE_MAX}: split it by idea")
        wide += sum(width(line) > LINE_MAX for line in lines) if suffix in SOURCE else 0
    if wide:
        warnings.append(f"{wide} lines are wider than {LINE_MAX} columns")
    return problems + (check_listed(top, names) if listed else []), warnings


if __name__ == "__main__":
    found, hints = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(found + [f"warning: {w}" for w in hints]))
    sys.exit(bool(found))
