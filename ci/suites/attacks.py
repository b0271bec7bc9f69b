# SPDX-License-Identifier: BSD-2-Clause
"""The kernel attacks itself (kernel/attack.c): each attack must be stopped, and by the defence that is meant for it.

A boot with the word `attack` tries all of them; this table has what the page tables must say of the target (so that a page that
is not there is not taken for one that is protected) and what the defence must say. A second boot asks /proc/audit about
page tables and the protections of each CPU, before and after one was off.
"""
import re

import qemu
from testing import Case, Failed, top

NAME, WHEN, ORDER = "attacks", "default", 46
HELP = "the kernel attacks itself: every defence stops what it is there for; audits of page tables and CPUs"

WRITE = {"x86_64": "kernel wrote protected address", "aarch64": "kernel write at .*: not allowed", "riscv64": "store page fault in the kernel"}
CALL = {"x86_64": "kernel executed protected address", "aarch64": "kernel jump to .*: not allowed", "riscv64": "fetch page fault in the kernel"}
USER_READ = {"x86_64": "kernel read user address .* outside a user copy", "aarch64": "kernel read at .*: not allowed",
             "riscv64": "load page fault in the kernel"}
USER_WRITE = dict(USER_READ, x86_64="kernel wrote user address .* outside a user copy", aarch64="kernel write at .*: not allowed",
                  riscv64="store page fault in the kernel")
USER_CALL = dict(CALL, x86_64="kernel executed user address .* outside a user copy")
NULL_READ = dict(USER_READ, x86_64="kernel read through a NULL pointer", aarch64="kernel read at .*: nothing mapped")
NULL_WRITE = dict(USER_WRITE, x86_64="kernel wrote through a NULL pointer", aarch64="kernel write at .*: nothing mapped")
NULL_CALL = dict(CALL, x86_64="kernel executed through a NULL pointer", aarch64="kernel jump to .*: nothing mapped")
LOW_READ = dict(NULL_READ, x86_64="kernel read user address .* outside a user copy")
HOLE_READ = dict(NULL_READ, x86_64="kernel read unmapped address")
HOLE_WRITE = dict(NULL_WRITE, x86_64="kernel wrote unmapped address")
HOLE_CALL = dict(NULL_CALL, x86_64="kernel executed unmapped address")
NOWHERE = {"x86_64": "general protection"}
OBJECT, CODE, STACK = "more than the slab object", "the kernel's code", "more than the stack"

# attack -> (rights of the target; "-" where it has no address, what stops it; one for all or one for each architecture)
EXPECTED = {
    "text_write": ("r-x", WRITE), "text_alias_write": ("r--", WRITE), "rodata_write": ("r--", WRITE),
    "rodata_alias_write": ("r--", WRITE), "sealed_write": ("r--", WRITE), "sealed_alias_write": ("r--", WRITE),
    "vdso_write": ("r--", WRITE), "vdso_alias_write": ("r--", WRITE),
    "data_call": ("rw-", CALL), "bss_call": ("rw-", CALL), "rodata_call": ("r--", CALL), "sealed_call": ("r--", CALL),
    "text_alias_call": ("r--", CALL), "vdso_call": ("r--", CALL), "heap_call": ("rw-", CALL), "page_call": ("rw-", CALL),
    "vmap_call": ("rw-", CALL), "stack_call": ("rw-", CALL), "percpu_call": ("rw-", CALL), "init_call": ("none", HOLE_CALL),
    "user_read": ("rwxu", USER_READ), "user_write": ("rwxu", USER_WRITE), "user_call": ("rwxu", USER_CALL),
    "null_read": ("none", NULL_READ), "null_write": ("none", NULL_WRITE), "null_call": ("none", NULL_CALL),
    "null_member": ("none", NULL_READ), "low_read": ("none", LOW_READ),
    "hole_read": ("none", HOLE_READ), "hole_write": ("none", HOLE_WRITE), "hole_call": ("none", HOLE_CALL),
    "nowhere_read": ("none", {**NULL_READ, **NOWHERE}), "nowhere_write": ("none", {**NULL_WRITE, **NOWHERE}),
    "nowhere_call": ("none", {**NULL_CALL, **NOWHERE}),
    "stack_guard_read": ("none", HOLE_READ), "stack_guard_write": ("none", HOLE_WRITE), "stack_end_write": ("none", HOLE_WRITE),
    "vmap_guard_write": ("none", HOLE_WRITE),
    "stack_smash": ("-", "stack canary of thread attacker overwritten"), "canary_per_thread": ("-", "every thread has its own canary"),
    "slab_overrun": ("-", "slab victims: object .* was written past its end"),
    "slab_write_after_free": ("-", "slab victims: object .* was written to after free"),
    "slab_double_free": ("-", "slab victims: object .* is freed twice"),
    "slab_wrong_cache": ("-", "slab victims: .* is not one of its objects"),
    "free_list_overwritten": ("-", "slab victims: the free list was overwritten"),
    "kfree_of_page_inside": ("-", "kfree of .*, which kmalloc never gave"),
    "kfree_inside_object": ("-", "slab kmalloc-256: .* is not the beginning of an object"),
    "kfree_of_stack": ("-", "kfree of .*, which kmalloc never gave"),
    "page_double_free": ("-", "assertion failed: ref_read"), "page_free_while_used": ("-", "assertion failed: ref_read"),
    "copy_out_slab": ("-", OBJECT), "copy_in_slab": ("-", OBJECT), "copy_out_slab_inside": ("-", OBJECT),
    "copy_out_kmalloc": ("-", OBJECT), "uio_out_slab": ("-", OBJECT), "copy_out_text": ("-", CODE),
    "copy_out_text_alias": ("-", CODE), "copy_in_text": ("-", CODE), "copy_out_stack": ("-", STACK),
    "kernel_as_user_write": ("-", "EFAULT"), "kernel_as_user_read": ("-", "EFAULT"), "linear_as_user_read": ("-", "EFAULT"),
    "nowhere_as_user_read": ("-", "EFAULT"), "last_bytes_as_user_read": ("-", "EFAULT"), "wrapping_user_read": ("-", "EFAULT"),
    "kernel_as_user_string": ("-", "EFAULT"),
    "ref_overflow": ("-", "saturated"), "ref_of_the_dead": ("-", "not taken"), "ref_below_zero": ("-", "saturated"),
    "memory_as_device": ("-", "refused"),
}


def known():
    source = (top / "kernel/attack.c").read_text()
    names = set(re.findall(r"\bA\((\w+)\)", source)) - {"n"}
    if names != set(EXPECTED):
        raise Failed(f"kernel/attack.c and this suite differ: {sorted(names ^ set(EXPECTED))}")


def verdict(arch, name, target, said):
    """None, or what is wrong with it."""
    rights, why = EXPECTED[name]
    why = why if isinstance(why, str) else why[arch]
    stopped = re.match(r"stopped: (.*)", said)
    if not stopped:
        return f"{name}: not stopped ({said})"
    if target != rights:
        return f"{name}: the target's rights are {target}, want {rights} (stopped by: {stopped[1]})"
    return None if re.search(why, stopped[1]) else f"{name}: stopped by {stopped[1]!r}, want {why!r}"


def run(ctx, arch):
    words = qemu.Machine(arch, smp=2, append="attack panic=-1 loglevel=6", kernel=str(ctx.kernel(arch))).command()
    result = qemu.supervise(words + ["-serial", "stdio", "-monitor", "none"], qemu.Reader("##none", None), 120)
    text = result.log.replace(b"\r\n", b"\n").decode(errors="replace")
    found = {m[1]: verdict(arch, *m.groups()) for m in re.finditer(r"attack: (\w+): target (\S+): (.*)", text)}
    bad = [w for w in found.values() if w] + [f"{n}: was not tried" for n in EXPECTED if n not in found]
    ctx.detail(NAME, f"{arch} attacks", arch, 2, {n: not found.get(n, "not tried") for n in EXPECTED})
    if len(found) < len(EXPECTED):
        bad.append(qemu.fail_log(result, 30))
    return len(EXPECTED) - len(bad), len(bad), "\n".join(bad) or f"{len(found)} attacks"


LOOK = r"""
cat /proc/audit
for i in 1 2 3; do echo 0 > /sys/devices/system/cpu/cpu1/online; echo 1 > /sys/devices/system/cpu/cpu1/online; done
(sleep 1 & sleep 1 & wait) ; cat /proc/audit
"""


def audits(ctx, arch):
    """Two CPUs were looked at when they came, at the end of boot, and by each reading; one of them three times more."""
    m = qemu.Machine(arch, smp=2, kernel=str(ctx.kernel(arch)), disks=[str(top / "build" / arch / "root.img")])
    result = qemu.run(m, LOOK, timeout=120)
    values = re.findall(r"^(\w+) (\w+)$", result.output.decode(errors="replace"), re.M)
    first, second = dict(values[:len(values) // 2]), dict(values[len(values) // 2:])
    for look in (first, second):
        bad = [f"{k} {look.get(k)}" for k in ("kernel_tables", "program_tables", "cpu_protections") if look.get(k) != "0"]
        if bad or int(look.get("program_pages", 0)) < 50:
            raise Failed(f"the audit finds {bad or look}\n{qemu.fail_log(result, 30)}")
    looks = int(second["cpu_looks"]) - int(first["cpu_looks"])
    if (int(first["cpu_looks"]), looks) != (5, 5):
        raise Failed(f"CPUs were looked at {first['cpu_looks']} and {looks} times, want 5 and 5")
    return f"{second['program_pages']} pages of {second['programs']} programs"


def cases(ctx):
    import subprocess
    yield Case("every attack is expected", known)
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        yield Case(f"{arch} attacks", lambda arch=arch: run(ctx, arch), cpus=2)
        yield Case(f"{arch} audits", lambda arch=arch: audits(ctx, arch), cpus=2)
