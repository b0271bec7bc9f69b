# SPDX-License-Identifier: BSD-2-Clause
"""Debian's strace, gdb and gdbserver, unmodified, on a program of ours. Each command must end well and print what it
promises; in the full selection on Linux, too.
"""
import debian_programs
import image
import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "debug", "default", 65
HELP = "Debian's strace, gdb and gdbserver, unmodified, on the three"

GDB = "gdb -q -batch -nx -iex 'set debuginfod enabled off' -iex 'set auto-load off' "
# name: (what is run, what the output must match)
COMMANDS = {
    "strace": ("strace -f -o t sh -c 'true & wait; echo hi >/dev/null'; cat t",
               r"execve\([\s\S]*(clone|fork)[\s\S]*exited with 0[\s\S]*SIGCHLD[\s\S]*exited with 0"),
    "strace times": ("strace -f -tt -e trace=writev /debuggee quick 2>&1",
                     r"\d+:\d+:\d+\.\d{6} writev\(1, .*sum 3"),
    "strace count": ("strace -c /debuggee quick 2>&1", r"% time[\s\S]*writev\n[\s\S]*total"),
    "strace attach": ("/debuggee spin & sleep 1; timeout 3 strace -p $! -o t; kill $!; cat t",
                      r"(nanosleep\(.*\) += 0\n){20}"),
    "strace inject": ("strace -e inject=getppid:retval=77 -e trace=getppid /debuggee parent 2>&1", r"= 77 \(INJECTED\)[\s\S]*parent 77"),
    "gdb break": (GDB + "-ex 'break add' -ex run -ex bt -ex 'print a' -ex finish -ex next -ex 'print total' -ex continue"
                  " --args /debuggee quick 2>&1",
                  r"Breakpoint 1, add \(a=1[\s\S]*#1 .* main[\s\S]*\$1 = 1\n[\s\S]*Value returned is \$2 = 3[\s\S]*exited normally"),
    "gdb step": (GDB + "-ex 'break add' -ex run -ex stepi -ex stepi -ex 'info registers pc' -ex step -ex kill --args /debuggee quick 2>&1",
                 r"Breakpoint 1, add[\s\S]*pc\s+0x[0-9a-f]+\s+0x[0-9a-f]+ <add[\s\S]*killed"),
    "gdb watch": (GDB + "-ex 'break main' -ex run -ex 'watch total' -ex continue -ex continue --args /debuggee quick 2>&1",
                  r"atchpoint 2: total[\s\S]*Old value = 0\n[\s\S]*New value = 3"),
    "gdb call": (GDB + "-ex 'break add' -ex run -ex 'print (long)thread_part(42)' -ex 'delete' -ex continue --args /debuggee quick 2>&1",
                 r"Breakpoint 1, add[\s\S]*\$1 = 42\n[\s\S]*exited normally"),
    "gdb threads": (GDB + "-ex 'break thread_part' -ex run -ex 'info threads' -ex 'thread apply all bt' -ex 'delete' -ex continue --args /debuggee threads 2>&1",
                    r"hit Breakpoint 1[\s\S]*\* \d+ +[\s\S]*thread_part[\s\S]*exited normally"),
    "gdb attach": ("/debuggee spin & sleep 1; " + GDB + "-ex bt -ex detach /debuggee $! 2>&1; kill $!",
                   r"#0 .*(nanosleep|syscall)[\s\S]*detached"),
    "gdb catch": (GDB + "-ex 'catch syscall getppid' -ex run -ex continue -ex continue --args /debuggee parent 2>&1",
                  r"call to syscall getppid[\s\S]*returned from syscall getppid[\s\S]*exited normally"),
    "gdb signal": (GDB + "-ex run -ex bt -ex 'print $_siginfo.si_signo' --args /debuggee crash 2>&1",
                   r"SIGSEGV[\s\S]*#\d+ .*crash_here[\s\S]*\$1 = 11"),
    "gdbserver": ("gdbserver --once 127.0.0.1:2345 /debuggee quick & sleep 3; " + GDB +
                  "-ex 'target remote 127.0.0.1:2345' -ex 'break add' -ex continue -ex bt -ex continue /debuggee 2>&1; wait",
                  r"Breakpoint 1, add[\s\S]*#1 .* main[\s\S]*exited normally"),
}


def debuggee(arch):
    output = top / "build" / arch / "debuggee"
    source = top / "tests/packages/debuggee.c"
    if not output.exists() or output.stat().st_mtime < source.stat().st_mtime:
        error = userland.musl_program(arch, [source], output, ["-O0", "-g", "-fno-omit-frame-pointer"])
        if error:
            raise Failed(error[-2000:])
    return output.read_bytes()


def disk(arch):
    return debian_programs.disk(
        arch, "debug", __file__, folders=(), busybox="usr/bin",
        applets="sh mount umount poweroff sleep cat echo true timeout kill ls mkdir env ifconfig".split(),
        files={"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/hosts": "127.0.0.1 localhost\n"},
        junk=("usr/share/zoneinfo", "usr/lib/python3.13/test", "usr/share/perl5"))


def run(arch, command, linux=False, timeout=300):
    machine = qemu.Machine(arch, smp=2, mem="512M", kernel="linux" if linux else "", disks=[str(disk(arch))])
    qemu.linux_words(machine)
    tree = image.Tree()
    tree.file("/debuggee", debuggee(arch), 0o755)
    return qemu.run(machine, "export HOME=/tmp; ifconfig lo 127.0.0.1 2>/dev/null; cd /tmp\n" + command, timeout=timeout, files=tree)


def check(ctx, arch, name, linux=False):
    command, pattern = COMMANDS[name]
    if not linux:
        ctx.kernel(arch)
    return debian_programs.checked(run(arch, command, linux), pattern, linux, (0, 143))


def cases(ctx):
    for arch in ctx.arches:
        for name in COMMANDS:
            if (arch, name) == ("riscv64", "gdb catch"):
                continue  # "not supported on this architecture yet", says gdb 16
            if ctx.at_least("full"):
                yield Case(f"{arch} {name} on Linux", lambda a=arch, n=name: check(ctx, a, n, True), on_linux=True)
            yield Case(f"{arch} {name}", lambda a=arch, n=name: check(ctx, a, n), cpus=2)
