# SPDX-License-Identifier: BSD-2-Clause
"""What must not be guessed, and what must not get out.

layout: the kernel's image over some boots, and a program's parts over thousands of executions: how many bits are random, by the bits
that are as often 0 as 1 and by how seldom two runs agree. disk and frames: memory that is handed out without being cleared is
painted; the paint must be neither in what was written to a disk nor in what went over the wire. What reaches programs is looked for
by tests/system/fill_paint.c: once in the suite `system`, here with `full` 100,000 times beside work that leaves its traces in memory.
"""
import os
import pathlib
import re
import subprocess
import tempfile

import image
import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "hidden", "default", 47
HELP = "random layout of kernel and programs, measured; nothing stale on disks and in frames"

BOOTS, EXECS = 8, 3000
KERNEL_BITS, USER_BITS = 8, 24
PARTS = ("program", "stack", "mapping", "brk", "vdso", "AT_RANDOM")
NEED = {"program": USER_BITS, "stack": USER_BITS, "mapping": USER_BITS, "vdso": USER_BITS, "brk": 12, "AT_RANDOM": 60}
PAINT = 0xC5
RUN = bytes([PAINT]) * 4


def random_bits(values, slack):
    """Bits that are as often 0 as 1, give or take SLACK standard deviations."""
    n = len(values)
    return sum(abs(sum(v >> bit & 1 for v in values) - n / 2) <= slack * n ** 0.5 / 2 for bit in range(64))


def pairs(values):
    counts = {}
    for v in values:
        counts[v] = counts.get(v, 0) + 1
    return sum(c * (c - 1) // 2 for c in counts.values())


def boot(ctx, arch, command, files=None, **more):
    m = qemu.Machine(arch, kernel=str(ctx.kernel(arch)), disks=[str(top / "build" / arch / "root.img"), *more.pop("disks", [])], **more)
    result = qemu.run(m, command, timeout=200, files=files)
    if result.status:
        raise Failed(f"status {result.status} {result.reason}\n{result.output.decode(errors='replace')[-1500:]}\n{qemu.fail_log(result, 30)}")
    return result.output.decode(errors="replace")


def kernel_place(ctx, arch):
    return int(re.search(r"^image 0x([0-9a-f]+)", boot(ctx, arch, "cat /proc/audit"), re.M)[1], 16)


def layout_of_kernel(ctx, arch):
    count = 32 if ctx.at_least("full") else BOOTS
    found = [kernel_place(ctx, arch) for _ in range(count)]
    steps = [(v - min(found)) >> 21 for v in found]
    if any((v - min(found)) % (2 << 20) for v in found):
        raise Failed("not in steps of 2 MiB: " + " ".join(map(hex, found)))
    # Of 2^b places COUNT boots show as many different ones as these would; a bit that never changes is none.
    changing = sum(len({v >> bit & 1 for v in found}) == 2 for bit in range(21, 48))
    expected = count * (count - 1) / 2 / 2 ** KERNEL_BITS
    same = pairs(found)
    if changing < KERNEL_BITS or same > expected + 3 * max(1, expected ** 0.5) or max(steps) < 64:
        raise Failed(f"{changing} bits change, {same} pairs of {count} boots are the same: " + " ".join(map(hex, found)))
    return f"{count} boots: {changing} bits change, {same} pairs the same (with {KERNEL_BITS} bits {expected:.1f}), span {max(steps) * 2} MiB"


def layout_of_programs(ctx, arch):
    program = top / "build" / arch / "hidden/layout"
    error = userland.musl_program(arch, [top / "tests/hidden/layout.c"], program, pie=True)
    if error:
        raise Failed(f"tests/hidden/layout.c does not compile:\n{error[-3000:]}")
    tree = image.Tree()
    tree.file("/tests/layout", program.read_bytes(), 0o755)
    text = boot(ctx, arch, f"/tests/layout {EXECS}", files=tree)
    rows = [[int(w, 16) for w in line.split()] for line in text.splitlines() if re.fullmatch(r"(?:[0-9a-f]+ ?){6}", line)]
    if len(rows) != EXECS:
        raise Failed(f"{len(rows)} of {EXECS} runs told where they lie")
    bad, notes = [], []
    for i, part in enumerate(PARTS):
        values = [row[i] for row in rows]
        bits, same, need = random_bits(values, 5), pairs(values), NEED[part]
        expected = EXECS * (EXECS - 1) / 2 / 2 ** need
        notes.append(f"{part} {bits}")
        if bits < need or same > expected + 4 * max(1, expected ** 0.5):
            bad.append(f"{part}: {bits} random bits, {same} pairs the same; with {need} bits {expected:.2f}")
    if bad:
        raise Failed("\n".join(bad))
    return f"{EXECS} runs, random bits: " + ", ".join(notes)


WRITES = r"""
set -e
mount -t ext4 /dev/vdb /mnt; cd /mnt
for i in 1 2 3 4 5 6 7 8 9; do
	mkdir d$i; printf 'text %d' $i > d$i/f; ln -s f d$i/short; ln d$i/f d$i/hard; mknod d$i/pipe p; mknod d$i/null c 1 3
	ln -s /a/long/target/that/does/not/fit/into/the/inode/and/takes/a/block/of/its/own/$i d$i/long
	dd if=/dev/zero of=d$i/hole bs=1 count=7 seek=$((i * 7001)) 2> /dev/null
	dd if=/proc/cpuinfo of=d$i/odd bs=1$i count=3 2> /dev/null
	echo more >> d$i/odd; truncate -s 20000 d$i/odd; echo end >> d$i/odd
	dd if=/bin/busybox of=d$i/large bs=4096 count=60 2> /dev/null; truncate -s 100001 d$i/large
done
mkdir many; i=0
while [ $i -lt 400 ]; do : > many/a_name_of_some_length_$i; i=$((i + 1)); done
sync
rm -r d3 d5 d7; i=0
while [ $i -lt 400 ]; do rm many/a_name_of_some_length_$i; i=$((i + 3)); done
for i in 3 5 7; do mkdir d$i; printf 'again %d' $i > d$i/g; mv d$i/g d$i/h; done
echo 3 > /proc/sys/vm/drop_caches; cat d1/odd d2/hole > new; cd /; umount /mnt
"""


def disk(ctx, arch):
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        path = os.path.join(work, "painted.img")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", path, "24M"], check=True)
        before = pathlib.Path(path).read_bytes()
        if RUN in before:
            raise Failed("the fresh image has the paint already")
        boot_without_snapshot(ctx, arch, path)
        after = pathlib.Path(path).read_bytes()
        check = subprocess.run(["e2fsck", "-fn", path], capture_output=True, text=True)
    changed = sum(before[i:i + 4096] != after[i:i + 4096] for i in range(0, len(after), 4096))
    if check.returncode:
        raise Failed(f"e2fsck: {check.stdout[-1500:]}")
    if changed < 200:
        raise Failed(f"only {changed} blocks were written")
    found = [m.start() for m in re.finditer(re.escape(RUN), after)]
    if found:
        raise Failed(f"stale memory in {len({f >> 12 for f in found})} blocks, first at {found[0]:#x} of the disk: "
                     + after[max(0, found[0] - 16):found[0] + 32].hex(" "))
    return f"{changed} blocks written"


def boot_without_snapshot(ctx, arch, path):
    """The root may be written to as usual: it is a copy."""
    m = qemu.Machine(arch, kernel=str(ctx.kernel(arch)), disks=[str(top / "build" / arch / "root.img"), path], snapshot=False,
                     append=f"paint={PAINT}")
    result = qemu.run(m, WRITES, timeout=200)
    if result.status:
        raise Failed(f"status {result.status} {result.reason}\n{result.output.decode(errors='replace')[-1500:]}\n{qemu.fail_log(result, 30)}")


TALK = r"""
ip=10.0.2.15; ifconfig eth0 $ip netmask 255.255.255.0 up && route add default gw 10.0.2.2
for n in 0 1 3 7 18 19 60 333 1400 1472 3000; do ping -c 1 -s $n 10.0.2.2 > /dev/null; done
for n in 1 2 5 46 47 300; do head -c $n /bin/busybox | nc -u -w 1 10.0.2.2 9 > /dev/null; done
nslookup trivet.invalid 10.0.2.3 > /dev/null 2>&1
for p in 1 2 3; do nc -w 1 10.0.2.2 $p < /dev/null; done
ping -c 1 10.0.2.99 > /dev/null
true
"""


def frames(ctx, arch):
    with tempfile.TemporaryDirectory(prefix="trivet-") as work:
        dump = os.path.join(work, "frames.pcap")
        boot(ctx, arch, TALK, append=f"paint={PAINT}", net=True, extra=["-object", f"filter-dump,id=dump0,netdev=net0,file={dump}"])
        data, at, sent, stale = pathlib.Path(dump).read_bytes(), 24, 0, []
    while at + 16 <= len(data):
        length = int.from_bytes(data[at + 8:at + 12], "little")
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[6:9] != b"\x52\x54\x00":  # QEMU's card, so the guest sent it
            continue
        sent += 1
        if RUN[:3] in frame:
            stale.append(frame)
    if sent < 20:
        raise Failed(f"only {sent} frames were sent")
    if stale:
        raise Failed(f"stale memory in {len(stale)} of {sent} frames, the first: {stale[0].hex(' ')}")
    return f"{sent} frames"


CALLS = 100000
# Two calls for each entry that tells ok; what else it tells is printed.
SOAK = r"""
mkdir -p /root/w; cd /root/w
(while :; do find /proc /sys /bin -type f 2> /dev/null | head -n 500 | xargs cat > /dev/null 2>&1; done) & w=$!
i=0; n=0
while [ $n -lt %d ]; do
	/tests/fill_paint > out || break
	n=$((n + 2 * $(grep -c '^ok' out))); i=$((i + 1))
	grep -v '^ok' out && break
	rm -rf /tmp/*	# each entry had a directory of its own there
done
kill $w; echo soaked $n calls in $i rounds
"""


def calls(ctx, arch):
    import system
    tree = image.Tree()
    tree.file("/tests/fill_paint", system.programs(arch)["fill_paint"].read_bytes(), 0o755)
    m = qemu.Machine(arch, smp=2, kernel=str(ctx.kernel(arch)), disks=[str(top / "build" / arch / "root.img")])
    result = qemu.run(m, SOAK % CALLS, timeout=7200, files=tree)
    text = result.output.decode(errors="replace")
    done = re.search(r"^soaked (\d+) calls in (\d+) rounds", text, re.M)
    if not done or int(done[1]) < CALLS or re.search(r"^not ok", text, re.M):
        raise Failed(f"{result.reason}\n{text[-1500:]}\n{qemu.fail_log(result, 20)}")
    return f"{done[1]} calls with painted memory in {done[2]} rounds, no stale byte"


def cases(ctx):
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        for case in (layout_of_kernel, layout_of_programs, disk, frames):
            yield Case(f"{arch} {case.__name__.replace('_', ' ')}", lambda arch=arch, case=case: case(ctx, arch), cpus=1)
        if ctx.at_least("full"):
            yield Case(f"{arch} calls", lambda arch=arch: calls(ctx, arch), cpus=2)
