# SPDX-License-Identifier: BSD-2-Clause
"""Runs the fuzz harnesses of tests/fuzz/ (docs/simulation.md): libFuzzer inside the simulation, ASan and UBSan on.

tests/fuzz/corpus/NAME.hex holds the inputs worth keeping, one a line; a run's own finds stay in
build/fuzz/NAME/. An input that fails is kept as build/fuzz/NAME-crash-*.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

top = pathlib.Path(__file__).resolve().parents[2]
folder = top / "build/fuzz"
MAX_LEN = {"fdt": 8192, "acpi": 4096, "elf": 4096, "cpio": 4096, "ext4": 512, "cmdline": 2500}
FLAGS = ("-rss_limit_mb=0", "-timeout=0", "-handle_segv=0", "-handle_bus=0", "-reload=0", "-print_final_stats=1")
# Features of the images that the ext4 harness damages; mostly no checksums, which would stop every change at the door. The last one
# has a journal to be replayed.
IMAGES = (("-b", "1024", "-O", "^has_journal,^metadata_csum,^64bit"), ("-b", "4096", "-O", "^has_journal,^metadata_csum,64bit"),
          ("-b", "1024", "-O", "^has_journal,metadata_csum,64bit"), ("-b", "1024", "-O", "has_journal,^metadata_csum,64bit"))
IMAGE_KIB, DISK_KIB = 1024, 2304
CORPUS_MAX = 16000      # bytes of inputs kept in the repository per harness, the smallest first


def kernel():
    subprocess.run([top / "ci/build", "sim", "--fuzz"], check=True)
    return top / "build/sim-fuzz/trivet"


def contents(where):
    """The files of the images."""
    (where / "dir/deep").mkdir(parents=True)
    (where / "empty").mkdir()
    for i in range(40):
        (where / "dir" / f"a-name-that-is-rather-long-so-that-blocks-fill-{i:02}").write_text("x" * i)
    (where / "dir/deep/file").write_text("deep\n" * 300)
    (where / "big").write_bytes(bytes(range(256)) * 160)
    with open(where / "sparse", "wb") as f:
        for k in range(6):
            f.seek(k * 50000)
            f.write(b"island")
    os.symlink("dir/deep/file", where / "short")
    os.symlink("x" * 90, where / "long")


def leave_log(draft, source, env):
    """Three transactions and a list of revoked blocks that wait in the journal."""
    lines = ["jo", f"jw -b 1100,1101,40 {source}", "jc", "jo", "jw -r 1101,1102 /dev/null", "jc", "jo", f"jw -b 1102,1103 {source}", "jc"]
    subprocess.run(["debugfs", "-w", "-f", "-", draft], input="\n".join(lines), text=True, check=True, env=env,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def images():
    """All base images one after the other, the same bytes each time."""
    out = folder / "images.ext4"
    if out.exists() and out.stat().st_size == len(IMAGES) * DISK_KIB << 10:
        return out
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    contents(tree)
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, (1700000000, 1700000000), follow_symlinks=False)
    data = b""
    for n, options in enumerate(IMAGES):
        draft = folder / f"image{n}"
        uuid = f"12345678-1234-1234-1234-12345678900{n}"
        draft.unlink(missing_ok=True)
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/sbin:/usr/sbin", E2FSPROGS_FAKE_TIME="1700000000")
        has_log = "has_journal" in options[-1].split(",")
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", *options, "-N", "96", "-U", uuid, "-E", f"hash_seed={uuid}",
                        "-d", tree, draft, f"{DISK_KIB if has_log else IMAGE_KIB}k"], check=True, stderr=subprocess.DEVNULL, env=env)
        if has_log:
            leave_log(draft, tree / "big", env)
        data += draft.read_bytes().ljust(DISK_KIB << 10, b"\0")
        if n == 0:
            draft.write_bytes(data)
            draft.replace(folder / "disk.ext4")
    out.write_bytes(data)
    return out


def words(name):
    extra = []
    if name == "ext4":
        extra = [f"sim.images={images()}", f"sim.disk={folder / 'disk.ext4'}"]
    return [f"sim.fuzz={name}", *extra]


def seeds(name):
    """Writes the repository's inputs into build/fuzz/NAME and returns that folder."""
    out = folder / name
    out.mkdir(parents=True, exist_ok=True)
    for line in (top / f"tests/fuzz/corpus/{name}.hex").read_text().split("\n"):
        if line and not line.startswith("#"):
            data = bytes.fromhex(line)
            (out / hashlib.sha1(data).hexdigest()).write_bytes(data)
    return out


def fuzz(binary, name, arguments, timeout=None):
    env = dict(os.environ, TRIVET_FUZZ=" ".join([*FLAGS, f"-max_len={MAX_LEN[name]}", f"-artifact_prefix={folder}/{name}-",
                                                 *map(str, arguments)]))
    out = subprocess.run([binary, *words(name)], env=env, capture_output=True, text=True, errors="replace", timeout=timeout)
    return out.returncode, out.stdout + out.stderr


def run(binary, name, seconds):
    """(ok, one line about the run, the end of its output)"""
    corpus = seeds(name)
    status, text = fuzz(binary, name, [f"-max_total_time={int(seconds)}", corpus], seconds + 600)
    number = lambda pattern: (re.findall(pattern, text) or ["?"])[-1]
    line = (f"{name}: {number(r'number_of_executed_units: *([0-9]+)')} inputs, {number(r'cov: ([0-9]+)')} edges, "
            f"{number(r'ft: ([0-9]+)')} features")
    crash = re.findall(r"Test unit written to (\S+)", text)
    if status or not re.search(r"^(#\d+\s+DONE|Done \d+ runs)", text, re.M):
        line += f"; FAILS ({status})" + (f": ci/sim --fuzz {name} --input {os.path.relpath(crash[-1], top)}" if crash else "")
        return False, line, text
    return True, line, text


def save(name):
    """What the repository has stays; of what runs kept, each for something it alone showed then, the smallest join it."""
    page = top / f"tests/fuzz/corpus/{name}.hex"
    lines = page.read_text().strip().split("\n")
    kept = [bytes.fromhex(line) for line in lines if not line.startswith("#")]
    total, new = sum(map(len, kept)), []
    for data in sorted({p.read_bytes() for p in (folder / name).iterdir()} - set(kept), key=lambda d: (len(d), d)):
        total += len(data)
        if data and total <= CORPUS_MAX:
            new.append(data)
    page.write_text("\n".join(lines + [d.hex() for d in new]) + "\n")
    return len(kept) + len(new)


def main(args):
    binary = kernel()
    folder.mkdir(parents=True, exist_ok=True)
    names = list(MAX_LEN) if args.fuzz == "all" else [args.fuzz]
    if args.input:
        status, text = fuzz(binary, names[0], [args.input.resolve()])
        print(text)
        return 1 if status else 0
    good = True
    for name in names:
        ok, line, text = run(binary, name, args.minutes * 60)
        print(line, flush=True)
        if not ok:
            good = False
            print("    " + text[-4000:].replace("\n", "\n    "))
        elif args.save:
            print(f"{name}: {save(name)} inputs kept", flush=True)
    return 0 if good else 1
