#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ci/packages.lock: exactly which Debian packages are fetched for the machines under test.

usage: packages.py list SET ARCH         the packages of a set, in the order in which they are unpacked
       packages.py fetch MIRROR FOLDER   brings what stands on stdin; its paths on stdout, in that order
       packages.py write                 writes the lock from such lines on stdin, each behind `SET ARCH `
A line is `FILE SHA-256 PATH-IN-THE-POOL`; FILE is apt's name of it, which has the version's epoch. `fetch` ends with 3
when the pool lacks a file, and with 1 when one has another hash: then it is thrown away.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import textwrap

LOCK = pathlib.Path(__file__).resolve().parents[1] / "packages.lock"
HEAD = """\
# Debian packages that ci/setup fetches, by SHA-256. Written by `ci/setup --lock`, which takes what the suite has now.
# First the packages: architecture, name, version, SHA-256, path in the pool. Then the sets that ci/tools/debs.sh names,
# each with its packages in the order in which they are unpacked.
"""


def parse(text):
    """({(arch, name): (version, sha256, path)}, {(set, arch): [name]})"""
    packages, sets, names = {}, {}, None
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "set":
            names = sets.setdefault((words[1], words[2]), [])
        elif names is not None:
            names += words
        else:
            arch, name, version, digest, path = words
            packages[arch, name] = version, digest, path
    return packages, sets


def listing(text, set_name, arch):
    """[(file, sha256, path)] of a set; empty when it is not pinned."""
    packages, sets = parse(text)
    out = []
    for name in sets.get((set_name, arch), []):
        kind = arch if (arch, name) in packages else "all"
        version, digest, path = packages[kind, name]
        out.append((f"{name}_{version.replace(':', '%3a')}_{kind}.deb", digest, path))
    return out


def written(rows):
    """The lock's text for ROWS of (set, arch, file, sha256, path)."""
    packages, sets = {}, {}
    for set_name, arch, file, digest, path in rows:
        name, version, kind = file.removesuffix(".deb").split("_")
        packages[kind, name] = f"{kind} {name} {version.replace('%3a', ':')} {digest} {path}"
        sets.setdefault((set_name, arch), []).append(name)
    lines = [packages[key] for key in sorted(packages)]
    for (set_name, arch), names in sorted(sets.items()):
        lines += ["", f"set {set_name} {arch}", *textwrap.wrap(" ".join(names), 110, break_on_hyphens=False)]
    return HEAD + "\n".join(lines) + "\n"


def has(path, digest):
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch(mirror, folder, rows):
    """(0, paths), or (1 or 3, why) as the head of the file says."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [row for row in rows if not has(folder / row[0], row[1])]
    parts = {file: folder / f"{file}.part" for file, _, _ in wanted}
    words = []
    for file, _, path in wanted:
        parts[file].unlink(missing_ok=True)
        words += [f"{mirror}/{path.replace('+', '%2b').replace('~', '%7e')}", parts[file], ""]
    errors = ""
    if words:
        # The hash is ours to check: apt would say no more than that it failed.
        errors = subprocess.run(["/usr/lib/apt/apt-helper", "-oAPT::Sandbox::User=root", "download-file", *words],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}).stderr
    gone = []
    for file, digest, path in wanted:
        if not parts[file].exists():
            why = next((line.split("  ", 1)[-1].split(" [")[0] for line in errors.splitlines() if path.split("/")[-1].split("_")[0] in line), "")
            gone.append(f"{file} ({why.strip() or 'no answer'})")
        elif has(parts[file], digest):
            parts[file].rename(folder / file)
        else:
            found = hashlib.sha256(parts[file].read_bytes()).hexdigest()
            parts[file].unlink()
            return 1, f"{file} is refused: its SHA-256 is {found}, not {digest}"
    if gone:
        return 3, "not in the pool: " + gone[0] + (f" and {len(gone) - 1} more" if len(gone) > 1 else "")
    return 0, [folder / file for file, _, _ in rows]


def main():
    command, *words = sys.argv[1:]
    if command == "list":
        for row in listing(LOCK.read_text() if LOCK.exists() else "", *words):
            print(*row)
    elif command == "fetch":
        status, answer = fetch(words[0], pathlib.Path(words[1]), [line.split() for line in sys.stdin])
        if status:
            print(answer, file=sys.stderr)
            sys.exit(status)
        print(*answer, sep="\n")
    elif command == "write":
        text = written([line.split() for line in sys.stdin])
        part = LOCK.with_suffix(".part")
        part.write_text(text)
        part.rename(LOCK)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
