#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Puts the third-party sources named in subprojects/*.wrap where Meson looks for them.

usage: sources.py          copy from the cache ($TRIVET_CACHE/sources) into subprojects/packagecache
       sources.py --list   print `hash filename pool-path` for each, for ci/setup
Run by meson.build at configuration, so that any clone finds what ci/setup fetched once.
"""
import configparser
import os
import pathlib
import shutil
import sys

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
    if sys.argv[1:] != ["--list"] and unpacked.is_dir():
        for path in overlay.rglob("*"):
            copy = unpacked / path.relative_to(overlay)
            if path.is_file() and not (copy.exists() and copy.read_bytes() == path.read_bytes()):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
