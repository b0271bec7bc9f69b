# SPDX-License-Identifier: BSD-2-Clause
"""Boots: the three boards in their variants to a command's output, bad input, an interactive session."""
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile

import qemu
from testing import Case, Failed, top

sys.path.insert(0, str(top / "tests/boot"))
import interactive  # noqa: E402

NAME, WHEN, ORDER = "boot", "default", 50
HELP = "boards, CPU counts, transports, firmware, bad input, interactive session"

ISSUE = "uname -m; nproc; for i in 1 2 3 4 5; do sh -c \"echo $i\" & done | sort; wait; ls / | sort"
PROBE = "uname -m; nproc; exit 42"

# (name, machine words, in the default selection)
VARIANTS = {
    "x86_64": [
        ("q35", dict(machine="q35"), True), ("pc", dict(machine="pc"), True),
        ("microvm", dict(machine="microvm"), True),
        ("microvm fdt", dict(machine="microvm", tables="fdt"), True),
        ("microvm without acpi", dict(machine="microvm,acpi=off"), True),
        ("microvm modern", dict(machine="microvm", transport="mmio-modern"), False),
        ("qemu64", dict(cpu="qemu64"), False), ("Skylake", dict(cpu="Skylake-Client-v4"), False),
    ],
    "aarch64": [
        ("virt mmio", dict(), True), ("virt mmio-modern", dict(transport="mmio-modern"), False),
        ("virt pci", dict(transport="pci"), True), ("gicv3", dict(machine="virt,gic-version=3"), True),
        ("el2", dict(machine="virt,virtualization=on"), True), ("secure", dict(machine="virt,secure=on"), False),
        ("u-boot", dict(firmware="uboot", mem="512M"), False),
        ("cortex-a57", dict(cpu="cortex-a57"), False), ("cortex-a76", dict(cpu="cortex-a76"), False),
    ],
    "riscv64": [
        ("virt mmio", dict(), True), ("virt mmio-modern", dict(transport="mmio-modern"), False),
        ("virt pci", dict(transport="pci"), True),
        ("opensbi 1.6", dict(bios=str(qemu.cache / "firmware/opensbi-1.6-fw_dynamic.bin")), True),
        ("no sstc", dict(cpu="rv64,sstc=off"), True),
        ("u-boot", dict(firmware="uboot", mem="512M"), False),
        ("zkr", dict(cpu="rv64,zkr=on,x-epmp=on",
                     bios=str(qemu.cache / "firmware/opensbi-1.6-fw_dynamic.bin")), False),
    ],
}


def disk(arch):
    return str(top / "build" / arch / "root.img")


def initramfs(arch):
    return str(top / "build" / arch / "initramfs.cpio")


def expect_run(ctx, arch, command, status, output, smp=1, disks=True, **words):
    ctx.kernel(arch)
    machine = qemu.Machine(arch, smp=smp, disks=[disk(arch)] if disks else [], **words)
    result = qemu.run(machine, command, timeout=120)
    if result.status != status or result.output.decode(errors="replace") != output:
        raise Failed(f"status {result.status} (want {status}) {result.reason}\noutput {result.output!r}\nwant   "
                     f"{output.encode()!r}\n{qemu.fail_log(result)}")


def issue_line(ctx, arch):
    names = sorted("bin dev etc home lost+found mnt proc root run sbin sys tmp usr var .".split())
    listing = "".join(f"{n}\n" for n in names if n != ".")
    expect_run(ctx, arch, ISSUE, 0, f"{arch}\n4\n1\n2\n3\n4\n5\n{listing}", smp=4)


def console_until_end(ctx, arch, timeout, words=(), **machine):
    """The whole console of a boot that must end by itself."""
    m = qemu.Machine(arch, **machine)
    result = qemu.supervise(m.command() + [*words, "-serial", "stdio", "-monitor", "none"],
                            qemu.Reader("##none", None), timeout)
    text = result.log.replace(b"\r\n", b"\n").decode(errors="replace")
    if result.status == qemu.STATUS_TIMEOUT:
        raise Failed(f"silent hang: no end within {timeout} s; console:\n{qemu.fail_log(result)}")
    return text


def bad(ctx, arch, expected, timeout=60, files=None, **machine):
    """A bad input ends with a panic (or a line) that names the reason."""
    ctx.kernel(arch)
    with tempfile.TemporaryDirectory() as work:
        for key, data in (files or {}).items():
            path = pathlib.Path(work) / key
            path.write_bytes(data)
            machine[key] = [str(path)] if key == "disks" else str(path)
        machine["append"] = "panic=-1 " + machine.get("append", "")
        text = console_until_end(ctx, arch, timeout, **machine)
    if not any(word.lower() in text.lower() for word in expected):
        raise Failed(f"none of {expected} on the console:\n" + "\n".join(text.splitlines()[-40:]))


def same_line(ctx, arch, transport):
    """One QEMU line with initramfs and disk; only the kernel differs."""
    ctx.kernel(arch)
    command = "uname -m; uname -s; cat /etc/hostname; grep -c ' / ext4 ' /proc/mounts; ls /; id"
    words = dict(smp=2, disks=[disk(arch)], initrd=initramfs(arch), transport=transport)
    answers = [qemu.run(qemu.Machine(arch, kernel=kernel, **words), command, timeout=120) for kernel in ("linux", "")]
    if answers[0].status or not answers[0].output:
        raise Failed("Linux fails:\n" + qemu.fail_log(answers[0]))
    if answers[0].output != answers[1].output or answers[1].status:
        raise Failed(f"Linux {answers[0].output!r}\nTrivet {answers[1].output!r}\n{answers[1].reason}\n"
                     + qemu.fail_log(answers[1]))


def session(ctx, arch):
    ctx.kernel(arch)
    steps = []
    interactive.run(qemu.Machine(arch, smp=2, disks=[disk(arch)]), steps.append)
    return f"{len(steps)} steps"


def disk_after(ctx, arch):
    """What the guest wrote is on the disk, and e2fsck finds nothing wrong."""
    ctx.kernel(arch)
    with tempfile.TemporaryDirectory() as work:
        copy = str(pathlib.Path(work) / "root.img")
        qemu.copy_sparse(disk(arch), copy)
        command = ("mkdir -p /root/a/b; seq 1 20000 > /root/a/b/numbers; cp -r /etc /root/copy; ln -s x /root/link; "
                   "mv /root/a/b/numbers /root/moved; rm -r /root/a; "
                   # Enough long names for an indexed directory of several leaves, half of them removed again.
                   "mkdir /root/d; for i in $(seq 800); do : > /root/d/a-name-long-enough-to-fill-blocks-$i; done; "
                   "rm /root/d/*[02468]; mv /root/d /root/copy/; truncate -s 5000 /root/copy/passwd; "
                   "sync; sha256sum /root/moved")
        # The command's own copy is dropped with the run, so the shell itself is given the work.
        machine = qemu.Machine(arch, smp=2, disks=[copy], snapshot=False)
        with interactive.Session(machine.command(append="quiet panic=-1 root=/dev/vda rw") +
                                 ["-serial", "mon:stdio"]) as s:
            s.expect(interactive.PROMPT, 90)
            s.type(command + "\r")
            digest = s.expect(rb"([0-9a-f]{64})  /root/moved", 60)[1].decode()
            s.expect(interactive.PROMPT)
            s.type("exit\r")
            s.ended(30)
        import hashlib
        import image
        want = hashlib.sha256("".join(f"{i}\n" for i in range(1, 20001)).encode()).hexdigest()
        if digest != want:
            raise Failed(f"the guest read {digest}, want {want}")
        read = subprocess.run(["debugfs", "-R", "cat /root/moved", copy], capture_output=True, env=image.tool_env())
        if hashlib.sha256(read.stdout).hexdigest() != want:
            raise Failed("the file on the disk differs from what was written")
        fsck = subprocess.run(["e2fsck", "-fn", copy], capture_output=True, text=True, env=image.tool_env())
        if fsck.returncode:
            raise Failed("e2fsck -fn:\n" + fsck.stdout[-3000:])


def cases(ctx):
    for arch in ctx.arches:
        subprocess.run([top / "ci/tools/fresh_image.py", arch], check=True)
    for arch in ctx.arches:
        yield Case(f"{arch} the issue's line", lambda a=arch: issue_line(ctx, a), cpus=4)
        for name, words, default in VARIANTS[arch]:
            if default or ctx.at_least("full"):
                for smp in (1, 2, 4) if ctx.at_least("full") else (2,):
                    yield Case(f"{arch} {name} -smp {smp}", lambda a=arch, w=words, n=smp: expect_run(
                        ctx, a, PROBE, 42, f"{a}\n{n}\n", smp=n, **w))
        yield Case(f"{arch} 8 MiB", lambda a=arch: expect_run(ctx, a, PROBE, 42, f"{a}\n1\n", mem="8M"), cpus=1)
        for words in (("--clang",), ("--release",), ("--clang", "--release")) if ctx.at_least("full") else ():
            yield Case(f"{arch} {' '.join(words)}", lambda a=arch, w=words: expect_run(
                ctx, a, PROBE, 42, f"{a}\n4\n", smp=4, build=str(ctx.fresh(a, *w))), cpus=4)
        yield Case(f"{arch} kaslr", lambda a=arch: random_place(ctx, a))
        yield Case(f"{arch} initramfs", lambda a=arch: expect_run(
            ctx, a, PROBE, 42, f"{a}\n1\n", disks=False, initrd=initramfs(a)))
        yield Case(f"{arch} gzip initramfs", lambda a=arch: zipped(ctx, a))
        yield Case(f"{arch} exact bytes", lambda a=arch: expect_run(
            ctx, a, r"printf 'a\r\nb\t\n\nend'; printf x >&2", 0, "a\r\nb\t\n\nendx"))
        for transport in ("pci",) if arch == "x86_64" else ("mmio", "pci"):
            yield Case(f"{arch} Linux and Trivet, same line, {transport}",
                       lambda a=arch, t=transport: same_line(ctx, a, t))
        yield Case(f"{arch} writes and e2fsck", lambda a=arch: disk_after(ctx, a))
        yield Case(f"{arch} interactive", lambda a=arch: session(ctx, a))
        yield from bad_cases(ctx, arch)


def offset_of(ctx, arch, **machine):
    """(how far the image was moved, where it says plant_assertion to be, the console) of a boot that panics."""
    ctx.kernel(arch)
    machine["append"] = "plant=assertion panic=-1 loglevel=7 " + machine.get("append", "")
    text = console_until_end(ctx, arch, 60, **machine)
    place = re.search(r"#\d+ 0x([0-9a-f]+) plant_assertion\+0x([0-9a-f]+)", text)
    moved = re.search(r"Kernel Offset: (?:disabled|0x([0-9a-f]+) from 0x([0-9a-f]+))", text)
    if not place or not moved:
        raise Failed(f"the panic tells no offset or place:\n{text[-3000:]}")
    return int(moved[1] or "0", 16), int(place[1], 16) - int(place[2], 16), text


def random_place(ctx, arch):
    """The image lies elsewhere in each boot, nokaslr puts it where it was linked, and panics say how far it was moved."""
    table = subprocess.run([f"{arch}-linux-gnu-nm", str(ctx.kernel(arch)).replace("Image", "trivet")], capture_output=True,
                           text=True, check=True).stdout
    linked = int(re.search(r"^([0-9a-f]+) \w plant_assertion$", table, re.M)[1], 16)
    found = [offset_of(ctx, arch) for _ in range(3)] + [offset_of(ctx, arch, append="nokaslr")]
    offsets = [f[0] for f in found]
    # Three equal ones of some 500 places: once in 250,000 runs.
    if len(set(offsets[:3])) == 1 or 0 in offsets[:3] or offsets[3] or any(o % (2 << 20) for o in offsets):
        raise Failed("offsets of three boots and one with nokaslr: " + " ".join(map(hex, offsets)))
    if any(f[1] - f[0] != linked for f in found):
        raise Failed(f"plant_assertion is linked at {linked:#x}, the traces say " + " ".join(hex(f[1]) for f in found))
    for machine in {"x86_64": (dict(cpu="qemu64"),), "aarch64": (dict(machine="virt,dtb-randomness=off", cpu="cortex-a57"),),
                    "riscv64": ()}[arch]:
        offset, _, text = offset_of(ctx, arch, **machine)
        if offset or "kaslr: neither firmware nor CPU gave a seed" not in text:
            raise Failed(f"without a source of seeds: offset {offset:#x}\n{text[:2000]}")
    return " ".join(map(hex, offsets[:3]))


def zipped(ctx, arch):
    ctx.kernel(arch)
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work) / "initramfs.cpio.gz"
        path.write_bytes(gzip.compress(pathlib.Path(initramfs(arch)).read_bytes(), 6, mtime=0))
        expect_run(ctx, arch, PROBE, 42, f"{arch}\n1\n", disks=False, initrd=str(path))


def bad_cases(ctx, arch):
    panic = "Kernel panic - not syncing"
    root = "root=/dev/vda rw"
    garbage = bytes((i * 37 + (i >> 8)) & 255 for i in range(1 << 20))
    rows = [
        ("no root device", ["/dev/vdz", "vdz"], dict(disks=[disk(arch)], append="root=/dev/vdz")),
        ("garbage for a root", ["ext4", "root"], dict(files={"disks": garbage}, append=root)),
        ("no init", ["/sbin/nothing"], dict(disks=[disk(arch)], append=f"{root} init=/sbin/nothing")),
        ("garbage for an initramfs", ["initramfs", "initrd", "cpio"], dict(files={"initrd": garbage})),
        ("nothing to boot from", [panic], dict()),
    ]
    for name, expected, machine in rows:
        yield Case(f"{arch} bad input: {name}", lambda a=arch, e=expected, m=machine: bad(ctx, a, e, **dict(m)))
