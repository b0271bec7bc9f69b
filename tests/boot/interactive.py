#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An interactive session: typing, editing, Ctrl-C, Ctrl-Z, fg, bg, background jobs, end of file, exit.

usage: interactive.py ARCH [linux]
The shell edits in raw mode itself, so the terminal's own editing is tried with `cat` reading.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ci/tools"))
import qemu  # noqa: E402
from session import Session  # noqa: E402

PROMPT = rb"# (\x1b\[6n)?$"


def shell(s, line, expected, timeout=None):
    s.type(line + "\r")
    m = s.expect(expected, timeout)
    s.expect(PROMPT)
    return m


def typing(s):
    shell(s, "echo $((6*7))", rb"^42\r")
    shell(s, "echo one two | wc -w; pwd", rb"^2\r\n/root\r")


def shell_editing(s):
    s.type("echo $((6*7)x\x7f)\r")  # a wrong key and backspace
    s.expect(rb"^42\r")
    s.expect(PROMPT)
    s.type("\x1b[A\r")  # arrow up: the line again
    s.expect(rb"^42\r")
    s.expect(PROMPT)
    s.type("cho $((6*8))\x1b[He\r")  # Home, then insert (Ctrl-A is QEMU's own key)
    s.expect(rb"^48\r")
    s.expect(PROMPT)


def terminal_editing(s):
    s.type("cat > /tmp/typed\r")
    s.quiet(0.5)
    s.type("abX\x7fc\r")  # erase
    s.expect(rb"abX\x08 \x08c\r\n")
    s.type("gone\x15kept\r")  # Ctrl-U: kill the line
    s.type("first second\x17third\r")  # Ctrl-W: erase a word
    s.type("lit\x16\x03eral\r")  # Ctrl-V: the next one as it is
    s.type("\x04")  # Ctrl-D: end of file
    s.expect(PROMPT)
    s.type("tr a-z A-Z < /tmp/typed\r")
    s.expect(rb"^ABC\r\nKEPT\r\nFIRST THIRD\r\nLIT\x03ERAL\r\n")
    s.expect(PROMPT)


def no_echo(s):
    s.type("stty -echo; read x; stty echo; echo $x-$x\r")
    s.expect(rb"\$x-\$x\r\n")
    s.quiet(0.5)
    s.type("secret\r")
    m = s.expect(rb"^(.*)secret-secret\r")
    assert b"secret" not in m[1], "typed text was echoed"
    s.expect(PROMPT)


def raw_mode(s):
    s.type("stty raw -echo; dd bs=1 count=3 2> /dev/null | od -c | head -n 1; stty sane\r")
    s.expect(rb"sane\r\n")
    s.quiet(0.5)
    s.type(b"\x03a\x1a")
    s.expect(rb"003   a 032")
    s.expect(PROMPT)


def interrupt(s):
    s.type("sleep 100\r")
    s.quiet(0.7)
    s.type("\x03")
    s.expect(PROMPT)
    shell(s, "echo status $?", rb"^status 130\r")
    s.type("cat | cat | cat\r")
    s.quiet(0.7)
    s.type("\x03")
    s.expect(PROMPT)
    shell(s, "sh -c 'trap \"echo TRAPPED-$((1+1)); exit 5\" INT; kill -INT $$; sleep 9'; echo $?", rb"TRAPPED-2\r\n5\r")


def quit_key(s):
    s.type("sleep 100\r")
    s.quiet(0.7)
    s.type("\x1c")  # Ctrl-backslash
    s.expect(rb"Quit")
    s.expect(PROMPT)
    shell(s, "echo status $?", rb"^status 131\r")


def stop(s):
    s.type("sleep 1000\r")
    s.quiet(0.7)
    s.type("\x1a")
    s.expect(rb"\[1\]\+ +Stopped +sleep 1000\r")
    s.expect(PROMPT)
    shell(s, "jobs", rb"\[1\]\+ +Stopped +sleep 1000\r")
    shell(s, "bg", rb"\[1\] sleep 1000\r")
    shell(s, "jobs", rb"\[1\]\+ +Running +sleep 1000\r")
    s.type("fg\r")
    s.expect(rb"sleep 1000\r")
    s.quiet(0.7)
    s.type("\x1a")
    s.expect(rb"Stopped")
    s.expect(PROMPT)
    s.type("fg %1\r")
    s.expect(rb"sleep 1000\r")
    s.quiet(0.7)
    s.type("\x03")
    s.expect(PROMPT)
    shell(s, "jobs; echo none-$((1+1))", rb"^none-2\r")


def background(s):
    shell(s, "sleep 0.5 & echo started-$((1+1))", rb"started-2\r")
    shell(s, "wait; echo waited-$((2+2))", rb"waited-4\r")
    s.type("cat &\r")  # a background reader of the terminal is stopped; told at once or with the next prompt
    s.quiet(1)
    s.type("\r")
    s.expect(rb"Stopped \(tty input\) +cat\r")
    s.expect(PROMPT)
    shell(s, "kill %1; sleep 0.2; kill -CONT %1; wait; echo gone-$((1+1))", rb"gone-2\r")


def terminal_facts(s):
    shell(s, "tty", rb"^/dev/tty(S|AMA)0\r")
    shell(s, "stty rows 33 cols 99; stty size", rb"^33 99\r")
    shell(s, "stty rows 24 cols 80", rb"\n")


def paste(s):
    """Many bytes at once must all arrive."""
    line = "".join(chr(97 + i % 26) for i in range(200))
    s.type("cat > /tmp/pasted\r")
    s.quiet(0.5)
    for _ in range(10):
        s.type(line + "\r")
        s.quiet(0.05)
    s.type("\x04")
    s.expect(PROMPT)
    shell(s, "wc -lc < /tmp/pasted", rb"^ +10 +2010\r")


def leave(s):
    s.type("exit\r")
    s.ended()


STEPS = [typing, shell_editing, terminal_editing, no_echo, raw_mode, interrupt, quit_key, stop, background,
         terminal_facts, paste, leave]


def run(machine, step_done=lambda name: None):
    """Plays the whole session on MACHINE; raises SessionError or AssertionError with the step's name."""
    words = machine.command(append="quiet loglevel=1 panic=-1 root=/dev/vda rw") + ["-serial", "mon:stdio"]
    with Session(words) as s:
        s.expect(PROMPT, 120)
        for step in STEPS:
            try:
                step(s)
            except Exception as e:
                raise type(e)(f"{step.__name__}: {e}") from None
            step_done(step.__name__)


def main():
    arch, kernel = sys.argv[1], "linux" if sys.argv[2:] == ["linux"] else ""
    machine = qemu.Machine(arch, smp=2, kernel=kernel, disks=[str(qemu.top / "build" / arch / "root.img")])
    qemu.linux_words(machine)
    run(machine, lambda name: print("ok", name, flush=True))


if __name__ == "__main__":
    main()
