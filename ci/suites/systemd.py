# SPDX-License-Identifier: BSD-2-Clause
"""A disk of Debian's packages boots with Debian's own init, systemd, to the login prompt and down again.

The disk is unpacked packages and the few files that their installation would have written; users come from
systemd-sysusers at boot. A unit of ours (CHECK) looks at the running system, a hook of systemd's shutdown tells the
outcome when everything is stopped. On Linux the same first.
"""
import re
import subprocess

import debian_programs
import qemu
import userland
from testing import Case, Failed, Missing, top

NAME, WHEN, ORDER = "systemd", "full", 66
HELP = "Debian's systemd with udev, D-Bus and logind, to the login prompt and down again (Linux first)"

INIT = """#!/bin/sh
echo '@MARK@' > /.ci/mark
exec /sbin/init
"""
# The console is shared with systemd's own words and the login prompt, so what is told stands on lines of its own.
CHECK = """[Unit]
Description=Looks at the system
After=multi-user.target

[Service]
Type=exec
ExecStart=/bin/sh -c 'sh /.ci/run > /.ci/output 2>&1; echo $? > /.ci/status; exec systemctl poweroff'
"""
SHUTDOWN = r"""#!/bin/sh
mark=$(cat /.ci/mark)
{ printf '\n%s begin\n' "$mark"; cat /.ci/output; echo "shutdown $1"; printf '\n%s exit %s\n' "$mark" "$(cat /.ci/status)"; } > /dev/console
"""
COMMAND = r"""
echo state: $(systemctl is-system-running --wait)
systemctl --failed --no-legend --plain | sed 's/^/failed: /'
for unit in systemd-journald systemd-udevd systemd-logind systemd-timesyncd systemd-sysctl systemd-sysusers systemd-tmpfiles-setup \
	dbus serial-getty@${console}; do
	echo unit: ${unit%%@*} $(systemctl is-active $unit)
done
echo pid_max: $(cat /proc/sys/kernel/pid_max)
echo user: $(id -u messagebus > /dev/null && echo messagebus) $(id -gn messagebus)
systemd-run --quiet --pipe --wait -p PrivateTmp=yes -p ProtectSystem=strict -p DynamicUser=yes -p MemoryMax=50M \
	sh -c 'touch /usr/x 2> /dev/null || echo run: usr is read-only; touch /tmp/x && echo run: own tmp'
busctl call --timeout=20 org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager ListSeats | sed 's/^/bus: /'
systemd-cgls --no-pager | grep -q 'system.slice' && echo groups: system.slice
udevadm settle --timeout=20 && echo udev: settled
udevadm info --query=property --property=DEVNAME /sys/class/block/vda | sed 's/^/udev: /'
logger -t check journal-works; journalctl --sync; journalctl -q -b -o cat -t check
systemctl start systemd-tmpfiles-clean && echo clean: $(systemctl show -P Result systemd-tmpfiles-clean)
"""
EXPECTED = """state: running
unit: systemd-journald active
unit: systemd-udevd active
unit: systemd-logind active
unit: systemd-timesyncd active
unit: systemd-sysctl active
unit: systemd-sysusers active
unit: systemd-tmpfiles-setup active
unit: dbus active
unit: serial-getty active
pid_max: 4194304
user: messagebus messagebus
run: usr is read-only
run: own tmp
bus: a(so) 1 "seat0" "/org/freedesktop/login1/seat/seat0"
groups: system.slice
udev: settled
udev: DEVNAME=/dev/vda
journal-works
clean: success
shutdown poweroff
""".splitlines()

PAM = {"account": "account required pam_unix.so\n", "auth": "auth required pam_unix.so\n", "password": "password required pam_unix.so\n",
       "session": "session required pam_unix.so\nsession optional pam_systemd.so\n", "session-noninteractive": "session required pam_unix.so\n"}


def disk(arch):
    if subprocess.run([top / "ci/tools/provide_set.sh", "systemd", arch]).returncode:
        raise Missing("the packages could not be fetched")
    masters = userland.cache / "systemd" / arch / "usr/share/base-passwd"
    passwd = (masters / "passwd.master").read_text()
    files = {
        "etc/passwd": passwd.replace("root:*:", "root:x:"), "etc/group": (masters / "group.master").read_text(),
        "etc/shadow": "".join(f"{line.split(':')[0]}:*:20000:0:99999:7:::\n" for line in passwd.splitlines()),
        "etc/hostname": "trivet\n", "etc/hosts": "127.0.0.1 localhost trivet\n", "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
        "etc/machine-id": "7472697665744000800000000000000f\n", "etc/adjtime": "0.0 0 0.0\n0\nUTC\n",
        "etc/systemd/system/check.service": CHECK, "usr/lib/systemd/system-shutdown/tell": SHUTDOWN,
        **{f"etc/pam.d/common-{name}": text for name, text in PAM.items()},
    }
    wants = "etc/systemd/system/multi-user.target.wants", "etc/systemd/system/sysinit.target.wants"
    links = [(f"{wants[0]}/check.service", "../check.service"),
             (f"{wants[1]}/systemd-timesyncd.service", "/usr/lib/systemd/system/systemd-timesyncd.service"),
             ("etc/systemd/system/dbus-org.freedesktop.timesync1.service", "/usr/lib/systemd/system/systemd-timesyncd.service")]
    return debian_programs.disk(arch, "systemd", __file__, folders=(*wants, "usr/lib/systemd/system-shutdown"), busybox="usr/local/bin", applets=["logger"], files=files,
                                links=links)


def run(arch, linux):
    machine = qemu.Machine(arch, smp=2, mem="512M", kernel="linux" if linux else "", disks=[str(disk(arch))])
    qemu.linux_words(machine)
    machine.append += " systemd.show_status=no"
    return qemu.run(machine, f"console={machine.console()}" + COMMAND, timeout=900, init=INIT)


def check(ctx, arch, linux=False):
    if not linux:
        ctx.kernel(arch)
    result = run(arch, linux)
    lines = [line.rstrip() for line in result.output.decode(errors="replace").splitlines() if line.strip()]
    told = [f"instead of {want!r}" for want in EXPECTED if want not in lines]
    told += [line for line in lines if told and line not in EXPECTED]
    if not re.search(rb"trivet login: ", result.log):
        told.append("no login prompt")
    if result.status or told:
        raise Failed(f"on {'Linux' if linux else 'Trivet'}: status {result.status} {result.reason}\n" + "\n".join(told)
                     + "\n" + qemu.fail_log(result, 40))
    return f"{len(EXPECTED)} answers"


def cases(ctx):
    for arch in ctx.arches:
        yield Case(f"{arch} boots, on Linux", lambda a=arch: check(ctx, a, True), on_linux=True)
        yield Case(f"{arch} boots", lambda a=arch: check(ctx, a), cpus=2)
