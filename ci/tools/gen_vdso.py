#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Puts the vDSO's file into the assembly source that carries it: gen_vdso.py IMAGE.S VDSO.SO OUTPUT

The line `.incbin VDSO_FILE` becomes the file's bytes, so that whoever compiles the output sees when they change.
"""
import pathlib
import sys

source, vdso, output = map(pathlib.Path, sys.argv[1:])
data = vdso.read_bytes()
rows = "\n".join("\t.byte " + ",".join(map(str, data[i:i + 32])) for i in range(0, len(data), 32))
lines = source.read_text().split("\n")
found = [i for i, line in enumerate(lines) if ".incbin" in line]
if len(found) != 1:
    sys.exit(f"{source}: one .incbin line expected, {len(found)} found")
lines[found[0]] = rows
output.write_text("\n".join(lines))
