#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rebuilds an architecture's images when what they are made of is newer: fresh_image.py ARCH..."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import service_programs  # noqa: E402

top = pathlib.Path(__file__).resolve().parents[2]
cache = pathlib.Path(os.environ.get("TRIVET_CACHE") or pathlib.Path.home() / ".cache/trivet")
for arch in sys.argv[1:]:
    inputs = [top / "ci/image", top / "ci/tools/image.py", cache / "user" / arch / "usr/bin/busybox",
              cache / "linux" / arch / "package", *(top / "ci/rootfs").rglob("*"), top / "ci/initramfs/init",
              *(top / "services/units").iterdir(), *service_programs.inputs()]
    outputs = [top / "build" / arch / name for name in ("root.img", "initramfs.cpio")]
    newest = max(p.lstat().st_ctime for p in inputs)
    if not all(o.exists() and o.stat().st_mtime > newest for o in outputs):
        if subprocess.run([top / "ci/image", arch]).returncode:
            sys.exit(1)
