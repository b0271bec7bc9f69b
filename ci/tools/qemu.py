# SPDX-License-Identifier: BSD-2-Clause
"""One virtual machine: its QEMU command line, and running a command in it.

Used by ci/boot, ci/test, ci/bench. The result of a run is never taken from QEMU's exit status, which
is 0 after a triple fault too, but from a status line that our wrapper in the guest prints.
"""
import atexit
import dataclasses
import os
import pathlib
import re
import secrets
import selectors
import shutil
import subprocess
import sys
import tempfile
import time

import image

top = pathlib.Path(__file__).resolve().parents[2]
cache = pathlib.Path(os.environ.get("TRIVET_CACHE") or pathlib.Path.home() / ".cache/trivet")
ARCHES = ("x86_64", "aarch64", "riscv64")

STATUS_TIMEOUT = 124  # the time limit struck
STATUS_PANIC = 125  # the kernel panicked
STATUS_LOST = 126  # QEMU ended without the command's status: triple fault, reset, QEMU error

# Both kernels say it so; the second is Trivet's word for a fault inside a panic.
PANIC = re.compile(rb"(Kernel panic - not syncing|panic while panicking)[^\r\n]*")


class Unsupported(Exception):
    """An option whose part does not exist; the text says so."""


@dataclasses.dataclass
class Machine:
    arch: str
    smp: int = 1
    mem: str = "256M"
    machine: str = ""
    disks: list = dataclasses.field(default_factory=list)
    initrd: str = ""
    append: str = ""
    firmware: str = "direct"
    bios: str = ""
    tables: str = ""
    transport: str = ""
    cpu: str = ""
    net: bool = False
    icount: bool = False
    gdb: bool = False
    kernel: str = ""  # path, or "linux" for Debian's; default: this tree's build
    build: str = ""  # build folder; default build/<arch>
    snapshot: bool = True  # guest writes do not reach the disk files
    extra: list = dataclasses.field(default_factory=list)  # further QEMU words

    def __post_init__(self):
        if self.arch not in ARCHES:
            raise Unsupported(f"no such architecture: {self.arch} (have {', '.join(ARCHES)})")
        self.machine = self.machine or {"x86_64": "q35"}.get(self.arch, "virt")
        self.build = self.build or str(top / "build" / self.arch)
        base = self.machine.split(",")[0]
        self.is_linux = self.kernel == "linux"
        if not self.transport:
            self.transport = "pci" if base in ("q35", "pc") else "mmio"
        if self.transport not in ("mmio", "mmio-modern", "pci"):
            raise Unsupported(f"no such transport: {self.transport} (have mmio, mmio-modern, pci)")
        if base in ("q35", "pc") and self.transport != "pci":
            raise Unsupported(f"machine {base} has no virtio-mmio slots: use --transport pci or --machine microvm")
        if base == "microvm" and self.transport == "pci" and "pcie=on" not in self.machine:
            raise Unsupported("microvm has no PCI bus: use --machine microvm,pcie=on")
        if self.firmware not in ("direct", "uboot", "uefi"):
            raise Unsupported(f"no such firmware: {self.firmware} (have direct, uboot, uefi)")
        if self.firmware == "uefi":
            raise Unsupported("--firmware uefi: booting through UEFI does not exist yet")
        if self.firmware == "uboot" and (self.arch == "x86_64" or self.bios):
            raise Unsupported("--firmware uboot: for aarch64 and riscv64, without --bios")
        self._check_tables(base)
        if self.icount and self.arch == "riscv64" and self.smp > 1:
            raise Unsupported("--icount on riscv64 needs --smp 1: QEMU 7.2 live-locks otherwise")

    def _check_tables(self, base):
        if self.tables not in ("", "fdt", "acpi"):
            raise Unsupported(f"no such tables: {self.tables} (have fdt, acpi)")
        if self.arch == "x86_64" and self.tables == "fdt":
            if base != "microvm":
                raise Unsupported(f"--tables fdt: machine {base} has no device tree, only microvm has")
            if "acpi=off" not in self.append.split():
                self.append = f"acpi=off {self.append}"  # the kernel then takes the tree in fw_cfg
        if self.arch == "aarch64" and self.tables == "acpi":
            raise Unsupported("--tables acpi: on aarch64 QEMU hands ACPI over UEFI only, which does not exist yet")
        if self.arch == "riscv64" and self.tables == "acpi":
            raise Unsupported("--tables acpi: QEMU 7.2 has no ACPI for riscv64")

    def cpu_model(self):
        if self.cpu:
            return self.cpu
        if self.arch == "x86_64":
            # QEMU 7.2's CMPXCHG16B spoils flags; Linux uses it when told that it is there.
            return "max,-cx16" if self.is_linux else "max"
        return {"aarch64": "max,pauth-impdef=on", "riscv64": "rv64"}[self.arch]

    def kernel_path(self):
        if self.is_linux:
            return str(cache / "linux" / self.arch / "vmlinuz")
        if self.kernel:
            return self.kernel
        return os.path.join(self.build, "trivet" if self.arch == "x86_64" else "Image")

    def root(self):
        """Device name of the first disk; U-Boot's own disk comes before it."""
        return "/dev/vdb" if self.firmware == "uboot" else "/dev/vda"

    def root_index(self):
        """Which of the disks is the root, as root= on the command line says."""
        m = re.search(r"\broot=/dev/vd([a-z])\b", self.append)
        index = ord(m[1]) - ord("a") - (self.firmware == "uboot") if m else 0
        return index if 0 <= index < len(self.disks) else 0

    def console(self):
        return "ttyAMA0" if self.arch == "aarch64" else "ttyS0"

    def command(self, append=""):
        """The QEMU command line, without the words that say where console and monitor go."""
        for path in [self.kernel_path(), *self.disks, *([self.initrd] if self.initrd else [])]:
            if not os.path.exists(path):
                raise Unsupported(f"no such file: {path}")
        words = [f"qemu-system-{self.arch}", "-accel", "tcg", "-M", self.machine, "-cpu", self.cpu_model(),
                 "-smp", str(self.smp), "-m", self.mem, "-display", "none", "-no-reboot", "-nodefaults"]
        if self.bios:
            words += ["-bios", self.bios]
        if self.icount:
            words += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
        if self.transport == "mmio-modern":
            words += ["-global", "virtio-mmio.force-legacy=false"]
        kind = "pci" if self.transport == "pci" else "device"
        # Linux counts ten timer interrupts in a hundred of its own milliseconds, or panics: a busy host breaks that.
        check = "no_timer_check" if self.is_linux and self.arch == "x86_64" else ""
        line = " ".join(w for w in (f"console={self.console()}", check, append, self.append) if w)
        disks = list(self.disks)
        if self.firmware == "uboot":
            disks.insert(0, uboot_disk(self.kernel_path(), self.initrd, line))
        disks = list(enumerate(disks))
        if self.arch == "aarch64" and kind == "device":
            disks.reverse()  # the board's slots are found from the last filled one on: make the first vda
        for i, path in disks:
            form = "qcow2" if str(path).endswith(".qcow2") else "raw"
            snapshot = ",snapshot=on" if self.snapshot else ""
            words += ["-drive", f"if=none,id=disk{i},file={str(path).replace(',', ',,')},format={form}{snapshot}",
                      "-device", f"virtio-blk-{kind},drive=disk{i}"]
        if self.net:
            words += ["-netdev", "user,id=net0", "-device", f"virtio-net-{kind},netdev=net0"]
        if self.gdb:
            words += ["-s", "-S"]
        if self.firmware == "uboot":
            uboot = "/usr/lib/u-boot/" + {"aarch64": "qemu_arm64", "riscv64": "qemu-riscv64_smode"}[self.arch]
            return words + self.extra + ["-bios" if self.arch == "aarch64" else "-kernel", uboot + "/u-boot.bin"]
        words += ["-kernel", self.kernel_path()]
        if self.initrd:
            words += ["-initrd", self.initrd]
        return words + self.extra + ["-append", line]


def uboot_disk(kernel, initrd, line):
    """A disk that U-Boot boots from: one bootable partition with extlinux.conf; removed at our end."""
    tree = image.Tree()
    tree.file("/Image", pathlib.Path(kernel).read_bytes())
    entry = "LABEL trivet\n\tKERNEL /Image\n"
    if initrd:
        tree.file("/initrd", pathlib.Path(initrd).read_bytes())
        entry += "\tINITRD /initrd\n"
    tree.file("/extlinux/extlinux.conf", (entry + f"\tAPPEND {line}\n").encode())
    folder = tempfile.mkdtemp(prefix="trivet-uboot-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    part, disk = os.path.join(folder, "part"), os.path.join(folder, "disk.img")
    image.ext4(tree, part, (sum(len(n.data) for n in tree.values()) + (16 << 20)) & -(1 << 20))
    image.partitioned(part, disk)
    os.unlink(part)
    return disk


# ---- running one command ------------------------------------------------------------------------------

# Prepared in /.ci of the root file system; needs nothing there but a POSIX /bin/sh, mount and cat.
RUN_INIT = """#!/bin/sh
export PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root TERM=dumb
[ -d /proc/1 ] || mount -t proc proc /proc
[ -d /sys/kernel ] || mount -t sysfs sysfs /sys
[ -c /dev/tty ] || mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts 2> /dev/null
mount -t tmpfs tmpfs /run 2> /dev/null
cd /root 2> /dev/null || cd /
printf '\\n%s begin\\n' '@MARK@'
{ /bin/sh /.ci/run < /dev/null 2>&1; echo $? > /.ci/status; } | cat
printf '\\n%s exit %s\\n' '@MARK@' "$(cat /.ci/status)"
sync
poweroff -f
"""


@dataclasses.dataclass
class Result:
    status: int  # the command's, or a STATUS_* above
    output: bytes  # exactly what the command wrote
    log: bytes  # all that came over the console
    seconds: float
    reason: str = ""  # in words, when the command's status never came


def overlay_tree(command, mark, init):
    tree = image.Tree()
    tree.file("/.ci/init", init.replace("@MARK@", mark).encode(), 0o755)
    tree.file("/.ci/run", command.encode() + b"\n", 0o755)
    return tree


class Reader:
    """Splits the console's bytes: what lies between the begin line and the exit line is output."""

    def __init__(self, mark, sink):
        self.begin = re.compile(rb"\n" + mark.encode() + rb" begin(\r?)\n")
        self.end = re.compile(rb"\r?\n" + mark.encode() + rb" exit (\d*)\r?\n")
        self.sink, self.log, self.out = sink, bytearray(), bytearray()
        self.at, self.state, self.cooked, self.status = 0, "boot", False, None
        self.keep = len(mark) + 16  # an exit line may be cut by a read: hold that much back

    def feed(self, data):
        self.log += data
        if self.state == "boot":
            m = self.begin.search(self.log)
            if not m:
                return
            # The terminal turns \n into \r\n, as ours do; then every \r\n goes back to \n.
            self.cooked, self.state, self.at = bool(m[1]), "output", m.end()
        if self.state == "output":
            m = self.end.search(self.log, self.at)
            if m:
                self.emit(m.start())
                self.state, self.status = "done", int(m[1] or 255)
            elif len(self.log) - self.keep > self.at:
                upto = len(self.log) - self.keep
                if self.log[upto - 1] == 13:
                    upto -= 1
                self.emit(upto)

    def emit(self, upto):
        piece = bytes(self.log[self.at:upto])
        if self.cooked:
            piece = piece.replace(b"\r\n", b"\n")
        self.at = upto
        self.out += piece
        if self.sink and piece:
            self.sink(piece)

    def flush(self):
        if self.state == "output":
            self.emit(len(self.log))


def copy_sparse(source, target):
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target], check=True)
    os.chmod(target, 0o600)


def run(machine, command, timeout=120.0, sink=None, files=None, init=RUN_INIT):
    """Boots MACHINE, runs COMMAND by its /bin/sh, returns a Result. SINK gets output as it comes.

    The command travels inside a copy: of the first disk when the root is a disk (written by
    debugfs), of the initramfs when that is the root (appended cpio files); so it works for any ext4
    disk or initramfs with a shell. FILES, an image.Tree, travels with it. INIT is the script that runs
    as process 1 in place of ours: it has to bring about the same lines. The copies are removed afterwards.
    """
    mark = "##trivet-" + ("0" * 12 if machine.icount else secrets.token_hex(6))
    tree = overlay_tree(command, mark, init)
    tree.update(files or {})
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        machine = dataclasses.replace(machine)
        if machine.disks:
            copy = os.path.join(work, "root.img")
            index = machine.root_index()
            copy_sparse(machine.disks[index], copy)
            image.ext4_add(copy, tree)
            machine.disks = [*machine.disks[:index], copy, *machine.disks[index + 1:]]
            word = "init=/.ci/init"
            if "root=" not in machine.append:
                word = f"root={machine.root()} rw " + word
        else:
            copy = os.path.join(work, "initramfs")
            pathlib.Path(copy).write_bytes(image.cpio_append(pathlib.Path(machine.initrd).read_bytes(), tree))
            machine.initrd = copy
            word = "rdinit=/.ci/init"
        words = machine.command(append=f"quiet loglevel=1 panic=-1 {word}")
        words += ["-serial", "stdio", "-monitor", "none"]
        result = supervise(words, Reader(mark, sink), timeout)
        # QEMU 7.2 lets Linux run into its own half-made code patches now and then, when other CPUs are at work: it
        # panics with `int3`. That says nothing about the command, so the reference is asked again.
        for _ in range(2 if machine.kernel == "linux" else 0):
            if result.reason == "kernel panic" and b"int3" in result.log:
                result = supervise(words, Reader(mark, sink), timeout)
        return result


def supervise(words, reader, timeout):
    start = time.monotonic()
    deadline = start + timeout
    reason, status, panic_at = "", None, None
    qemu = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(qemu.stdout, selectors.EVENT_READ)
            while True:
                limit = min(deadline, panic_at or deadline) - time.monotonic()
                if limit <= 0:
                    break
                if not selector.select(limit):
                    continue
                data = os.read(qemu.stdout.fileno(), 65536)
                if not data:
                    break
                reader.feed(data)
                if reader.state == "done" and panic_at is None:
                    panic_at = time.monotonic() + 5  # powering off is not the command's business
                elif reader.state != "done" and panic_at is None and PANIC.search(reader.log, max(0, reader.at)):
                    panic_at = time.monotonic() + 2  # let the trace come
                    status, reason = STATUS_PANIC, "kernel panic"
        if reader.status is not None:
            status, reason = reader.status, ""
        elif status is None and time.monotonic() >= deadline:
            status, reason = STATUS_TIMEOUT, f"no end within {timeout:g} s"
        elif status is None:
            status, reason = STATUS_LOST, "QEMU ended without the command's status"
        reader.flush()
    finally:
        if qemu.poll() is None:
            qemu.kill()
        qemu.wait()
        qemu.stdout.close()
    if status == STATUS_LOST:
        reason += f" (its own: {qemu.returncode})"
    return Result(status, bytes(reader.out), bytes(reader.log), time.monotonic() - start, reason)


def linux_words(machine):
    """What Debian's Linux needs besides: its initramfs with the virtio modules."""
    if machine.is_linux and not machine.initrd:
        machine.initrd = os.path.join(machine.build, "initramfs.cpio")


def fail_log(result, lines=60):
    """The end of the console log, for a report of a failure."""
    text = result.log.replace(b"\r\n", b"\n").decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def have_qemu(arch):
    return shutil.which(f"qemu-system-{arch}") is not None


if __name__ == "__main__":
    sys.exit("this is a module; use ci/boot")
