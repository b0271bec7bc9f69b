# SPDX-License-Identifier: BSD-2-Clause
"""The service manager: its engine, parser and protocol on the host under ASan and UBSan."""
import subprocess

from testing import Case, Failed, top

NAME, WHEN, ORDER = "services", "default", 35
HELP = "service manager: engine against its model, parser, protocol (host)"

services = top / "services"
ENGINE = [f"supervisor/{name}.c" for name in ("engine", "plan", "policy", "names")]
# Test program -> what it is compiled with, beside itself.
HOST = {
    "supervisor/engine_test.c": [*ENGINE, "supervisor/model.c"],
    "supervisor/graph_test.c": ENGINE,
}
FLAGS = ["-std=gnu17", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fsanitize=address,undefined",
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


def cases(ctx):
    for test in HOST:
        yield Case(test, lambda t=test: host(t))
