# SPDX-License-Identifier: BSD-2-Clause
"""Deterministic simulation: a modest number of seeds of ci/sim, plain and under the sanitizers."""
import subprocess

from testing import Case, Failed, top

NAME, WHEN, ORDER = "sim", "default", 35
HELP = "seeds of ci/sim: workloads against their models, two equal runs per seed, a run under ASan"


def sweep(ctx, *words):
    out = subprocess.run([top / "ci/sim", *words], capture_output=True, text=True, errors="replace", timeout=1500)
    if out.returncode:
        raise Failed((out.stdout + out.stderr)[-4000:])
    return out.stdout.strip().splitlines()[-1]


def cases(ctx):
    full = ctx.at_least("full")
    yield Case("seeds", lambda: sweep(ctx, "--seeds", "10000" if full else "250"), alone=True)
    yield Case("double runs", lambda: sweep(ctx, "--seeds", "1000" if full else "40", "--double"), alone=True)
    yield Case("seeds under ASan", lambda: sweep(ctx, "--seeds", "1000" if full else "50", "--asan"), alone=True)
