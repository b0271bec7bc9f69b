# SPDX-License-Identifier: BSD-2-Clause
"""Disks that another system left in the middle of its work.

logs: journals written by debugfs on the host (no, 2nd and 3rd kind of checksum; 1 and 4 KiB blocks; the log around its end; blocks that begin
with the magic number; revoked blocks; a last transaction without its commit; damage). What a mount makes of the files must be what
e2fsck makes of them. orphans: deleted but open files, files in the middle of a cut, as list and as file. stopped: Linux works on the
disk and its machine is stopped dead; what it had synced must be there, and e2fsck must find nothing to mend.
"""
import difflib
import os
import pathlib
import re
import struct
import subprocess
import tempfile

import image
import qemu
from testing import Case, Failed, top

NAME, WHEN, ORDER = "ext4", "default", 48
HELP = "journals are replayed and orphans freed as e2fsck does it; a disk that Linux was stopped on"

ENV = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin")
MAGIC = bytes.fromhex("c03b3998")


def tool(*words, good=(0,), stdin=None):
    r = subprocess.run([str(w) for w in words], input=stdin, capture_output=True, text=True, env=ENV)
    if r.returncode not in good:
        raise Failed(f"{' '.join(map(str, words))}: status {r.returncode}\n{r.stdout[-1500:]}{r.stderr[-1500:]}")
    return r.stdout


def debugfs(img, *commands):
    text = tool("debugfs", "-w", "-f", "-", img, stdin="\n".join(commands) + "\n")
    return re.sub(r"^debugfs: .*\n?", "", text, flags=re.M)


def blocks_of(img, name):
    return [int(w) for w in debugfs(img, f"blocks {name}").split()]


def crc32c(data, crc=0xffffffff):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


class Disk:
    """A fresh ext4 with the files a, b and c of known blocks."""

    def __init__(self, folder, name, size, options=()):
        self.path, self.size, self.folder = folder / f"{name}.img", size, folder
        tree = folder / f"{name}.tree"
        tree.mkdir()
        for letter in "abc":
            (tree / letter).write_bytes(b"".join(b"%s %6d\n" % (letter.encode(), i) * (size // 9 + 1) for i in range(6))[:6 * size])
        tool("mke2fs", "-q", "-F", "-t", "ext4", "-b", size, *options, "-d", tree, self.path, "24M")
        self.blocks = {letter: blocks_of(self.path, f"/{letter}") for letter in "abc"}

    def block(self, text):
        """A file whose bytes are one block, TEXT again and again."""
        path = self.folder / "block"
        path.write_bytes((text * (self.size // len(text) + 1))[:self.size])
        return path

    def log(self, kind, *writes):
        """Appends a transaction for each of WRITES: (letter, block of the file, bytes), ("revoke", letter, block), or ("open", ...)."""
        start = "jo" if kind == 0 else f"jo -c -v {kind}"
        for write in writes:
            if write[0] == "revoke":
                debugfs(self.path, start, f"jw -r {self.blocks[write[1]][write[2]]} /dev/null", "jc")
            else:
                flags = "-c " if write[0] == "open" else ""
                letter, n, text = write[-3:]
                debugfs(self.path, start, f"jw {flags}-b {self.blocks[letter][n]} {self.block(text)}", "jc")

    def journal(self, change):
        """CHANGE gets the journal's blocks (a list of bytearrays) and changes them."""
        places = blocks_of(self.path, "<8>")
        data = bytearray(self.path.read_bytes())
        found = [data[p * self.size:(p + 1) * self.size] for p in places]
        change(found)
        for place, block in zip(places, found):
            data[place * self.size:(place + 1) * self.size] = block
        self.path.write_bytes(data)


def turn(by):
    """The log begins BY blocks later, and goes around the end."""
    def change(blocks):
        log = blocks[1:]
        blocks[1:] = log[-by:] + log[:-by]
        head = blocks[0]
        head[0x1c:0x20] = struct.pack(">I", struct.unpack(">I", head[0x1c:0x20])[0] + by)
        if struct.unpack(">I", head[0x28:0x2c])[0] & 0x18:
            head[0xfc:0x100] = bytes(4)
            head[0xfc:0x100] = struct.pack(">I", crc32c(head[:1024]))
    return change


def spoil(n, at=100):
    def change(blocks):
        blocks[n][at] ^= 0xff
    return change


WRITES = (("a", 0, b"first"), ("a", 1, b"second"), ("b", 2, MAGIC + b"escaped "), ("a", 1, b"second again"), ("c", 3, b"to be revoked"),
          ("revoke", "c", 3), ("b", 5, b"after the revocation"), ("c", 4, b"revoked, then new"), ("revoke", "c", 4), ("c", 4, b"new"))


def logs(folder):
    """The disks, and whether a mount may leave the log alone (damage)."""
    for size in (1024, 4096):
        for kind in (0, 2, 3):
            for wide in ("64bit", "^64bit"):
                d = Disk(folder, f"k{kind}-{size}-{wide.strip('^')[:2] if wide[0] != '^' else 32}", size, ("-O", wide))
                d.log(kind, *WRITES)
                yield d, False
    d = Disk(folder, "around", 1024)
    d.log(3, *WRITES)
    end = len(blocks_of(d.path, "<8>")) - 1
    d.journal(turn(end - 7))
    yield d, False
    d = Disk(folder, "unended", 4096)
    d.log(3, *WRITES[:3], ("open", "b", 0, b"never committed"))
    yield d, False
    # A last commit that did not reach the disk whole: its transaction never was.
    d = Disk(folder, "torn", 4096)
    d.log(3, ("a", 0, b"whole"), ("a", 1, b"torn"))
    d.journal(spoil(6))
    yield d, False
    # Damage in the middle of a committed transaction: nothing of the log may be written.
    d = Disk(folder, "damaged", 4096)
    d.log(3, ("a", 0, b"good"), ("a", 1, b"its checksum is wrong"), ("b", 0, b"later"))
    d.journal(spoil(5))
    yield d, True
    d = Disk(folder, "headless", 4096)
    d.log(3, ("a", 0, b"good"))
    d.journal(spoil(0, 0x14))
    yield d, True


def mount_all(ctx, arch, folder, names, read_only=(), kernel=None):
    """Mounts each image, tells the sums of its files, unmounts. The images are changed. name -> text."""
    script = ["mkdir -p /tmp/m; cd /tmp"]
    for i, name in enumerate(names):
        dev = f"/dev/vd{chr(ord('b') + i)}"
        option = "-o ro " if name in read_only else ""
        script.append(f"echo '=' {name}; mount -t ext4 {option}{dev} m && {{ (cd m; md5sum a b c); grep -o ' /tmp/m ext4 r[ow]' /proc/mounts; umount m; }}")
    disks = [str(top / "build" / arch / "root.img"), *(str(folder / f"{n}.img") for n in names)]
    m = qemu.Machine(arch, kernel=kernel or str(ctx.kernel(arch)), disks=disks, snapshot=False)
    result = qemu.run(m, "\n".join(script), timeout=120)
    text = result.output.decode(errors="replace")
    if result.reason:
        raise Failed(f"{result.reason}\n{text[-1500:]}\n{qemu.fail_log(result, 30)}")
    parts = re.split(r"^= (\S+)\n", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2])), text


def sums(img, folder):
    """What md5sum says of the files on an image, by debugfs."""
    text = ""
    for letter in "abc":
        out = folder / "dump"
        debugfs(img, f"dump /{letter} {out}")
        text += tool("md5sum", out).replace(str(out), letter)
        out.unlink()
    return text


def clean(img):
    tool("e2fsck", "-fn", img)


def log_case(ctx, arch):
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        folder = pathlib.Path(work)
        expected, left_alone = {}, {}
        for d, damaged in logs(folder):
            name = d.path.stem
            copy = folder / "oracle"
            if damaged:
                left_alone[name] = d.path.read_bytes()
                expected[name] = sums(d.path, folder)
            else:
                qemu.copy_sparse(d.path, copy)
                tool("e2fsck", "-y", "-E", "journal_only", copy, good=(0, 1))
                expected[name] = sums(copy, folder)
        bad = []
        names = sorted(expected)
        found = {}
        for at in range(0, len(names), 6):
            found.update(mount_all(ctx, arch, folder, names[at:at + 6], read_only=names[3:5])[0])
        for name in names:
            want = "ro" if name in left_alone or name in names[3:5] else "rw"
            if found.get(name, "") != expected[name] + f" /tmp/m ext4 {want}\n":
                bad.append(f"{name}: expected ({want})\n{expected[name]}found\n{found.get(name)}")
                continue
            img = folder / f"{name}.img"
            if name in left_alone:
                if img.read_bytes() != left_alone[name]:
                    bad.append(f"{name}: a damaged log, and yet the disk was changed")
                continue
            if "needs_recovery" in tool("dumpe2fs", "-h", img):
                bad.append(f"{name}: the disk still asks for recovery")
            clean(img)
    if bad:
        raise Failed("\n".join(bad))
    return f"{len(names)} logs"


def orphan_disks(folder):
    """Images with orphans; the mount must free what e2fsck would."""
    for name, options in (("list", "^orphan_file"), ("file", "orphan_file"), ("both", "orphan_file")):
        d = Disk(folder, name, 1024 if name == "list" else 4096, ("-O", options))
        inodes = {x: int(re.search(r"Inode: (\d+)", debugfs(d.path, f"stat /{x}"))[1]) for x in "abc"}
        # a: deleted but open. b: was being cut to 100 bytes.
        debugfs(d.path, "unlink /a", f"sif <{inodes['a']}> links_count 0", f"sif <{inodes['b']}> size 100")
        listed = {"list": "ab", "file": "", "both": "a"}[name]
        for x, after in zip(listed, listed[1:] + "-"):
            debugfs(d.path, f"sif <{inodes[x]}> dtime {inodes[after] if after != '-' else 0}")
        if listed:
            debugfs(d.path, f"ssv last_orphan {inodes[listed[0]]}")
        in_file = [inodes[x] for x in "ab" if x not in listed]
        if in_file:
            put_in_orphan_file(d, in_file)
        yield d


def put_in_orphan_file(d, inodes):
    text = tool("dumpe2fs", "-h", d.path)
    number = int(re.search(r"Orphan file inode:\s+(\d+)", text)[1])
    place = blocks_of(d.path, f"<{number}>")[0]
    generation = int(re.search(r"Generation: (\d+)", debugfs(d.path, f"stat <{number}>"))[1])
    uuid = bytes.fromhex(re.search(r"Filesystem UUID:\s+(\S+)", text)[1].replace("-", ""))
    seed = crc32c(struct.pack("<II", number, generation), crc32c(uuid))
    data = bytearray(d.path.read_bytes())
    block = bytearray(data[place * d.size:(place + 1) * d.size])
    for i, ino in enumerate(inodes):
        block[8 + 40 * i:12 + 40 * i] = struct.pack("<I", ino)
    magic, _ = struct.unpack("<II", block[-8:])
    if magic != 0x0b10ca04:
        raise Failed(f"the orphan file's block has the magic {magic:#x}")
    block[-4:] = struct.pack("<I", crc32c(bytes(block[:-8]), crc32c(struct.pack("<Q", place), seed)))
    data[place * d.size:(place + 1) * d.size] = block
    d.path.write_bytes(data)
    if "orphan_present" not in text:
        debugfs(d.path, "feature orphan_present")


def orphan_case(ctx, arch):
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        folder = pathlib.Path(work)
        names, free = [], {}
        for d in orphan_disks(folder):
            name = d.path.stem
            copy = folder / "oracle"
            qemu.copy_sparse(d.path, copy)
            tool("e2fsck", "-fy", copy, good=(0, 1))
            free[name] = re.findall(r"Free (?:blocks|inodes): .*", tool("dumpe2fs", "-h", copy))
            names.append(name)
        text = mount_all(ctx, arch, folder, names)[1]
        for name in names:
            img = folder / f"{name}.img"
            clean(img)
            now = re.findall(r"Free (?:blocks|inodes): .*", tool("dumpe2fs", "-h", img))
            if now != free[name]:
                raise Failed(f"{name}: {now}, by e2fsck {free[name]}\n{text[-1000:]}")
            size = re.search(r"Size: (\d+)", debugfs(img, "stat /b"))[1]
            if size != "100":
                raise Failed(f"{name}: b has {size} bytes")
    return f"{len(names)} disks"


WORK = r"""
mkdir -p /tmp/m && mount -t ext4 /dev/vdb /tmp/m && cd /tmp/m || exit 1
mkdir d0 d1 d2 d3 d4 d5 d6
i=0
while [ $i -lt 60 ]; do
	echo "text $i" > d$((i % 7))/f$i; ln -s f$i d$((i % 7))/s$i
	[ $((i % 5)) = 4 ] && { rm -f d$(((i - 3) % 7))/f$((i - 3)); mv d$((i % 7))/f$i d$(((i + 1) % 7))/moved$i; }
	i=$((i + 1))
done
head -c 300000 /bin/busybox > large; head -c 70000 /bin/busybox > gone
exec 5< gone; rm gone
sync
find . -type f | sort | xargs md5sum; find . -type l | sort
echo END; yes; sleep 1000
"""


class Stop(Exception):
    pass


class Plug:
    """Takes what the guest prints, and pulls the plug at END: it synced before."""

    def __init__(self):
        self.told = b""

    def __call__(self, piece):
        self.told += piece
        if b"\nEND\n" in self.told:
            raise Stop


def stopped_case(ctx, arch):
    """Linux syncs, so that all lies in the journal at least, and QEMU is killed before it unmounts."""
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        folder = pathlib.Path(work)
        path = folder / "stopped.img"
        tool("mke2fs", "-q", "-F", "-t", "ext4", path, "32M")
        m = qemu.Machine(arch, kernel="linux", disks=[str(top / "build" / arch / "root.img"), str(path)], snapshot=False)
        qemu.linux_words(m)
        plug = Plug()
        try:
            result = qemu.run(m, WORK, timeout=120, sink=plug)
            raise Failed(f"Linux did not end its work: {result.reason}\n{plug.told.decode(errors='replace')[-1500:]}")
        except Stop:
            told = plug.told.decode().split("END\n")[0]
        if "needs_recovery" not in tool("dumpe2fs", "-h", path):
            raise Failed("Linux left nothing in the journal")
        m = qemu.Machine(arch, kernel=str(ctx.kernel(arch)), disks=[str(top / "build" / arch / "root.img"), str(path)], snapshot=False)
        look = "mkdir -p /tmp/m; mount -t ext4 /dev/vdb /tmp/m && cd /tmp/m && { find . -type f | sort | xargs md5sum; find . -type l | sort; touch new; }" \
               "; cd /; umount /tmp/m"
        result = qemu.run(m, look, timeout=120)
        found = result.output.decode(errors="replace")
        if found != told:
            lines = difflib.unified_diff(told.splitlines(), found.splitlines(), "Linux wrote", "found", n=1, lineterm="")
            raise Failed("\n".join([*list(lines)[:40], result.reason, qemu.fail_log(result, 10)]))
        clean(path)
    return f"{len(told.splitlines())} names"


def cases(ctx):
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        for name, case in (("logs", log_case), ("orphans", orphan_case), ("stopped", stopped_case)):
            yield Case(f"{arch} {name}", lambda arch=arch, case=case: case(ctx, arch), cpus=1)
