# SPDX-License-Identifier: BSD-2-Clause
"""The service manager: its engine, parser and protocol on the host under ASan and UBSan."""
import os
import subprocess

from testing import Case, Failed, top

NAME, WHEN, ORDER = "services", "default", 35
HELP = "service manager: engine against its model, parser, protocol (host); FUZZ_RUNS=1000000 is the soak"

services = top / "services"
ENGINE = [f"supervisor/{name}.c" for name in ("engine", "jobs", "requests", "plan", "policy", "names")]
PARSER = [f"init/{name}.c" for name in ("arena", "parse", "keys", "keys_values", "keys_lists", "keys_check", "values", "calendar", "match", "request")]
PURE = ["supervisor/policy.c", "supervisor/names.c"]
# Test program -> what it is compiled with, beside itself.
HOST = {
    "supervisor/engine_test.c": [*ENGINE, "supervisor/model.c"],
    "supervisor/graph_test.c": ENGINE,
    "init/config_test.c": PARSER + PURE,
}
FLAGS = ["-std=gnu17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-D_GNU_SOURCE",
         "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all"]


def host(test):
    output = top / "build/host" / test.replace("/", "-").removesuffix(".c")
    output.parent.mkdir(parents=True, exist_ok=True)
    words = ["gcc", *FLAGS, *(services / s for s in [test, *HOST[test]]), "-o", output]
    run = subprocess.run(words, capture_output=True, text=True)
    if run.returncode:
        raise Failed(run.stderr[-3000:])
    run = subprocess.run([output], capture_output=True, text=True, timeout=600, cwd=top)
    passed = sum(line.startswith("ok ") for line in run.stdout.splitlines())
    if run.returncode or not passed:
        raise Failed((run.stdout + run.stderr)[-3000:])
    return passed, 0, f"{passed} tests"


# Fuzz target -> what it is compiled with, beside itself.
FUZZ = {
    "config_fuzz": [services / s for s in PARSER + PURE],
    "control_fuzz": [*(p for p in sorted((services / "init").glob("*.c")) if not p.stem.endswith(("_test", "_fuzz"))
                       and p.stem not in ("main", "spawn", "state")), *(services / s for s in ENGINE)],
}


def fuzz(target, runs):
    output = top / "build/host" / target
    words = ["clang-14", *(w for w in FLAGS if not w.startswith("-fsanitize")), "-fsanitize=fuzzer,address,undefined",
             *(["-Wl,--wrap=abort"] if target == "control_fuzz" else []), services / f"init/{target}.c", *FUZZ[target], "-o", output]
    run = subprocess.run(words, capture_output=True, text=True)
    if run.returncode:
        raise Failed(run.stderr[-3000:])
    corpus = top / "build/host" / f"{target}_corpus"
    corpus.mkdir(exist_ok=True)
    run = subprocess.run([output, f"-runs={runs}", "-seed=1", "-max_len=2048", corpus, services / "init/corpus" / target],
                         capture_output=True, text=True, timeout=6000, cwd=top / "build/host")
    if run.returncode:
        raise Failed(run.stderr[-3000:])
    return f"{runs} inputs"


def cases(ctx):
    for test in HOST:
        yield Case(test, lambda t=test: host(t))
    for target in FUZZ:
        runs = int(os.environ.get("FUZZ_RUNS") or (1_000_000 if ctx.at_least("full") else 20_000))
        yield Case(f"libFuzzer: {target}", lambda t=target, n=runs: fuzz(t, n))
