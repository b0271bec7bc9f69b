# SPDX-License-Identifier: BSD-2-Clause
"""Planted faults: each boot with plant=NAME must end in the panic of the defence meant for it, and its trace name the fault.

The names are those of kernel/plant.c, and every one of them must stand here.
"""
import re

import qemu
from testing import Case, Failed, top

NAME, WHEN, ORDER = "planted", "default", 45
HELP = "one boot per planted fault: the right defence panics and its trace names the place"

WRITE = {"x86_64": "kernel wrote", "aarch64": "kernel write", "riscv64": "store.* in the kernel"}
READ = {"x86_64": "kernel read", "aarch64": "kernel read", "riscv64": "load.* in the kernel"}
JUMP = {"x86_64": "kernel (jump|execution|fetch|execute)", "aarch64": "kernel jump", "riscv64": "fetch page fault in the kernel"}

# What the panic says; a text for all architectures, or one for each.
EXPECTED = {
    "assertion": "assertion failed: two \\+ two == 5 at kernel/plant.c",
    "null_read": READ, "null_call": JUMP, "wild_write": WRITE, "text_write": WRITE, "constant_write": WRITE, "heap_call": JUMP,
    "stack_overflow": "kernel stack overflow",
    "stack_smash": "stack canary of thread init overwritten",
    "trap": {"x86_64": "invalid opcode", "aarch64": "kernel trap instruction", "riscv64": "(breakpoint|illegal instruction)"},
    "user_read": READ, "user_call": JUMP,
    "lock_twice": "lock planted low .*: taken twice", "lock_rank": "lock planted lower .*: taken below",
    "lock_order": "lock order: planted first is taken under planted second",
    "lock_irq": "an interrupt-level lock taken with interrupts on", "unlock_unheld": "released by a thread that does not hold it",
    "sleep_in_spinlock": "sleeping call where sleep is forbidden", "schedule_in_spinlock": "schedule with preemption off",
    "lock_at_exit": "lock planted .*: held at the end of its thread", "percpu": "per-CPU data used with preemption on",
    "slab_overrun": "slab planted: object .* was written past its end",
    "slab_use_after_free": "slab planted: object .* was written to after free",
    "slab_double_free": "slab kmalloc-256: object .* is freed twice", "slab_wrong_cache": "slab planted: .* is not one of its objects",
    "kfree_of_stack": "kfree of .*, which kmalloc never gave",
    "page_double_free": "assertion failed", "page_free_while_used": "assertion failed: ref_read",
    "preemption_left_off": "boot step plant left preemption off",
}
# These do not show the function: the fault is found when it has returned.
NOT_IN_TRACE = {"preemption_left_off"}


def boot(ctx, arch, name):
    words = qemu.Machine(arch, append=f"plant={name} panic=-1 loglevel=7", kernel=str(ctx.kernel(arch))).command()
    result = qemu.supervise(words + ["-serial", "stdio", "-monitor", "none"], qemu.Reader("##none", None), 60)
    text = result.log.replace(b"\r\n", b"\n").decode(errors="replace")
    found = re.search(r"Kernel panic - not syncing: (.*)", text)
    want = EXPECTED[name] if isinstance(EXPECTED[name], str) else EXPECTED[name][arch]
    if not found:
        raise Failed(f"{name}: no panic: {result.reason}\n{qemu.fail_log(result, 20)}")
    if not re.search(want, found[1]):
        raise Failed(f"{name}: the panic says {found[1]!r}, want {want!r}\n{qemu.fail_log(result, 30)}")
    if name not in NOT_IN_TRACE and not re.search(rf"#\d+ 0x[0-9a-f]+ plant_{name}", text):
        raise Failed(f"{name}: the trace does not name plant_{name}\n{qemu.fail_log(result, 30)}")


def known():
    source = (top / "kernel/plant.c").read_text()
    names = set(re.findall(r"PLANT\((\w+)\)", source)) - {"n"}
    if names != set(EXPECTED):
        raise Failed(f"kernel/plant.c and this suite differ: {sorted(names ^ set(EXPECTED))}")


def run(ctx, arch):
    bad, parts = [], dict.fromkeys(EXPECTED, True)
    for name in EXPECTED:
        try:
            boot(ctx, arch, name)
        except Failed as e:
            bad.append(str(e))
            parts[name] = False
    ctx.detail(NAME, arch, arch, 1, parts)
    return len(EXPECTED) - len(bad), len(bad), "\n".join(bad) or f"{len(EXPECTED)} faults"


def cases(ctx):
    yield Case("every fault is expected", known)
    for arch in ctx.arches:
        yield Case(f"{arch}", lambda arch=arch: run(ctx, arch), cpus=1)
