#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Takes the kernel and the few modules we need out of an unpacked Debian linux-image package.

usage: modules.py PACKAGE_DIR OUTPUT_DIR STRIP
OUTPUT_DIR gets `vmlinuz`, `config`, `modules/*.ko` (decompressed, stripped by STRIP) and `modules/order`, the file
names in the order in which insmod must load them. A driver that is built into the kernel has no
module and needs none.
"""
import lzma
import pathlib
import re
import shutil
import subprocess
import sys

WANTED = ["virtio_mmio", "virtio_pci", "virtio_blk", "ext4", "virtio_net", "virtio_rng", "virtio_console",
          "tcp_diag", "udp_diag", "unix_diag"]


def depends(data):
    m = re.search(rb"\0depends=([^\0]*)\0", data)
    return [n.decode() for n in m[1].split(b",") if n] if m else []


def main():
    package, output, strip = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    found = {p.name.split(".")[0].replace("-", "_"): p for p in package.rglob("*.ko*")}
    order, content = [], {}

    def add(name):
        name = name.replace("-", "_")
        if name in content or name not in found:
            return
        path = found[name]
        content[name] = lzma.open(path).read() if path.suffix == ".xz" else path.read_bytes()
        for other in depends(content[name]):
            add(other)
        order.append(name)

    for name in WANTED:
        add(name)
    # ext4 finds its checksum by name, which no `depends` tells.
    if "ext4" in order:
        add("crc32c_generic")
    target, output = output, output.with_suffix(".new")  # others may be reading the old ones
    shutil.rmtree(output, ignore_errors=True)
    (output / "modules").mkdir(parents=True)
    for name in order:
        path = output / "modules" / f"{name}.ko"
        path.write_bytes(content[name])
        subprocess.run([strip, "--strip-unneeded", path], check=True)
    (output / "modules" / "order").write_text("".join(f"{n}.ko\n" for n in order))
    kernel, = [p for p in package.glob("boot/vmlinu[xz]-*")]
    shutil.copyfile(kernel, output / "vmlinuz")
    config, = package.glob("boot/config-*")
    shutil.copyfile(config, output / "config")
    old = target.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    output.rename(target)
    shutil.rmtree(old, ignore_errors=True)


main()
