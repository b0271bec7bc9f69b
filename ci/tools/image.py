# SPDX-License-Identifier: BSD-2-Clause
"""Trees of files, and how they become an initramfs or an ext4 disk without mounting or root.

A Tree is a dict from absolute path to Node. Both writers are reproducible: sorted paths, owner
root, one fixed time. The disk is written by debugfs into an empty file system, because `mke2fs -d`
takes owners and ctimes from the host.
"""
import dataclasses
import gzip
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import tempfile

TIME = 1767225600  # 2026-01-01T00:00:00Z
UUID = "74726976-6574-4000-8000-000000000001"


@dataclasses.dataclass
class Node:
    mode: int  # type and permission bits
    data: bytes = b""  # content of a file, target of a symlink
    device: tuple = (0, 0)


class Tree(dict):
    def mkdir(self, path, mode=0o755):
        parent = os.path.dirname(path)
        if parent != "/" and parent not in self:
            self.mkdir(parent)
        if path not in self:
            self[path] = Node(stat.S_IFDIR | mode)

    def _place(self, path, node):
        if os.path.dirname(path) != "/":
            self.mkdir(os.path.dirname(path))
        self[path] = node

    def file(self, path, data, mode=0o644):
        self._place(path, Node(stat.S_IFREG | mode, data))

    def symlink(self, path, target):
        self._place(path, Node(stat.S_IFLNK | 0o777, target.encode()))

    def chardev(self, path, major, minor, mode=0o600):
        self._place(path, Node(stat.S_IFCHR | mode, device=(major, minor)))

    def add_host_dir(self, source, at="/"):
        """Everything below the host directory SOURCE; existing links to directories are followed."""
        source = pathlib.Path(source)
        for path in sorted(source.rglob("*")):
            name = os.path.join(at, str(path.relative_to(source)))
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                self.symlink(name, os.readlink(path))
            elif stat.S_ISDIR(info.st_mode):
                self.mkdir(name, info.st_mode & 0o7777)
            elif stat.S_ISREG(info.st_mode):
                self.file(name, path.read_bytes(), info.st_mode & 0o7777)


# ---- initramfs ------------------------------------------------------------------------------------

TRAILER = "TRAILER!!!"


def cpio_entry(ino, name, node):
    encoded = name.encode() + b"\0"
    fields = [ino, node.mode, 0, 0, 2 if stat.S_ISDIR(node.mode) else 1, TIME if node.mode else 0,
              len(node.data), 0, 0, *node.device, len(encoded), 0]
    out = b"070701" + b"".join(b"%08x" % f for f in fields) + encoded
    out += b"\0" * (-len(out) % 4)
    return out + node.data + b"\0" * (-len(node.data) % 4)


def cpio(tree, first_ino=1):
    """The tree as one newc archive (cpio(5)), uncompressed."""
    out = [cpio_entry(first_ino + i, path[1:], node) for i, (path, node) in enumerate(sorted(tree.items()))]
    out.append(cpio_entry(0, TRAILER, Node(0)))
    data = b"".join(out)
    return data + b"\0" * (-len(data) % 512)


def cpio_append(archive, tree):
    """ARCHIVE (any initramfs) with TREE's files after its own; the kernel lets the later ones win."""
    if archive[:2] == b"\x1f\x8b":
        return archive + b"\0" * (-len(archive) % 4) + gzip.compress(cpio(tree, 1 << 24), mtime=0)
    at = archive.rfind(b"070701", 0, archive.rfind(TRAILER.encode()) + 1)
    # One plain archive stays one: the new entries go before its trailer.
    if archive[:6] == b"070701" and at >= 0:
        return archive[:at] + cpio(tree, 1 << 24)
    return archive + b"\0" * (-len(archive) % 4) + cpio(tree, 1 << 24)


# ---- ext4 -------------------------------------------------------------------------------------------

def debugfs(image, commands):
    """Runs debugfs -w; it reports errors on stderr with status 0, so any word there is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".debugfs") as script:
        script.write("\n".join(commands) + "\n")
        script.flush()
        run = subprocess.run(["debugfs", "-w", "-f", script.name, str(image)], capture_output=True,
                             text=True, env=tool_env())
    errors = [line for line in run.stderr.splitlines() if not line.startswith("debugfs ")]
    if run.returncode or errors:
        raise RuntimeError(f"debugfs {image}: " + "; ".join(errors[:5]))


def tool_env():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "E2FSPROGS_FAKE_TIME": str(TIME), "DEBUGFS_PAGER": "cat"}


def ext4_commands(tree, stage):
    commands = []
    for i, (path, node) in enumerate(sorted(tree.items())):
        kind = stat.S_IFMT(node.mode)
        parent, name = os.path.split(path)
        quoted = f'"{path}"'
        if kind == stat.S_IFDIR:
            commands.append(f"mkdir {quoted}")
        elif kind == stat.S_IFREG:
            host = os.path.join(stage, str(i))
            with open(host, "wb") as f:
                f.write(node.data)
            commands.append(f"write {host} {quoted}")
        elif kind == stat.S_IFLNK:
            commands.append(f'symlink {quoted} "{node.data.decode()}"')
        elif kind == stat.S_IFCHR:
            commands.append(f"cd \"{parent}\"\nmknod {name} c {node.device[0]} {node.device[1]}\ncd /")
        fields = [("uid", 0), ("gid", 0), ("mode", f"0{node.mode:o}")]
        fields += [(f, f"@{TIME}") for f in ("atime", "ctime", "mtime", "crtime")]
        commands += [f"sif {quoted} {field} {value}" for field, value in fields]
    return commands


def ext4_add(image, tree):
    with tempfile.TemporaryDirectory() as stage:
        debugfs(image, ext4_commands(tree, stage))


def ext4(tree, image, size, block_size=4096):
    """A new ext4 with Debian's default features holding TREE, in the file IMAGE of SIZE bytes."""
    part = f"{image}.part"
    with open(part, "wb") as f:
        f.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", "-b", str(block_size), "-L", "trivet", "-U", UUID, "-E",
                    f"hash_seed={UUID},root_owner=0:0", "-m", "1", part], check=True, env=tool_env())
    ext4_add(part, tree)
    os.rename(part, image)


def partitioned(part, disk):
    """A disk with an MBR whose one bootable Linux partition is the file PART, 1 MiB in."""
    sectors = os.path.getsize(part) // 512
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", 2048, sectors)
    with open(disk, "wb") as out:
        out.write(b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa")
        out.seek(1 << 20)
        with open(part, "rb") as source:
            shutil.copyfileobj(source, out, 1 << 20)
