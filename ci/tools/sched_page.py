#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the pictures of docs/scheduling.md: one run of tests/trace/mix.c per policy, on one CPU under icount.

usage: sched_page.py [ARCH] [POLICY...]	writes docs/scheduling-POLICY.svg; ARCH has been built; default x86_64
"""
import pathlib
import sys

top = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(top / "ci/tools"), str(top / "ci/suites")]
import sched_trace  # noqa: E402
import trace as suite  # noqa: E402  (ci/suites/trace.py: the path is put first above)

TITLES = {
    "rr": "rr: 20 ms each in a circle, 10 ms at nice 10 (d)",
    "priority": "priority: d at nice 10 waits until age lifts it",
    "mlfq": "mlfq: who computes sinks (paler), ui stays at the top",
    "fair": "fair: shares by weight",
    "edf": "edf: t1 6 of 20 ms, t2 20 of 38; a takes the rest",
    "rm": "rate-monotonic: the same, the shorter period always first",
}


def main():
    arch = sys.argv[1] if len(sys.argv) > 1 else "x86_64"
    for policy in sys.argv[2:] or TITLES:
        trace = sched_trace.Trace(suite.run_policy(arch, policy))
        names = ("t1", "t2", "a") if policy in ("edf", "rm") else ("a", "b", "c", "d", "ui")
        start = min(r.start for n in names for r in trace.of(n)[:1])
        span = 230 if policy in ("edf", "rm") else 330
        picture = sched_trace.svg(trace, TITLES[policy], names, start, min(trace.end, start + span * sched_trace.MS))
        (top / f"docs/scheduling-{policy}.svg").write_text(picture)
        print(f"docs/scheduling-{policy}.svg: {sched_trace.CHECKS[policy](trace)}")


main()
