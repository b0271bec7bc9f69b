# SPDX-License-Identifier: BSD-2-Clause
"""Compiles our own user programs: static, against Debian's musl of each architecture."""
import os
import pathlib
import subprocess

top = pathlib.Path(__file__).resolve().parents[2]
cache = pathlib.Path(os.environ.get("TRIVET_CACHE") or pathlib.Path.home() / ".cache/trivet")


def musl_program(arch, sources, output, flags=(), pie=False):
    """Returns the compiler's error text, empty when OUTPUT was written. PIE: it runs at any address."""
    triple = f"{arch}-linux-musl"
    lib = cache / "user" / arch / "usr/lib" / triple
    include = cache / "user" / arch / "usr/include" / triple
    cc = f"{arch}-linux-gnu-gcc"
    libgcc = subprocess.run([cc, "-print-libgcc-file-name"], capture_output=True, text=True).stdout.strip()
    gcc_include = subprocess.run([cc, "-print-file-name=include"], capture_output=True, text=True).stdout.strip()
    output.parent.mkdir(parents=True, exist_ok=True)
    words = ["ccache", cc, "-std=gnu17", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-array-bounds",
             "-Wno-stringop-overread", "-Wno-stringop-overflow",  # bad pointers are given on purpose
            
             *(("-fpie", "-static", "-Wl,-pie,--no-dynamic-linker,-z,text") if pie else ("-fno-pie", "-no-pie", "-static")), "-nostdinc", "-isystem", include, "-isystem", gcc_include,
             "-fno-stack-protector", "-mno-outline-atomics" if arch == "aarch64" else "-pthread", *flags,
             "-nostdlib", lib / ("rcrt1.o" if pie else "crt1.o"), lib / "crti.o", *sources, "-Wl,--start-group", lib / "libc.a", libgcc,
             "-Wl,--end-group", lib / "crtn.o", "-o", output]
    run = subprocess.run(words, capture_output=True, text=True)
    return run.stderr if run.returncode else ""
