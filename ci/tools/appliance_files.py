# SPDX-License-Identifier: BSD-2-Clause
"""The example appliance's files: Debian's nginx and redis with the libraries they need, our units for them."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import image  # noqa: E402
import userland  # noqa: E402

PROGRAMS = ("/usr/sbin/nginx", "/usr/bin/redis-server", "/usr/bin/redis-cli")
folder = userland.top / "services/appliance"


def dynamic(path):
    """(interpreter or "", names of libraries) of an ELF file."""
    out = subprocess.run(["readelf", "-ld", path], check=True, capture_output=True, text=True).stdout
    interpreter = re.search(r"interpreter: (\S+)\]", out)
    return interpreter[1] if interpreter else "", re.findall(r"\(NEEDED\).*\[(\S+)\]", out)


def add_program(tree, root, place, done):
    """PLACE of the unpacked packages in ROOT with all it loads; links are followed, the loader's name kept."""
    path = root / place[1:]
    tree.file(place, path.read_bytes(), 0o755)
    interpreter, libraries = dynamic(path)
    if interpreter and interpreter not in done:
        done.add(interpreter)
        tree.file(interpreter, (root / interpreter[1:]).read_bytes(), 0o755)
    for name in libraries:
        if name in done or name == os.path.basename(interpreter):
            continue
        done.add(name)
        found = sorted(root.glob(f"usr/lib/*/{name}"))
        if not found:
            sys.exit(f"appliance: {place} needs {name}, which no package that ci/setup fetches has")
        add_program(tree, root, "/" + str(found[0].relative_to(root)), done)


def tree(arch):
    """Everything the appliance adds to the disk but units; those are `units()`."""
    root = userland.cache / "net" / arch
    out, done = image.Tree(), set()
    for place in PROGRAMS:
        add_program(out, root, place, done)
    out.file("/etc/nginx/mime.types", (root / "etc/nginx/mime.types").read_bytes())
    for path in sorted((folder / "files").rglob("*")):
        if path.is_file():
            place = "/" + str(path.relative_to(folder / "files"))
            out.file(place, path.read_bytes(), 0o755 if path.read_bytes()[:2] == b"#!" else 0o644)
    for place in ("/var/lib/nginx", "/var/log/nginx"):
        out.mkdir(place)
    return out


def units():
    return sorted(p for p in folder.iterdir() if p.is_file())


def inputs():
    return [p for p in folder.rglob("*") if p.is_file()] + [pathlib.Path(__file__)]
