# SPDX-License-Identifier: BSD-2-Clause
"""Every pointer argument of every call with twelve bad addresses: EFAULT, or what Linux says.

The calls and their arguments are those of kernel/syscall/syscalls.tbl, so that a new row is tried by itself. Linux's answers are kept in
tests/linux-reference/<arch>/badptr.json. A cell is right when it is Linux's, or EFAULT where Linux finds another fault first.
"""
import hashlib
import json
import re

import image
import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "badptr", "default", 62
HELP = "every pointer argument of every call with twelve bad addresses, against Linux"

# They end, copy or stop the caller, change the machine, or wait for what never comes.
LEFT_OUT = {"exit", "exit_group", "fork", "vfork", "clone", "clone3", "rt_sigreturn", "reboot", "kexec_load", "kexec_file_load", "init_module",
            "finit_module", "ptrace", "arch_prctl", "ioctl", "seccomp", "bpf", "restart_syscall", "uselib", "process_madvise"}
NUMBERS = {"len": 8, "size": 8, "count": 8, "n": 8, "setsize": 8, "addrlen": 16, "iovcnt": 1, "liovcnt": 1, "riovcnt": 1, "vlen": 1, "nops": 1,
           "nr": 1, "nfds": 1, "max": 1, "maxnode": 64, "clock": 1, "sig": 10, "resource": 7, "family": 1, "type": 1, "oflags": 2, "words": 1,
           "op": 0, "flags": 0, "mode": 0o644, "pid": 0, "tid": 0, "option": 15, "length": 8, "vcount": 1}
# What the first arguments must be for the pointer to matter: {call: {argument: value}}.
SPECIAL = {"epoll_ctl": {"op": 1}, "getsockopt": {"level": 1, "opt": 3}, "setsockopt": {"level": 1, "opt": 2, "len": 4},
           "waitid": {"which": 0, "flags": 5}, "wait4": {"pid": -1, "flags": 1}, "statx": {"mask": 0x7ff}, "socketpair": {"family": 1, "type": 1},
           "getgroups": {"size": 16}, "setgroups": {"size": 1}, "syslog": {"type": 3, "len": 8}, "sched_setscheduler": {"policy": 0},
           "shmctl": {"id": 0, "cmd": 3}, "msgctl": {"id": 0, "cmd": 3}, "prlimit64": {"resource": 7}, "mincore": {"addr": 0},
           "getcwd": {"size": 4096}, "readlinkat": {}, "futex": {"op": 0}, "mq_open": {"oflags": 0}, "rt_sigaction": {"sig": 10},
           "clock_adjtime": {"clock": 0}}
KINDS = {"path": "PATH", "name": "PATH", "oldpath": "PATH", "newpath": "NEW_PATH", "target": "PATH", "linkpath": "NEW_PATH", "source": "PATH",
         "fstype": "PATH", "new_root": "PATH", "put_old": "PATH", "special": "PATH"}
FDS = {"epfd": "EPOLL_FD", "dirfd": None, "olddirfd": None, "newdirfd": None}
SOCKET_CALLS = {"connect", "accept", "accept4", "bind", "listen", "getsockname", "getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg",
                "sendmmsg", "recvmmsg", "getsockopt", "setsockopt", "shutdown"}
DIR_CALLS = {"getdents", "getdents64", "fchdir"}


def argument(call, text):
    """The C initialiser of one argument."""
    name = re.split(r"[\s*]+", text)[-1]
    special = SPECIAL.get(call, {})
    if "*" in text:
        if call in ("execve", "execveat") and name == "path":
            return "{ PROGRAM, 0 }"
        if name in KINDS and "char" in text:
            return f"{{ {KINDS[name]}, 0 }}"
        return "{ INPUT, 0 }" if "const" in text else "{ LENGTH, 0 }" if name in ("addrlen", "len") else "{ BUFFER, 0 }"
    if name in special:
        return f"{{ NUMBER, {special[name]} }}"
    if name in FDS:
        return f"{{ {FDS[name]}, 0 }}" if FDS[name] else "{ NUMBER, -100 }"
    if name.endswith("fd"):
        kind = "SOCKET_FD" if call in SOCKET_CALLS else "DIR_FD" if call in DIR_CALLS else "PIPE_FD" if call in ("vmsplice", "tee") else "FILE_FD"
        return f"{{ {kind}, 0 }}"
    return f"{{ NUMBER, {NUMBERS.get(name, 0)} }}"


def table(arch):
    """calls.h for the architecture, and how many pointers it has."""
    rows, pointers = [], 0
    for line in (top / "kernel/syscall/syscalls.tbl").read_text().splitlines():
        cells = line.split("\t")
        if line.startswith("#") or len(cells) < 5:
            continue
        number, name, flags, args = cells[0 if arch == "x86_64" else 1], cells[2], cells[3], [a.strip() for a in cells[4].split(",")]
        words = flags.split()
        if not number.isdigit() or name in LEFT_OUT or "?" in args or args == ["void"] or f"!{arch}" in words:
            continue
        if any(w in ("x86_64", "aarch64", "riscv64") and w != arch for w in words) or not any("*" in a for a in args):
            continue
        pointers += sum("*" in a for a in args)
        inits = ", ".join(argument(name, a) for a in args)
        rows.append(f'\t{{ "{name}", {number}, {len(args)}, {{ {inits} }} }},')
    return "static const struct call calls[] = {\n" + "\n".join(rows) + "\n\t{ 0 },\n};\n", len(rows), pointers


def program(arch):
    """Compiled; its path and the digest of all that Linux's answer hangs on."""
    folder = top / "build" / arch / "badptr"
    folder.mkdir(parents=True, exist_ok=True)
    text, calls, pointers = table(arch)
    (folder / "calls.h").write_text(text)
    source = top / "tests/badptr/badptr.c"
    error = userland.musl_program(arch, [source], folder / "badptr", flags=("-I", folder))
    if error:
        raise Failed(f"tests/badptr/badptr.c does not compile:\n{error[-3000:]}")
    digest = hashlib.sha256(text.encode() + source.read_bytes() + (qemu.cache / "linux" / arch / "package").read_bytes())
    return folder / "badptr", digest.hexdigest(), calls, pointers


def answers(arch, path, linux, kernel=""):
    m = qemu.Machine(arch, smp=2, kernel="linux" if linux else kernel, disks=[str(top / "build" / arch / "root.img")])
    qemu.linux_words(m)
    tree = image.Tree()
    tree.file("/tests/badptr", path.read_bytes(), 0o755)
    result = qemu.run(m, "cd /tmp; exec /tests/badptr run", timeout=400, files=tree)
    text = result.output.decode(errors="replace")
    cells = {f"{m[1]} {m[2]} {m[3]}": int(m[4]) for m in re.finditer(r"^cell (\w+) (\d+) (\d+) (-?\d+)$", text, re.M)}
    if not text.rstrip().endswith("end"):
        raise Failed(f"did not come to its end after {len(cells)} cells: {text[-200:]!r}\n{qemu.fail_log(result, 40)}")
    return cells


def reference(arch, path, digest):
    kept = top / "tests/linux-reference" / arch / "badptr.json"
    if kept.exists():
        data = json.loads(kept.read_text())
        if data["inputs"] == digest:
            return {f"{call} {w}": v for call, values in data["cells"].items() for w, v in values.items()}
    cells = answers(arch, path, True)
    grouped = {}
    for key, value in cells.items():
        call, w = key.rsplit(" ", 1)
        grouped.setdefault(call, {})[w] = value
    lines = ",\n".join(f"  {json.dumps(call)}: {json.dumps(values)}" for call, values in grouped.items())
    kept.write_text(f'{{"inputs": "{digest}", "cells": {{\n{lines}\n}}}}\n')
    return cells


EFAULT, ENOSYS = -14, -38
# Calls whose answer for one argument may be another documented errno, because another check comes first, and why.
KNOWN = {
    ("mincore", 2): "that nothing is mapped at the range is seen first", ("waitid", 2): "that there is no child is seen first",
    ("mount", 2): "an empty type is no name", ("mount", 4): "that the type is unknown is seen first",
    ("setxattr", 2): "the file system, which has no attributes, answers first", ("lsetxattr", 2): "likewise", ("fsetxattr", 2): "likewise",
    ("futex", 0): "Linux does not wait on memory that is private and read-only; here it is memory like other",
    ("process_vm_readv", 3): "Linux does not look at the second list when the first is empty", ("process_vm_writev", 3): "likewise",
}
PARTLY = 6          # one good byte: a call may do that much, or nothing
NEVER_MINE = 7      # from here on no program's: refused even if nothing would be copied


def compare(here, there):
    bad, missing = [], set()
    for key, want in there.items():
        got = here.get(key)
        call, arg, which = key.split()
        if got == want or want == ENOSYS or ((call, int(arg)) in KNOWN and got is not None and (got < 0 or got == 1014)):
            continue
        if int(which) == PARTLY and {got, want} == {0, EFAULT}:
            continue
        if int(which) >= NEVER_MINE and (want, got) == (0, EFAULT):
            continue
        if got == ENOSYS:
            missing.add(call)
        elif not (got == EFAULT and want is not None and want < 0):
            bad.append((key, want, got))
    return bad, missing


def run(ctx, arch):
    path, digest, calls, pointers = program(arch)
    there = reference(arch, path, digest)
    here = answers(arch, path, False, str(ctx.kernel(arch)))
    bad, missing = compare(here, there)
    text = "\n".join(f"{key}: Linux {want}, here {got}" for key, want, got in bad[:400])
    note = f"{calls} calls, {pointers} pointers, {len(here)} cells; not implemented: {len(missing)}"
    return len(there) - len(bad), len(bad), text or note


def cases(ctx):
    import subprocess
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        yield Case(arch, lambda arch=arch: run(ctx, arch), cpus=2)
