#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads /proc/sched_trace (kernel/sched/trace.c has its format): timelines for Chrome's and Perfetto's viewer, pictures
in SVG, and the property that each policy must show.

usage: sched_trace.py TRACE.txt OUT.json|OUT.svg
"""
import collections
import json
import pathlib
import re
import sys

MARK = "##sched-trace"
RECORDS = 16384

Run = collections.namedtuple("Run", "thread cpu start end state nice level deadline")  # state: how it left, R S D P X
Wait = collections.namedtuple("Wait", "thread start end")


class Trace:
    """Intervals of running and of waiting for a CPU, in ns from the first record."""

    def __init__(self, text):
        self.runs, self.waits, self.wakes, self.policies = [], [], [], []
        running, ready, self.end = {}, {}, 0
        records = sorted((line.split() for line in text.splitlines() if re.match(r"\d+ \d+ [SWP] ", line)),
                         key=lambda r: int(r[0]))
        self.start = int(records[0][0]) if records else 0
        for record in records:
            ns, cpu, kind, words = int(record[0]) - self.start, int(record[1]), record[2], record[3:]
            self.end = max(self.end, ns)
            if kind == "P":
                self.policies.append((ns, words[0]))
            elif kind == "W":
                self.wakes.append((words[0], ns))
                if not any(r[0] == words[0] for r in running.values()):
                    ready.setdefault(words[0], ns)
            else:
                left, state, came = words[:3]
                before = running.pop(cpu, None)
                if before and before[0] == left:
                    self.runs.append(Run(left, cpu, before[1], ns, state, *before[2:]))
                if state == "R":
                    ready[left] = ns
                if came in ready:
                    self.waits.append(Wait(came, ready.pop(came), ns))
                running[cpu] = (came, ns, int(words[4]), int(words[6]), int(words[7]))
        for cpu, (thread, start, *rest) in running.items():
            self.runs.append(Run(thread, cpu, start, self.end, "R", *rest))
        self.runs.sort(key=lambda r: r.start)

    def threads(self):
        """In order of appearance, without the idle ones."""
        return list(dict.fromkeys(r.thread for r in self.runs if not name(r.thread).startswith(("idle/", "boot"))))

    def of(self, wanted):
        return [r for r in self.runs if name(r.thread) == wanted]


def name(thread):
    return thread.split(":", 1)[1]


def chrome(trace):
    """The trace event format: one row per CPU, and one per thread with what it waited."""
    events = [{"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "CPUs"}},
              {"ph": "M", "pid": 2, "name": "process_name", "args": {"name": "threads"}}]
    tids = {t: i + 1 for i, t in enumerate(trace.threads())}
    for t, i in tids.items():
        events.append({"ph": "M", "pid": 2, "tid": i, "name": "thread_name", "args": {"name": t}})
    for r in trace.runs:
        if r.thread not in tids:
            continue
        common = {"ph": "X", "ts": r.start / 1000, "dur": (r.end - r.start) / 1000,
                  "args": {"nice": r.nice, "level": r.level, "deadline": r.deadline, "left": r.state}}
        events.append({**common, "pid": 1, "tid": r.cpu, "name": r.thread, "cat": "run"})
        events.append({**common, "pid": 2, "tid": tids[r.thread], "name": f"cpu{r.cpu}", "cat": "run"})
    for w in trace.waits:
        if w.thread in tids and w.end > w.start:
            events.append({"ph": "X", "ts": w.start / 1000, "dur": (w.end - w.start) / 1000, "pid": 2,
                           "tid": tids[w.thread], "name": "waits", "cat": "wait", "args": {}})
    for thread, ns in trace.wakes:
        if thread in tids:
            events.append({"ph": "i", "s": "t", "ts": ns / 1000, "pid": 2, "tid": tids[thread], "name": "woken", "cat": "wake"})
    for ns, policy in trace.policies:
        events.append({"ph": "i", "s": "g", "ts": ns / 1000, "pid": 1, "tid": 0, "name": f"policy {policy}", "cat": "policy"})
    return {"traceEvents": events, "displayTimeUnit": "ms"}


COLOURS = ("#2a6f97", "#d1495b", "#edae49", "#66a182", "#8d6a9f", "#5c5c5c", "#b5651d", "#3f88c5")
LEFT, LANE, WIDTH = 70, 20, 900


def svg(trace, title, wanted=None, start=None, end=None):
    """One lane per thread: filled while it runs (coloured by CPU; darker the lower its level), a line while it waits."""
    threads = [t for t in trace.threads() if not wanted or name(t) in wanted]
    threads.sort(key=lambda t: (wanted.index(name(t)) if wanted else 0))
    start, end = trace.start * 0 if start is None else start, trace.end if end is None else end
    scale = WIDTH / max(end - start, 1)
    height = 40 + LANE * len(threads) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="100%" height="100%" fill="white"/>',
           f'<text x="8" y="20" font-size="14">{title}</text>']
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if (end - start) / 1e6 / s <= 12)
    for ms in range(0, int((end - start) / 1e6) + 1, step):
        x = LEFT + ms * 1e6 * scale
        out.append(f'<path d="M{x:.1f} 32V{height - 24}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle" fill="#555">{ms} ms</text>')
    for i, thread in enumerate(threads):
        y = 36 + i * LANE
        out.append(f'<text x="8" y="{y + 13}">{name(thread)}</text>')
        for w in trace.waits:
            if w.thread == thread and w.end > start and w.start < end:
                a, b = LEFT + (max(w.start, start) - start) * scale, LEFT + (min(w.end, end) - start) * scale
                if b - a > 0.3:
                    out.append(f'<path d="M{a:.1f} {y + 9}H{b:.1f}" stroke="#bbb" stroke-width="2"/>')
        for r in trace.runs:
            if r.thread == thread and r.end > start and r.start < end:
                a, b = LEFT + (max(r.start, start) - start) * scale, LEFT + (min(r.end, end) - start) * scale
                colour = COLOURS[(r.cpu if len({q.cpu for q in trace.runs}) > 1 else i) % len(COLOURS)]
                out.append(f'<rect x="{a:.1f}" y="{y + 2}" width="{max(b - a, 0.6):.1f}" height="{LANE - 6}" fill="{colour}" '
                           f'fill-opacity="{1 - 0.14 * r.level:.2f}"/>')
    return "\n".join(out + ["</svg>"]) + "\n"


# ---- what each policy must show, with the threads of tests/trace/mix.c on one CPU ----------------------

MS = 1_000_000
HOGS = ("a", "b", "c", "d")


class Wrong(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def window(trace, names):
    """From the moment when all have run to when the first one ends: [start, end]."""
    for n in names:
        expect(trace.of(n), f"{n} never ran")
    return max(trace.of(n)[0].start for n in names), min(trace.of(n)[-1].end for n in names)


def turns(trace, names, start, end):
    """(name, ns run) in order; a turn goes on when others than the named cut in."""
    found = []
    for r in trace.runs:
        n = name(r.thread)
        if n not in names or r.start < start or r.end > end:
            continue
        if found and found[-1][0] == n:
            found[-1][1] += r.end - r.start
        else:
            found.append([n, r.end - r.start])
    return found


def check_rr(trace):
    start, end = window(trace, HOGS)
    all_turns = turns(trace, HOGS, start, end)[1:-1]
    expect(len(all_turns) >= 8, f"only {len(all_turns)} turns")
    for i in range(len(all_turns) - 3):
        expect(len({n for n, _ in all_turns[i:i + 4]}) == 4, f"turn {i}: not in a circle: {[n for n, _ in all_turns[i:i + 4]]}")
    for n, ns in all_turns:
        quantum = 10 * MS if n == "d" else 20 * MS
        expect(abs(ns - quantum) <= quantum // 10, f"a turn of {n} is {ns / MS:.1f} ms, not {quantum // MS}")
    return f"{len(all_turns)} turns in a circle, 20 ms, 10 ms at nice 10"


def check_mlfq(trace):
    start, end = window(trace, HOGS)
    for n in ("a", "b", "c"):
        levels = [r.level for r in trace.of(n) if r.start >= start]
        expect(max(levels) == 4, f"{n} computes and sinks only to level {max(levels)}")
        expect(all(b <= a + 1 for a, b in zip(levels, levels[1:])), f"{n} sinks by more than one level: {levels}")
    late = [w.end - w.start for w in trace.waits if name(w.thread) == "ui" and w.start > start + 80 * MS and w.end < end]
    expect(len(late) >= 8 and max(late) < MS, f"ui was woken {len(late)} times and waited up to {max(late or [0]) / MS:.2f} ms")
    return f"a, b and c sink to the bottom, ui waits {max(late) / 1000:.0f} us at most"


def check_priority(trace):
    start, end = window(trace, HOGS)
    gaps = [b.start - a.end for a, b in zip(trace.of("d"), trace.of("d")[1:])]
    expect(gaps and 150 * MS <= max(gaps) <= 330 * MS, f"d at nice 10 waits {max(gaps or [0]) / MS:.0f} ms; 200 ms of age make it equal")
    totals = {n: sum(r.end - r.start for r in trace.of(n)) for n in HOGS}
    expect(totals["d"] < totals["a"], "nice 10 got as much as nice 0")
    return f"d waits {max(gaps) / MS:.0f} ms until age lifts it"


def check_fair(trace):
    start, end = window(trace, HOGS)
    start += 50 * MS
    totals = {n: sum(min(r.end, end) - max(r.start, start) for r in trace.of(n) if r.end > start and r.start < end) for n in HOGS}
    mean = (totals["a"] + totals["b"] + totals["c"]) / 3
    for n in ("a", "b", "c"):
        expect(abs(totals[n] - mean) <= mean * 0.08, f"{n} has {totals[n] / MS:.0f} ms of a mean of {mean / MS:.0f}")
    expect(0.05 <= totals["d"] / mean <= 0.2, f"nice 10 has {totals['d'] / mean:.2f} of nice 0, its weight 110/1024")
    return f"a, b, c within 8 %, d has {totals['d'] / mean:.3f} of theirs"


DEADLINE = ("t1", "t2")


def deadline_checks(trace, comes_first, what):
    jobs = 0
    window(trace, DEADLINE)
    for r in trace.runs:
        if name(r.thread) in DEADLINE and r.state == "P" and r.deadline:
            expect(r.end <= r.deadline - trace.start, f"{name(r.thread)} ends its job {(r.end + trace.start - r.deadline) / MS:.2f} ms late")
            jobs += 1
    order = 0
    next_run = {}
    for r in reversed(trace.runs):
        next_run.setdefault(r.thread, []).append(r)
    for w in trace.waits:
        if name(w.thread) not in DEADLINE:
            continue
        mine = next((r for r in reversed(next_run[w.thread]) if r.start >= w.end), None)
        for r in trace.runs:
            # It runs while the other waits, and was chosen while that waited or instead of it.
            if not mine or not mine.deadline or r.thread == w.thread or r.start < w.start or r.start >= w.end:
                continue
            expect(name(r.thread) in DEADLINE, f"{name(r.thread)} runs while {name(w.thread)} waits")
            expect(comes_first(r, mine), f"at {r.start / MS:.2f} ms {name(r.thread)} runs though {name(w.thread)} {what}")
            order += 1
    expect(jobs >= 20 and order >= 3, f"only {jobs} jobs, {order} choices")
    return f"{jobs} jobs, none late, {order} choices in order"


def longer_goes_on(trace):
    """How often t2, with the longer period, runs on while t1 waits."""
    return sum(1 for w in trace.waits for r in trace.runs
               if name(w.thread) == "t1" and name(r.thread) == "t2" and r.start < w.start and r.end - w.start > 0.3 * MS)


def check_edf(trace):
    found = deadline_checks(trace, lambda r, waiting: r.deadline <= waiting.deadline, "has the earlier deadline")
    expect(longer_goes_on(trace), "the longer period never went first, as under rate-monotonic")
    return found


def check_rm(trace):
    found = deadline_checks(trace, lambda r, waiting: name(r.thread) < name(waiting.thread), "has the shorter period")
    expect(not longer_goes_on(trace), "the longer period went first")
    return found


CHECKS = {"rr": check_rr, "mlfq": check_mlfq, "priority": check_priority, "fair": check_fair, "edf": check_edf, "rm": check_rm}


def command(run, records=RECORDS):
    """A shell command that runs RUN under the trace and prints it behind MARK."""
    return (f"echo {records} > /proc/sys/kernel/sched_trace || exit 1\n(\n{run}\n)\nstatus=$?\n"
            f"echo 0 > /proc/sys/kernel/sched_trace\necho '{MARK}'\ncat /proc/sched_trace\nexit $status")


def mix_command(policy):
    if policy in ("edf", "rm"):
        return f"echo {policy} > /proc/sys/kernel/sched_deadline_order && exec /tests/mix deadline 500"
    return f"echo {policy} > /proc/sys/kernel/sched_policy && exec /tests/mix normal 400"


def split(output):
    """(what the command printed, the trace's text)."""
    before, _, after = output.decode(errors="replace").partition(MARK + "\n")
    return before, after


def write(text, path, title=""):
    trace = Trace(text)
    path = pathlib.Path(path)
    if path.suffix == ".svg":
        path.write_text(svg(trace, title or path.stem))
    else:
        path.write_text(json.dumps(chrome(trace)))
    return trace


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(pathlib.Path(sys.argv[1]).read_text(), sys.argv[2])
