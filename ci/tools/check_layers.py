#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Who may include whom: the layers of docs/map.md, include cycles, architecture tests outside arch/.

usage: check_layers.py [TOP]      prints file:line: what is wrong; status 1 if anything is
"""
import pathlib
import posixpath
import re
import sys

STD = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h"}

# Where a file lies -> which <...> prefixes it may include. The first match counts.
ALLOWED = [
    ("include/lib/", {"lib", "uapi"}),
    ("include/uapi/", {"lib", "uapi", "native"}),
    ("include/arch/", {"arch", "lib", "native"}),
    ("include/kernel/", {"kernel", "arch", "lib", "uapi"}),
    ("include/drivers/", {"drivers", "kernel", "arch", "lib", "uapi"}),
    ("arch/sim/", {"arch", "lib", "uapi", "native", "kernel", "libc"}),
    ("arch/", {"arch", "lib", "uapi", "native", "kernel", "asm-offsets.h"}),
    ("kernel/fs/initramfs/", {"arch", "kernel", "lib", "uapi", "zlib.h"}),
    ("kernel/net/lwip/", {"arch", "kernel", "lib", "uapi", "lwip", "netif", "lwip_hooks.h"}),
    ("kernel/", {"arch", "kernel", "lib", "uapi"}),
    ("drivers/", {"drivers", "kernel", "lib", "arch", "uapi"}),
    ("platform/", {"drivers", "kernel", "lib", "arch", "uapi", "libfdt.h", "fdt.h", "acpi"}),
    ("services/", {"uapi", "kernel", "lib", "libc"}),
]
GENERATED = re.compile(r"syscall_\w+\.h")
OURS = ("lib/", "uapi/", "arch/", "kernel/", "drivers/", "native/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ARCH_IF = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(__x86_64__|__i386__|__amd64__|__aarch64__|__arm__|__riscv\w*"
                     r"|CONFIG_(X86|ARM|AARCH|RISCV)\w*)")
# The core does not know that it is being tested or simulated; kernel/test.h is for *_test.c.
CORE_WORD = re.compile(r"\b(TEST|SIM|CONFIG_SIM|ARCH_SIM|IS_SIM|is_sim|sim_\w+|SIM_\w+)\b")


def sources(top):
    for folder in ("include", "arch", "kernel", "drivers", "platform", "services"):
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".S", ".ld") and path.is_file():
                yield path.relative_to(top).as_posix(), path


def named_kernel_headers(top):
    """docs/arch-port.md names the kernel headers an architecture may include; None while it does not exist."""
    page = top / "docs/arch-port.md"
    if not page.exists():
        return None
    return set(re.findall(r"`?<(kernel/\w+\.h)>`?", page.read_text())) or None


def unit(name):
    """The folder within which a private header may be shared: arch/<isa>, kernel/<part>, drivers/<part>."""
    parts = name.split("/")
    return "/".join(parts[:1] if parts[0] in ("platform", "services") else parts[:min(2, len(parts) - 1)])


def allowed_for(name):
    return next((words for prefix, words in ALLOWED if name.startswith(prefix)), None)


def check_include(top, name, style, target, allowed, arch_kernel):
    if style == '"':
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if unit(path) != unit(name):
            return f'"{target}" leaves {unit(name)}'
        return None if (top / path).exists() else f'"{target}" does not exist'
    if target in STD or target in allowed or GENERATED.fullmatch(target):
        return None
    prefix = target.split("/")[0]
    if target.startswith(OURS):
        if prefix not in allowed:
            return f"<{target}> is not for {name.split('/')[0]}/{name.split('/')[1]}"
        if prefix == "kernel" and name.startswith("arch/") and arch_kernel is not None and target not in arch_kernel:
            return f"<{target}> is not among the kernel headers that docs/arch-port.md gives an architecture"
        return None
    if "libc" in allowed or prefix in allowed:
        return None
    return f"<{target}> is not for this folder"


def cycles(graph):
    state, stack, found = {}, [], []

    def visit(node):
        state[node] = 1
        stack.append(node)
        for other in graph.get(node, ()):
            if state.get(other) == 1:
                found.append(stack[stack.index(other):] + [other])
            elif other not in state:
                visit(other)
        stack.pop()
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def check(top):
    top = pathlib.Path(top)
    arch_kernel = named_kernel_headers(top)
    problems, graph = [], {}
    for name, path in sources(top):
        allowed = allowed_for(name)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if not name.startswith("arch/") and ARCH_IF.match(line):
                problems.append(f"{name}:{number}: a test on the instruction set outside arch/")
            if name.startswith(("kernel/", "drivers/", "platform/", "include/")) and not name.endswith("_test.c") and \
                    CORE_WORD.search(line):
                problems.append(f"{name}:{number}: `{CORE_WORD.search(line)[0]}`: the core does not know of the simulation")
            m = INCLUDE.match(line)
            if not m or allowed is None:
                continue
            problem = check_include(top, name, m[1], m[2], allowed, arch_kernel)
            if problem:
                problems.append(f"{name}:{number}: {problem}")
            if name.endswith(".h"):
                # <native/x.h> differs per architecture: follow it into each.
                if m[1] == '"':
                    targets = [posixpath.normpath(posixpath.join(posixpath.dirname(name), m[2]))]
                elif m[2].startswith("native/"):
                    targets = [p.relative_to(top).as_posix() for p in top.glob(f"arch/*/include/{m[2]}")]
                else:
                    targets = [f"include/{m[2]}"]
                graph.setdefault(name, []).extend(t for t in targets if (top / t).exists())
    problems += ["include cycle: " + " -> ".join(c) for c in cycles(graph)]
    return problems


if __name__ == "__main__":
    found = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(found))
    sys.exit(bool(found))
