# SPDX-License-Identifier: BSD-2-Clause
"""A person at the console, played by the test: QEMU on a pseudo-terminal, what to type, what to see.

Every wait has a limit. What is expected must come after what was typed last, so an echo of the typed
line is part of what comes: expect results that differ from the command (`echo $((6*7))` -> 42).
"""
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import tty


class SessionError(Exception):
    pass


class Session:
    def __init__(self, words, timeout=20.0):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        mode = termios.tcgetattr(slave)
        mode[1] &= ~termios.ONLCR  # QEMU turns OPOST on again; the guest's own \r\n must stay
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        self.qemu = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.timeout, self.log, self.at = timeout, b"", 0

    def read(self, limit):
        if not select.select([self.master], [], [], max(0, limit))[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: QEMU closed its side
            data = b""
        if not data:
            raise SessionError(f"QEMU ended; last:\n{self.tail()}")
        self.log += data
        return True

    def tail(self, lines=30):
        return "\n".join(self.log.decode(errors="replace").replace("\r", "").splitlines()[-lines:])

    def expect(self, pattern, timeout=None):
        """Waits for PATTERN (bytes regex) in what came since the last match; returns the match."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            m = re.compile(pattern, re.S | re.M).search(self.log, self.at)
            if m:
                self.at = m.end()
                return m
            if not self.read(deadline - time.monotonic()) and time.monotonic() >= deadline:
                raise SessionError(f"waited for {pattern!r}; last:\n{self.tail()}")

    def type(self, text):
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def quiet(self, seconds):
        """Reads for that long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(deadline - time.monotonic())

    def ended(self, timeout=20.0):
        """Waits for QEMU's own end (the guest powered off)."""
        deadline = time.monotonic() + timeout
        try:
            while time.monotonic() < deadline:
                self.read(deadline - time.monotonic())
        except SessionError:
            pass
        try:
            return self.qemu.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise SessionError(f"the machine did not power off; last:\n{self.tail()}")

    def close(self):
        if self.qemu.poll() is None:
            self.qemu.send_signal(signal.SIGKILL)
        self.qemu.wait()
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()
