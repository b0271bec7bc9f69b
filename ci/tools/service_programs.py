# SPDX-License-Identifier: BSD-2-Clause
"""Builds init, svctl and their helpers for an architecture: static, against Debian's musl."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import userland  # noqa: E402
from userland import top  # noqa: E402

folder = top / "services"
ENGINE = [folder / f"supervisor/{n}.c" for n in ("engine", "jobs", "requests", "plan", "policy", "names")]
PARSER = [folder / f"init/{n}.c" for n in ("arena", "parse", "keys", "keys_values", "keys_lists", "keys_check", "values", "calendar")]
TESTS = ("_test.c", "_fuzz.c")


def own(name):
    return sorted(p for p in (folder / name).glob("*.c") if not p.name.endswith(TESTS))


# Program -> where it goes on the disk, its sources.
PROGRAMS = {
    "init": ("/sbin/init", lambda: own("init") + ENGINE),
    "svctl": ("/bin/svctl", lambda: own("svctl") + PARSER + [folder / "supervisor/policy.c", folder / "supervisor/names.c"]),
    "balance": ("/usr/lib/init/balance", lambda: own("balance")),
}
FLAGS = ["-Os", "-D_GNU_SOURCE", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-s"]


def inputs():
    return [p for p in folder.rglob("*") if p.suffix in (".c", ".h")] + [pathlib.Path(__file__)]


def build(arch):
    """{place on the disk: path of the program}; raises RuntimeError with the compiler's words."""
    newest = max(p.stat().st_mtime for p in inputs())
    built = {}
    for name, (place, sources) in PROGRAMS.items():
        if not sources():
            continue
        output = top / "build" / arch / "services" / name
        if not output.exists() or output.stat().st_mtime < newest:
            error = userland.musl_program(arch, sources(), output, FLAGS)
            if error:
                raise RuntimeError(f"services/{name} for {arch}:\n{error[-3000:]}")
        built[place] = output
    return built


if __name__ == "__main__":
    for arch in sys.argv[1:]:
        for place, path in build(arch).items():
            print(f"{arch} {place} {path.stat().st_size} bytes")
