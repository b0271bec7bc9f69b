# SPDX-License-Identifier: BSD-2-Clause
"""The example appliance on the three: boots from its disk with a network and keeps answering while its services are killed."""
import os
import pathlib
import re
import subprocess
import tempfile

import qemu
import userland
from testing import Case, Failed, top

NAME, WHEN, ORDER = "appliance", "default", 70
HELP = "nginx x2 behind one socket, redis and a probe, killed at random (20 s; full, or CHAOS_SECONDS=600: 10 minutes)"

UNIT = """[Unit]
Description=kills the others
After=web.socket redis.service probe.service
[Service]
Type=oneshot
StandardOutput=console
ExecStart=/tests/chaos {seconds} {seed}
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
"""


def image(arch, seconds, seed):
    program = top / "build" / arch / "services/chaos"
    error = userland.musl_program(arch, [top / "tests/services/chaos.c"], program, ["-D_GNU_SOURCE"])
    if error:
        raise Failed(error[-3000:])
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "tests").mkdir()
        (work / "tests/chaos").write_bytes(program.read_bytes())
        (work / "tests/chaos").chmod(0o755)
        units = work / "etc/units"
        (units / "multi-user.target.wants").mkdir(parents=True)
        (units / "chaos.service").write_text(UNIT.format(seconds=seconds, seed=seed))
        (units / "multi-user.target.wants/chaos.service").symlink_to("../chaos.service")
        if subprocess.run([top / "ci/image", arch, "--appliance", "--suffix", "chaos", "--size", "96", "--extra", work]).returncode:
            raise Failed("no image")
    return str(top / "build" / arch / "root-chaos.img")


def run(ctx, arch, seconds):
    ctx.kernel(arch)
    seed = os.environ.get("CHAOS_SEED", "1")
    machine = qemu.Machine(arch, smp=2, mem="512M", net=True, disks=[image(arch, seconds, seed)])
    result = qemu.supervise(machine.command(append="root=/dev/vda rw") + ["-serial", "stdio", "-monitor", "none"],
                            qemu.Reader("##none", None), seconds * 3 + 400)
    (top / "build" / arch / "chaos.log").write_bytes(result.log)
    text = result.log.decode(errors="replace").replace("\r", "")
    verdict = re.search(r"^(not ok .*|ok)$", text, re.M)
    if not verdict or verdict[1] != "ok":
        raise Failed(f"{verdict[1] if verdict else 'no verdict'} (seed {seed})\n" + "\n".join(text.splitlines()[-40:]))
    lines = re.findall(r"^chaos (\S+): (.*)$", text, re.M)
    return "; ".join(f"{name}: {figures}" for name, figures in lines)


def cases(ctx):
    seconds = int(os.environ.get("CHAOS_SECONDS") or (600 if ctx.at_least("full") else 20))
    for arch in ctx.arches:
        yield Case(f"{arch} killed at random, {seconds} s", lambda a=arch: run(ctx, a, seconds), alone=True, cpus=2)
