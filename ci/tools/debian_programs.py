# SPDX-License-Identifier: BSD-2-Clause
"""Debian's own programs under test: a disk of a set of packages (ci/packages.lock), and commands that must print what
they promise. What is on a disk besides the packages, and which commands, its suite says.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import image
import qemu
import userland
from testing import Failed, Missing, top

PAPERS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/lib/locale")
LOCK = threading.Lock()  # cases of an architecture run side by side, and each wants its disk


def disk(arch, name, suite, folders, busybox, applets, files, links=(), junk=()):
    """build/ARCH/NAME.img: the set NAME without papers and JUNK, FOLDERS, busybox in the folder BUSYBOX with links for
    those APPLETS that Debian's programs leave, FILES ({path: text}) and LINKS ((path, target) each). Made when the
    packages, SUITE (its file) or this are newer."""
    source = userland.cache / name / arch
    if not (source / "usr/share/packages").exists():
        raise Missing(f"no packages in {source}: run ci/setup")
    output = top / "build" / arch / f"{name}.img"
    inputs = (source / "usr/share/packages", pathlib.Path(suite), pathlib.Path(__file__), top / "ci/tools/image.py")
    with LOCK:
        if output.exists() and output.stat().st_mtime > max(p.stat().st_mtime for p in inputs):
            return output
        with tempfile.TemporaryDirectory(prefix="trivet-disk-") as work:
            tree = pathlib.Path(work) / "tree"
            subprocess.run(["cp", "-a", source, tree], check=True)
            for path in (*PAPERS, *junk):
                shutil.rmtree(tree / path, ignore_errors=True)
            for path in ("dev", "proc", "sys", "run", "root", "tmp", "etc", busybox, *folders):
                (tree / path).mkdir(parents=True, exist_ok=True)
            shutil.copy(userland.cache / "user" / arch / "usr/bin/busybox", tree / busybox / "busybox")
            for applet in applets:
                if not (tree / "usr/bin" / applet).exists():
                    (tree / busybox / applet).symlink_to("busybox")
            for path, text in files.items():
                (tree / path).write_text(text)
                (tree / path).chmod(0o755 if text.startswith("#!") else 0o644)
            for path, target in links:
                (tree / path).symlink_to(target)
            make(tree, output)
    return output


def make(tree, output, spare_kib=65536):
    """OUTPUT is an ext4 of the folder TREE with a quarter and SPARE_KIB of room; all of it belongs to root."""
    size = int(subprocess.run(["du", "-sk", tree], capture_output=True, text=True, check=True).stdout.split()[0])
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_suffix(".part")
    part.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", tree, part, f"{size * 5 // 4 + spare_kib}k"],
                   check=True, stdout=subprocess.DEVNULL, env=image.tool_env())
    part.rename(output)


def checked(result, pattern, linux, statuses=(0,)):
    """The end of what a command printed, when it ended with one of STATUSES and its output matches; else Failed."""
    text = result.output.decode(errors="replace")
    if result.status not in statuses or not re.search(pattern, text):
        raise Failed(f"on {'Linux' if linux else 'Trivet'}: status {result.status} {result.reason}\n{text[-2500:]}"
                     + ("\n" + qemu.fail_log(result, 25) if result.reason else ""))
    return text.strip().splitlines()[-1][-80:]
