# SPDX-License-Identifier: BSD-2-Clause
"""The same *_test.c on the host: the simulation leg under ASan and UBSan."""
import re
import subprocess

from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "unit", "default", 30
HELP = "unit tests in the simulation, under ASan and UBSan"


def run(ctx, cpus):
    if "arch_src +=" not in re.sub(r"#.*", "", (top / "arch/sim/meson.build").read_text()):
        raise Missing("arch/sim has no sources yet")
    kernel = ctx.kernel("sim", ctx.build("sim", "--asan"))
    out = subprocess.run([kernel, "ktest", f"sim.cpus={cpus}"], capture_output=True, text=True, errors="replace", timeout=300)
    return read_ktest(out.stdout + out.stderr)


def first_program(ctx):
    """Boots through device tree, initramfs and exec to a simulated program; its status is the answer."""
    out = subprocess.run([ctx.kernel("sim", ctx.build("sim", "--asan")), "sim.cpus=2"], capture_output=True, text=True,
                         errors="replace", timeout=100)
    text = out.stdout + out.stderr
    if out.returncode or "first user instruction" not in text:
        raise Failed(text[-4000:])


def read_ktest(text):
    """(passed, failed, note) from the kernel's `ktest:` lines; Failed when there is no sum."""
    lines = [m[0] for m in re.finditer(r"ktest: .*", text)]
    total = re.search(r"ktest: (\d+) passed, (\d+) failed", text)
    if not total:
        raise Failed("no `ktest: N passed, N failed` came; the end of the log:\n" + "\n".join(text.splitlines()[-40:]))
    bad = [line for line in lines if "FAIL" in line]
    return int(total[1]), int(total[2]), "\n".join(bad) if int(total[2]) else f"{total[1]} tests"


def read_suites(text):
    """{"suite NAME": passed} from the same lines."""
    failed = set(re.findall(r"ktest: suite (\S+): FAIL", text))
    return {f"suite {name}": name not in failed for name in re.findall(r"ktest: suite (\S+): PASS", text)}


def cases(ctx):
    for cpus in (1, 4):
        yield Case(f"sim, {cpus} CPUs", lambda cpus=cpus: run(ctx, cpus), alone=True)
    yield Case("sim, first program", lambda: first_program(ctx))
