# SPDX-License-Identifier: BSD-2-Clause
"""The test runner behind ci/test: suites yield cases, cases run on as many cores as there are.

A suite is a module in ci/suites with NAME, HELP, WHEN ("quick", "default" or "full": the smallest
selection that holds it) and cases(ctx), a generator of Case. A case returns when it passed, raises
Failed when not, Missing when the part under test does not exist yet: that is reported and counts
as neither. Cases of one suite run side by side unless Case.alone; suites run one after the other.
"""
import concurrent.futures
import dataclasses
import importlib
import os
import pathlib
import subprocess
import sys
import threading
import time
import traceback

import parity

top = pathlib.Path(__file__).resolve().parents[2]
ARCHES = ("x86_64", "aarch64", "riscv64")
WHEN = ("quick", "default", "full")


class Failed(Exception):
    pass


class Missing(Exception):
    pass


@dataclasses.dataclass
class Case:
    name: str
    run: object  # callable without arguments; may return a short note, or (passed, failed, note)
    alone: bool = False  # not beside other cases (uses all cores itself)
    cpus: int = 0  # virtual CPUs it runs with, for docs/parity.md; 0: as its name says, else it does not depend on them
    on_linux: bool = False  # says something about Linux, not about us


@dataclasses.dataclass
class Context:
    arches: tuple = ARCHES
    selection: str = "default"  # quick, default or full
    jobs: int = os.cpu_count() or 1
    writes_parity: bool = False
    built: dict = dataclasses.field(default_factory=dict)
    details: dict = dataclasses.field(default_factory=dict)  # {(test, arch, cpus): parity.OK or FAILS}, for docs/parity.md
    detailed: set = dataclasses.field(default_factory=set)  # "suite: case" whose parts stand in details
    lock: object = dataclasses.field(default_factory=threading.Lock)

    def detail(self, suite, case, arch, cpus, parts):
        """PARTS, {test: passed}, stand in docs/parity.md in place of the case they belong to."""
        with self.lock:
            self.detailed.add(f"{suite}: {case}")
            self.details.update({(f"{suite}: {name}", arch, cpus): parity.OK if ok else parity.FAILS for name, ok in parts.items()})

    def at_least(self, when):
        return WHEN.index(self.selection) >= WHEN.index(when)

    def build(self, arch, *words, timeout=1200):
        """Builds a variant and returns its folder."""
        suffix = "".join("-" + w[2:].replace("no-tests", "notests") for w in words)
        run = subprocess.run([top / "ci/build", arch, *words], capture_output=True, text=True, timeout=timeout)
        if run.returncode:
            raise Failed((run.stdout + run.stderr)[-4000:])
        return top / "build" / f"{arch}{suffix}"

    def fresh(self, arch, *words):
        """build(), once per run of the tests; its folder."""
        with self.lock:
            key = (arch, *words)
            if key not in self.built:
                self.built[key] = self.build(arch, *words)
            return self.built[key]

    def kernel(self, arch, folder=None):
        """Path of the linked kernel in FOLDER, else of the plain build made up to date; or Missing."""
        path = pathlib.Path(folder or self.fresh(arch)) / ("trivet" if arch in ("x86_64", "sim") else "Image")
        if not path.exists():
            raise Missing(f"arch/{arch} does not link yet")
        if "unresolved-symbols=ignore-all" in (top / f"arch/{arch}/meson.build").read_text():
            raise Missing(f"arch/{arch} links with holes: parts of the core are not there yet")
        return path


class Tally:
    def __init__(self):
        self.passed = self.failed = self.missing = 0
        self.failures, self.missings, self.verdicts, self.lock = [], [], {}, threading.Lock()

    def record(self, suite, case, seconds, verdict, passed, failed, text):
        """verdicts: {suite: case: (the case, verdict, text)}"""
        with self.lock:
            self.passed += passed
            self.failed += failed
            name = f"{suite}: {case.name}"
            self.verdicts[name] = (case, verdict, text)
            if verdict == "missing":
                self.missing += 1
                self.missings.append(f"{name}: {text}")
            if verdict == "FAIL":
                self.failures.append((name, text))
            note = f" - {text}" if text and verdict != "FAIL" else ""
            print(f"{verdict:7} {name} ({seconds:.1f} s){note}", flush=True)
            if verdict == "FAIL":
                print("        " + str(text).rstrip().replace("\n", "\n        "), flush=True)


def run_case(tally, suite, case):
    start = time.monotonic()
    verdict, passed, failed, text = "ok", 1, 0, ""
    try:
        note = case.run()
        if isinstance(note, tuple):
            passed, failed, text = note
            verdict = "FAIL" if failed or not passed else "ok"
            failed = failed or int(not passed)
        else:
            text = note or ""
    except Missing as e:
        verdict, passed, text = "missing", 0, str(e)
    except Failed as e:
        verdict, passed, failed, text = "FAIL", 0, 1, str(e)
    except Exception:
        verdict, passed, failed, text = "FAIL", 0, 1, traceback.format_exc()
    tally.record(suite, case, time.monotonic() - start, verdict, passed, failed, text)


def load_suites():
    sys.path.insert(0, str(top / "ci/suites"))
    modules = [importlib.import_module(p.stem) for p in sorted((top / "ci/suites").glob("[a-z]*.py"))]
    return sorted(modules, key=lambda m: m.ORDER)


def write_parity(ctx, verdicts):
    """docs/parity.md from the cases and from what the suites told besides."""
    cells, elsewhere = dict(ctx.details), {}
    for name, (case, verdict, text) in verdicts.items():
        rest, arch, cpus = parity.split(name)
        if case.on_linux or name in ctx.detailed:
            continue
        state = {"ok": parity.OK, "missing": f"missing: {text}"}.get(verdict, parity.FAILS)
        if arch:
            cells[rest, arch, cpus or case.cpus] = state
        else:
            elsewhere[name] = state
    unexplained = parity.write(cells, elsewhere, top / "docs/parity.md", ctx.selection, {s.NAME: s.HELP for s in load_suites()})
    if unexplained:
        raise Failed("\n".join(unexplained))


def run(ctx, suites):
    tally, start = Tally(), time.monotonic()
    for suite in suites:
        with concurrent.futures.ThreadPoolExecutor(max_workers=ctx.jobs) as pool:
            waiting = []
            for case in suite.cases(ctx):
                if case.alone:
                    concurrent.futures.wait(waiting)
                    run_case(tally, suite.NAME, case)
                else:
                    waiting.append(pool.submit(run_case, tally, suite.NAME, case))
            concurrent.futures.wait(waiting)
    if ctx.writes_parity and set(ctx.arches) == set(ARCHES):
        run_case(tally, "parity", Case("every empty place has its reason", lambda: write_parity(ctx, tally.verdicts)))
    minutes = (time.monotonic() - start) / 60
    if tally.missings:
        print("\nnot there yet, so neither passed nor failed:")
        print("\n".join(f"  {m}" for m in tally.missings))
    if tally.failures:
        print("\nfailed:")
        print("\n".join(f"  {name}" for name, _ in tally.failures))
    print(f"\n{minutes:.1f} minutes")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0
