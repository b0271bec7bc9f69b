# SPDX-License-Identifier: BSD-2-Clause
"""Runs the programs of tests/bench on Trivet and on Debian's Linux and reads what they print.

Both kernels get the same QEMU line and the same small initramfs (busybox and our program). Counted
runs (-icount: 1 ns is one instruction) give the same figures each time, so Linux's are kept in
$TRIVET_CACHE/bench, named by the hash of kernel, initramfs and QEMU line; a copy for reading and
for CI lies in tests/linux-reference.
"""
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess

import image
import qemu
import userland

top = qemu.top
folder = top / "tests/bench"
reference_folder = top / "tests/linux-reference"
LOOP = (0.99, 1.01)  # what the loop of known length may read, in ns per instruction
MEMORY = "512M"


class BenchError(Exception):
    pass


@dataclasses.dataclass
class Figure:
    unit: str = ""  # "t": ns for one operation, "b": ns for one KiB
    value: float = 0
    why: str = ""  # why there is no value: "missing …" or "failed …"

    def shown(self):
        """As people say it: MB/s or ns, us, ms."""
        if self.why:
            return self.why.split()[0]
        if self.unit == "b":
            return f"{1024e3 / self.value:.0f} MB/s" if self.value else "-"
        for limit, scale, unit in ((1e3, 1, "ns"), (1e6, 1e3, "µs"), (1e9, 1e6, "ms")):
            if self.value < limit:
                return f"{self.value / scale:.4g} {unit}"
        return f"{self.value / 1e9:.4g} s"


def program(arch):
    """The compiled program of this architecture."""
    sources = sorted(folder.glob("*.c"))
    output = top / "build" / arch / "bench/bench"
    newest = max(p.stat().st_mtime for p in [*sources, folder / "bench.h", top / "ci/tools/userland.py"])
    if not output.exists() or output.stat().st_mtime < newest:
        error = userland.musl_program(arch, sources, output, [f"-I{folder}"])
        if error:
            raise BenchError(f"tests/bench does not compile for {arch}:\n{error[-3000:]}")
    return output


def sources_hash():
    """Of what the figures depend on in this tree, for the reference copies."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.[ch]")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def initramfs(arch):
    """Path of an initramfs with busybox, a few links and our program."""
    tree = image.Tree()
    for path in ("/dev", "/proc", "/sys", "/run", "/root"):
        tree.mkdir(path)
    tree.mkdir("/tmp", 0o1777)
    tree.chardev("/dev/console", 5, 1)
    tree.chardev("/dev/null", 1, 3, 0o666)
    tree.file("/bin/busybox", (userland.cache / "user" / arch / "usr/bin/busybox").read_bytes(), 0o755)
    for name in ("sh", "mount", "mkdir", "cat", "sync", "poweroff", "sleep", "echo", "dmesg"):
        tree.symlink(f"/bin/{name}", "/bin/busybox")
    tree.file("/bin/bench", program(arch).read_bytes(), 0o755)
    path = top / "build" / arch / "bench/initramfs.cpio"
    data = image.cpio(tree)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)
    return path


def machine(arch, linux, build="", **words):
    """The one machine for both kernels."""
    words.setdefault("cpu", {"x86_64": "max,-cx16"}.get(arch, ""))
    words.setdefault("mem", MEMORY)
    return qemu.Machine(arch, kernel="linux" if linux else "", build=build, initrd=str(initramfs(arch)), **words)


def identity(m, what):
    """Hash of all that decides the figures of a run."""
    digest = hashlib.sha256()
    for path in (m.kernel_path(), m.initrd):
        digest.update(hashlib.sha256(pathlib.Path(path).read_bytes()).digest())
    line = [w.replace(m.kernel_path(), "KERNEL").replace(m.initrd, "INITRD") for w in m.command()]
    digest.update(json.dumps([line, what]).encode())
    return digest.hexdigest()


def kept(m, what, make):
    """What make() gave for this kernel, image and QEMU line the last time, else now (Linux only)."""
    path = qemu.cache / "bench" / f"{identity(m, what)[:32]}.json"
    if m.is_linux and path.exists():
        return json.loads(path.read_text())
    data = make()
    if m.is_linux and data is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(data))
        part.rename(path)
    return data


def read_figures(text):
    """{item: Figure} from the lines `bench NAME …`."""
    found = {}
    for name, rest in re.findall(r"^bench (\S+) (.*?)\s*$", text, re.M):
        m = re.fullmatch(r"([tb]) (-?\d+)", rest)
        found[name] = Figure(m[1], int(m[2]) / 1000) if m else Figure(why=rest)
    return found


def run_items(m, items=(), share=1, timeout=900):
    """Boots, lets the kernel settle, runs the items; {item: Figure}."""
    command = f"sleep 5; BENCH_SHARE={share} /bin/bench {' '.join(items)}"

    def make():
        result = qemu.run(m, command, timeout)
        reason = f"{result.reason}\n{qemu.fail_log(result, 30)}" if result.reason else ""
        return {"text": result.output.decode(errors="replace"), "reason": reason}
    data = kept(m, command, make) if m.icount else make()
    figures = read_figures(data["text"])
    if data["reason"]:
        figures["(end)"] = Figure(why=f"failed {data['reason']}")
    if m.icount:
        loop = figures.pop("loop", None)
        if not loop or loop.why or not LOOP[0] <= loop.value <= LOOP[1]:
            raise BenchError(f"{m.arch}: the loop of known length reads {loop and (loop.why or loop.value)} ns per "
                             f"instruction, want 1.00 ± 0.01: the run does not count\n{data['reason']}")
    return figures


def run_boot(m, timeout=180):
    """Guest ns from power-on (firmware included) to the first user instruction, or None."""
    def make():
        words = m.command(append="quiet loglevel=1 panic=-1 rdinit=/bin/bench")
        result = qemu.supervise(words + ["-serial", "stdio", "-monitor", "none"], qemu.Reader("##none", None), timeout)
        found = re.search(rb"bench-boot (\d+)", result.log)
        return int(found[1]) if found else None
    return kept(m, "boot", make)


def kernel_size(arch, build):
    """(bytes of the stripped ELF, bytes in memory with bss)"""
    stripped = pathlib.Path(build) / "trivet.stripped"
    subprocess.run([f"{arch}-linux-gnu-strip", "-s", "-o", stripped, pathlib.Path(build) / "trivet"], check=True)
    out = subprocess.run([f"{arch}-linux-gnu-size", stripped], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, out.splitlines()[1].split()[:3])
    return stripped.stat().st_size, text + data + bss


def run_smallest(arch, linux, build=""):
    """The smallest -m, in MiB, with which a shell answers from the initramfs; None when even 256 fails."""
    probe = machine(arch, linux, build, mem="256M")

    def works(mib):
        result = qemu.run(machine(arch, linux, build, mem=f"{mib}M"), "echo up", 60)
        return result.output == b"up\n" and not result.status

    def make():
        low, high = 4, 256
        if not works(high):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if works(middle) else (middle, high)
        return high
    return kept(probe, "smallest memory", make)


def ratio(here, there):
    """Our time over Linux's, both ways of telling; None when one has no value."""
    if not here or not there or here.why or there.why or there.value <= 0:
        return None
    return max(here.value, 0.001) / there.value


def interval(ratios):
    """Median of the pairs' ratios and the order statistics that hold it in 96 of 100 cases (for 9 pairs)."""
    ordered = sorted(ratios)
    cut = {9: 1, 10: 1, 11: 1, 12: 2, 15: 3}.get(len(ordered), 0 if len(ordered) < 9 else len(ordered) // 5)
    return statistics.median(ordered), ordered[cut], ordered[-1 - cut]


# ---- the copy of Linux's figures in the tree -------------------------------------------------------------

def write_reference(arch, figures, boot, memory):
    m = machine(arch, True, icount=True)
    line = [os.path.basename(w) if w.startswith("/") else w for w in m.command()]
    data = {"about": "Debian's Linux, measured by ci/bench --linux; thousandths of a ns per operation or per KiB",
            "kernel": (qemu.cache / "linux" / arch / "package").read_text().strip(),
            "qemu": " ".join(line), "programs": sources_hash(), "boot_ns": boot, "smallest_mib": memory,
            "items": {name: [f.unit, round(f.value * 1000)] if not f.why else f.why for name, f in figures.items()}}
    reference_folder.mkdir(exist_ok=True)
    (reference_folder / f"bench-{arch}.json").write_text(json.dumps(data, indent=1) + "\n")


def read_reference(arch):
    """(figures, boot, memory, is made by these programs) from the tree; empty when there is none."""
    path = reference_folder / f"bench-{arch}.json"
    if not path.exists():
        return {}, None, None, False
    data = json.loads(path.read_text())
    figures = {name: Figure(v[0], v[1] / 1000) if isinstance(v, list) else Figure(why=v)
               for name, v in data["items"].items()}
    return figures, data["boot_ns"], data["smallest_mib"], data["programs"] == sources_hash()
