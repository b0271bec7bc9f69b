#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Does a test fail when init ignores a key? service_keys.py [--only WORD]... [--write]

Builds init for this machine once for each key of unit files and each word of a list (`Type=notify`),
with that one accepted but without effect, and runs the cases of tests/system/services_*.c that name it,
in namespaces and control groups of their own, until one fails. A key that nothing notices is an error.
What a container may not do (raise limits) is asked of Trivet on x86_64. --write puts the table into
docs/services.md. Needs root; ten minutes.
"""
import argparse
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import image  # noqa: E402
import qemu  # noqa: E402
import service_programs  # noqa: E402
import userland  # noqa: E402

top = pathlib.Path(__file__).resolve().parents[2]
tests = sorted((top / "tests/system").glob("services_*.c"))
FLAGS = ["-std=gnu17", "-O1", "-D_GNU_SOURCE", "-w"]
# Accepted and the default at once: nothing can notice that it is ignored. (init knows before a start is over
# whether the program was executed, so `simple` is `exec`.)
DEFAULTS = {"Type=exec", "Type=simple", "Restart=no", "KillMode=control-group", "StandardInput=null", "X-OnDependencyUnhealthy=ignore",
            "SuccessAction=none", "FailureAction=none", "X-Balance=none", "NotifyAccess=main", "X-Kind=service",
            "CPUSchedulingPolicy=other"}


def mutants(folder):
    """{name: (file, its text)} for each key of the table and each word of a list but the defaults."""
    text, values = ((folder / name).read_text() for name in ("keys.c", "keys_values.c"))
    found = {}
    for m in re.finditer(r'(?:(?:UNIT|SERVICE)\("(?P<a>[^"]+)", (?P<b>\w+),|\{ "\w+", "(?P<c>[^"]+)", (?P<d>\w+),)', text):
        key, at = m["a"] or m["c"], m.span("b" if m["a"] else "d")
        found[key] = "keys.c", nothing(text[:at[0]] + "set_nothing" + text[at[1]:])
    for limit in re.findall(r"LIMIT\((\w+)\)", text[text.index("keys[]"):]):
        row = f'{{ "Service", "Limit{limit}", set_nothing, 0, 0 }}'
        found[f"Limit{limit}"] = "keys.c", nothing(text.replace(f"LIMIT({limit})", row))
    enum = re.search(r"enum \{ (L_.*?) \};", (folder / "keys.h").read_text())[1].split(", ")
    lists = dict(re.findall(r"static const char \*const (\w+)\[\] = \{(.*?), NULL \};", values, re.S))
    order = re.findall(r"\w+", re.search(r"lists\[\] = \{(.*?)\};", values, re.S)[1])
    for macro, which in zip(enum, order):
        for key in re.findall(rf'"([\w-]+)", set_word, [^,]+, {macro}\b', text):
            for word in re.findall(r'"([\w-]+)"', lists[which]):
                found[f"{key}={word}"] = "keys_values.c", without_word(values, key, word)
    return {k: v for k, v in found.items() if k not in DEFAULTS}


def without_word(text, key, word):
    """set_word() that accepts the word of the key and changes nothing."""
    begin = "	const char *const *list = lists[k->arg];\n"
    assert begin in text
    return text.replace(begin, f'{begin}\n	if (!strcmp(k->name, "{key}") && !strcmp(value, "{word}"))\n		return NULL;\n')


def nothing(text):
    """The file with a setter that accepts anything and does nothing."""
    setter = "static const char *set_nothing(struct parser *p, const struct key *k, char *value)\n{\n\treturn NULL;\n}\n\n"
    return text.replace("static const struct key keys[]", setter + "static const struct key keys[]")


def case_texts():
    """[(program, case, the text of its function and of those it calls)]"""
    found = []
    shared = (top / "tests/system/services.h").read_text()
    for path in tests:
        text = path.read_text()
        functions = {m[1]: m[0] for m in re.finditer(r"^static [^\n;]*?(\w+)\([^;{]*?\)\s*\{.*?(?:^\}|\}$)", shared + text, re.M | re.S)}
        for case, function in re.findall(r'\{ "([^"]+)", (\w+) \}', text):
            seen, todo = set(), [function]
            while todo:
                name = todo.pop()
                if name not in seen and name in functions:
                    seen.add(name)
                    todo += re.findall(r"\b(\w+)\(", functions[name])
            found.append((path.stem, case, "\n".join(functions[n] for n in seen).replace("\\n", "\n")))
    return found


def compile_to(output, sources, more=()):
    run = subprocess.run(["gcc", *FLAGS, *more, *map(str, sources), "-o", str(output)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr[-2000:])


def copies(work, sources):
    """What is edited meanwhile changes nothing here."""
    return [work / p.relative_to(top) for p in sources]


SHELL = """mount -t tmpfs tmp /tmp && mount -t tmpfs run /run && exec "$@" """


def remove_groups(group):
    """The directories of control groups below and with GROUP; their processes died with their namespace."""
    for folder, _, _ in os.walk(group, topdown=False):
        for _ in range(100):
            try:
                os.rmdir(folder)
                break
            except OSError:
                time.sleep(0.02)


def run_case(work, program, case, init, group):
    group = tempfile.mkdtemp(dir=group)
    words = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
             SHELL, "sh", str(work / program), case]
    env = dict(os.environ, INIT_BIN=str(init), SVCTL_BIN=str(work / "svctl"), GROUP_ROOT=group)
    run = subprocess.run(words, capture_output=True, text=True, env=env, timeout=120)
    remove_groups(group)
    return [line for line in run.stdout.splitlines() if line.startswith("not ok")] or ([] if "ok " in run.stdout else [run.stderr or "nothing"])


def guest_fails(work, program, case, sources):
    """The case with an init of those sources, on Trivet."""
    arch = "x86_64"
    error = userland.musl_program(arch, sources, work / "guest-init", [*service_programs.FLAGS, f"-iquote{work}/services/init"])
    error = error or userland.musl_program(arch, [top / f"tests/system/{program}.c"], work / "guest-program")
    if error:
        sys.exit(error[-2000:])
    tree = image.Tree()
    tree.file("/tests/init", (work / "guest-init").read_bytes(), 0o755)
    tree.file("/tests/program", (work / "guest-program").read_bytes(), 0o755)
    machine = qemu.Machine(arch, smp=2, mem="256M", disks=[str(top / "build" / arch / "root.img")])
    run = qemu.run(machine, f"cd /tmp; INIT_BIN=/tests/init exec /tests/program {case}", timeout=120, files=tree)
    return f"ok {case}".encode() not in run.output or b"not ok" in run.output


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], help="this key, or all of this key's words")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--after", default="", help="go on after this one")
    parser.add_argument("--check", action="store_true", help="the cases themselves, without a mutant")
    args = parser.parse_args()
    group = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2") + "/service-keys"
    os.makedirs(group, exist_ok=True)
    cases = case_texts()
    with tempfile.TemporaryDirectory(dir=top / "build") as work:
        work = pathlib.Path(work)
        work.chmod(0o755)  # one case asks as nobody
        shutil.copytree(top / "services", work / "services")
        source = work / "services/init"
        for path in tests:
            compile_to(work / path.stem, [path])
        for name, (_, sources) in service_programs.PROGRAMS.items():
            compile_to(work / name, copies(work, sources()))
        objects = []
        for path in copies(work, service_programs.PROGRAMS["init"][1]()):
            objects.append(work / (path.stem + ".o"))
            compile_to(objects[-1], [path], ["-c", f"-I{path.parent}"])
        if args.check:
            bad = [(program, case, why) for program, case, _ in cases for why in run_case(work, program, case, work / "init", group)]
            print(*bad, sep="\n")
            sys.exit(bool(bad))
        noticed, alive = {}, []
        @functools.cache
        def passes(program, case):  # without a mutant, on a machine that may be busy
            return any(not run_case(work, program, case, work / "init", group) for _ in range(3))

        for mutant, mutated in mutants(source).items():
            if args.only and not any(mutant == w or mutant.startswith(w + "=") for w in args.only):
                continue
            if args.after:
                args.after = "" if args.after == mutant else args.after
                continue
            folder = work / "mutant"
            folder.mkdir(exist_ok=True)
            name, text = mutated
            (folder / name).write_text(text)
            changed = [folder / (pathlib.Path(name).stem + ".o")]
            compile_to(changed[0], [folder / name], ["-c", f"-iquote{source}"])  # its headers
            keep = [o for o in objects if o.name not in {c.name for c in changed}]
            compile_to(folder / "init", keep + changed)
            (folder / "balance").write_bytes((work / "balance").read_bytes())
            (folder / "balance").chmod(0o755)
            key, _, word = mutant.partition("=")
            spelled = re.compile(rf'(?<![\w-])({re.escape(key)}=({word or ""}(?![\w-])|%s)|"{re.escape(key)}")' if word
                                 else rf'(?<![\w-])({re.escape(key)}=|"{re.escape(key)}")')
            for program, case, text in cases:
                if case == "all-keys-tested" or not spelled.search(text):
                    continue
                if not run_case(work, program, case, folder / "init", group):
                    continue
                sources = copies(work, service_programs.PROGRAMS["init"][1]())
                if passes(program, case) or (guest_fails(work, program, case, [folder / name if s.name == name else s for s in sources])
                                             and not guest_fails(work, program, case, sources)):
                    noticed[mutant] = f"{program.removeprefix('services_')} {case}"
                    break
            else:
                alive.append(mutant)
            print(f"{mutant}: {noticed.get(mutant, 'NOT NOTICED')}", flush=True)
    print(f"{len(noticed)} noticed, {len(alive)} not: {' '.join(alive)}")
    if args.write:
        write_table(noticed)
    sys.exit(bool(alive))


def write_table(noticed):
    by_case = {}
    for mutant, case in noticed.items():
        by_case.setdefault(case, []).append(mutant)
    lines = ["| Case | Fails when this is ignored |", "|---|---|"]
    lines += [f"| {case} | {' '.join(f'`{m}`' for m in names)} |" for case, names in sorted(by_case.items())]
    path = top / "docs/services.md"
    text = path.read_text()
    begin, end = "<!-- keys: ci/tools/service_keys.py --write -->\n", "<!-- end of keys -->"
    at = text.index(begin) + len(begin)
    path.write_text(text[:at] + "\n".join(lines) + "\n" + text[text.index(end):])


if __name__ == "__main__":
    main()
