# SPDX-License-Identifier: BSD-2-Clause
"""The scheduling trace of a running kernel: per policy and architecture the property that the policy promises."""
import re
import subprocess

import image
import qemu
import sched_trace
import userland
from testing import Case, Failed, top
from unit import read_ktest

NAME, WHEN, ORDER = "trace", "default", 62
HELP = "a mix of threads under each scheduling policy on the three, under icount; the trace shows the policy's property"


PERIODS = 1000
CROWD_SECONDS = 3
CROWD_POLICY = {"x86_64": "mlfq", "aarch64": "rr", "riscv64": "fair"}  # the others: ci/sim --work sched


def program(arch, name, folder):
    output = top / "build" / arch / "system" / name
    error = userland.musl_program(arch, [top / folder / f"{name}.c"], output)
    if error:
        raise Failed(f"{name}.c does not compile:\n{error[-3000:]}")
    return output


def run(arch, name, command, folder="tests/trace"):
    """What it printed. One CPU; one instruction is a nanosecond."""
    tree = image.Tree()
    tree.file(f"/tests/{name}", program(arch, name, folder).read_bytes(), 0o755)
    machine = qemu.Machine(arch, initrd=str(top / "build" / arch / "initramfs.cpio"), icount=True)
    qemu.linux_words(machine)
    result = qemu.run(machine, command, timeout=400, files=tree)
    if result.status:
        raise Failed(f"status {result.status} {result.reason}\n{result.output[-2000:].decode(errors='replace')}\n"
                     + qemu.fail_log(result, 20))
    return result.output


def run_policy(arch, policy):
    """The text of the trace."""
    return sched_trace.split(run(arch, "mix", sched_trace.command(sched_trace.mix_command(policy))))[1]


def check_edf(ctx, arch):
    """95 % of a CPU admitted: no deadline is missed, one more contract is refused."""
    ctx.kernel(arch)
    text = run(arch, "edf", f"exec /tests/edf {PERIODS}").decode(errors="replace")
    m = re.search(r"late (\d+) of (\d+), the kernel counted (\d+)\none more: (\w+)", text)
    if not m or int(m[1]) or int(m[2]) < PERIODS or int(m[3]) or m[4] != "EBUSY":
        raise Failed(text[-2000:])
    return f"0 of {m[2]} periods late"


def check_crowd(ctx, arch):
    """Beside a real-time thread that never sleeps a hundred others wait two seconds at most."""
    ctx.kernel(arch)
    command = f"echo {CROWD_POLICY[arch]} > /proc/sys/kernel/sched_policy && exec /tests/crowd {CROWD_SECONDS}"
    text = run(arch, "crowd", command).decode(errors="replace")
    found = re.search(r"longest wait (\d+) ms .*, fewest waits (\d+), real-time (\d+) of (\d+) ms", text)
    wait, waits, ran, length = map(int, found.groups()) if found else (0, 0, 0, 0)
    # The guard gives its share to both sides.
    if wait > 2000 or waits < 1 or not 930 * length < 1000 * ran < 965 * length:
        raise Failed(text[-2000:])
    return text.strip()


def check_shares(ctx, arch):
    """What sched_runs says of shares, exactly."""
    ctx.kernel(arch)
    text = run(arch, "sched_runs", "cd /tmp; EXACT=1 exec /tests/sched_runs nice-shares precedence", "tests/system").decode(errors="replace")
    if re.findall(r"^ok (\S+)", text, re.M) != ["nice-shares", "precedence"]:
        raise Failed(text[-2000:])


def check(ctx, arch, policy):
    ctx.kernel(arch)
    try:
        return sched_trace.CHECKS[policy](sched_trace.Trace(run_policy(arch, policy)))
    except sched_trace.Wrong as e:
        raise Failed(str(e)) from None


def check_models(ctx):
    """Each policy against its model, and EDF at 95 % for 10^5 periods, in the simulation."""
    kernel = ctx.kernel("sim", ctx.build("sim", "--asan"))
    out = subprocess.run([kernel, "ktest=models", "policy_seeds=10000", "edf_periods=100000"], capture_output=True, text=True,
                         errors="replace", timeout=600)
    return read_ktest(out.stdout + out.stderr)


def cases(ctx):
    yield Case("models, 10,000 seeds", lambda: check_models(ctx))
    for arch in ctx.arches:
        if subprocess.run([top / "ci/tools/fresh_image.py", arch]).returncode:
            raise Failed("no image")
        for policy in sched_trace.CHECKS:
            yield Case(f"{arch} {policy}", lambda a=arch, p=policy: check(ctx, a, p))
        yield Case(f"{arch} edf at 95 %", lambda a=arch: check_edf(ctx, a))
        yield Case(f"{arch} crowd", lambda a=arch: check_crowd(ctx, a))
        yield Case(f"{arch} shares", lambda a=arch: check_shares(ctx, a))
