#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Puts the third-party sources named in subprojects/*.wrap where Meson looks for them.

usage: sources.py          copy from the cache ($TRIVET_CACHE/sources) into subprojects/packagecache
       sources.py --list   print `hash filename pool-path` for each, for ci/setup
Run by meson.build at configuration, so that any clone finds what ci/setup fetched once.
"""
import configparser
import hashlib
import os
import pathlib
import shutil
import sys


def is_applied(diff, folder):
    """Every line that the diff adds is in the file it adds it to."""
    target = None
    for line in diff.read_text().splitlines():
        if line.startswith("+++ "):
            target = (folder / line.split()[1].split("/", 1)[1]).read_text()
        elif line.startswith("+") and line[1:] not in target:
            return False
    return True


top = pathlib.Path(__file__).resolve().parents[2]
cache = pathlib.Path(os.environ.get("TRIVET_CACHE") or pathlib.Path.home() / ".cache/trivet")
target = top / "subprojects/packagecache"
for wrap in sorted((top / "subprojects").glob("*.wrap")):
    section = configparser.ConfigParser(interpolation=None)
    section.read(wrap)
    section = section["wrap-file"]
    name = section["source_filename"]
    if sys.argv[1:] == ["--list"]:
        print(section["source_hash"], name, section["source_url"].partition("/debian/")[2])
    elif not (target / name).exists():
        if not (cache / "sources" / name).exists():
            sys.exit(f"{name} is not in {cache}/sources: run ci/setup")
        target.mkdir(exist_ok=True)
        part = target / f".{name}.{os.getpid()}"
        shutil.copyfile(cache / "sources" / name, part)
        part.rename(target / name)
    # Meson lays our build files over the sources only when it unpacks them: keep them up to date.
    overlay = top / "subprojects/packagefiles" / section.get("patch_directory", name)
    unpacked = top / "subprojects" / section["directory"]
    # It applies our diff files only then, too: sources with others are thrown away and unpacked again.
    if sys.argv[1:] != ["--list"] and section.get("diff_files"):
        diffs = [top / "subprojects/packagefiles" / d.strip() for d in section["diff_files"].split(",")]
        digest = hashlib.sha256(b"".join(d.read_bytes() for d in diffs)).hexdigest()
        mark = unpacked / f".diffs-{digest[:16]}"
        if unpacked.is_dir() and not mark.exists():
            known = list(unpacked.glob(".diffs-*"))
            if known or not all(is_applied(d, unpacked) for d in diffs):
                shutil.rmtree(unpacked)
            else:
                mark.touch()
    if sys.argv[1:] != ["--list"] and unpacked.is_dir():
        for path in overlay.rglob("*"):
            copy = unpacked / path.relative_to(overlay)
            if path.is_file() and not (copy.exists() and copy.read_bytes() == path.read_bytes()):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
