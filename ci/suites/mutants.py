# SPDX-License-Identifier: BSD-2-Clause
"""Planted bugs: their places are still there (always); each is found by a check of the simulation (full)."""
import subprocess

from testing import Case, Failed, top

NAME, WHEN, ORDER = "mutants", "quick", 37
HELP = "the bugs of tests/mutants/: anchors; with full, which check finds each"
MISSED_MAX = 4      # of all: more that no check finds is a failure


def run(*words, timeout=60):
    out = subprocess.run([top / "ci/mutants", *words], capture_output=True, text=True, timeout=timeout)
    if out.returncode:
        raise Failed((out.stdout + out.stderr)[-4000:])
    return out.stdout.strip().splitlines()[-1]


def cases(ctx):
    yield Case("anchors", lambda: run("--anchors"))
    if ctx.at_least("full"):
        goal = len(list((top / "tests/mutants").glob("*.mutant"))) - MISSED_MAX
        yield Case("found", lambda: run("--goal", str(goal), timeout=7200), alone=True)
