# SPDX-License-Identifier: BSD-2-Clause
"""A store that many children look at as it was when they were made, while it changes; memory that grows, moves and is mapped."""
import mmap
import os
import zlib

KEYS, ROUNDS = 12000, 6


def digest(store):
    return zlib.crc32("".join(f"{k}={v};" for k, v in store.items()).encode())


def snapshots():
    store = {f"key{i}": "x" * (i % 97) for i in range(KEYS)}
    shared = mmap.mmap(-1, 4096 * ROUNDS)
    for n in range(ROUNDS):
        want = digest(store)
        pid = os.fork()
        if pid == 0:
            shared[4096 * n:4096 * n + 8] = digest(store).to_bytes(8, "little")
            os._exit(0)
        for i in range(n, KEYS, 3):  # while the child reads
            store[f"key{i}"] = f"{n}" * (i % 89)
        assert os.waitpid(pid, 0)[1] == 0
        assert int.from_bytes(shared[4096 * n:4096 * n + 8], "little") == want, f"round {n}"
    print(f"{ROUNDS} snapshots of {KEYS} keys are right")


def growing():
    b, want = bytearray(), 0
    for i in range(96):  # the heap's large block moves as it grows
        part = bytes([i]) * 131072
        b += part
        want = zlib.crc32(part, want)
    assert zlib.crc32(b) == want
    del b[1 << 20:]
    assert b == b"".join(bytes([i]) * 131072 for i in range(8))
    print("12 MiB grew and shrank")


def mapped():
    with open("mapped", "w+b") as f:
        f.truncate(1 << 20)
        m = mmap.mmap(f.fileno(), 0)
        m[:] = bytes(range(256)) * 4096
        m.flush()
        m.resize(3 << 20)
        m[-4:] = b"tail"
        m.madvise(mmap.MADV_DONTNEED)
        assert m.find(b"tail") == (3 << 20) - 4 and m[256:512] == bytes(range(256))
        private = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY)
        private[:4] = b"mine"
        m[4:8] = b"all!"
        f.seek(0)
        assert f.read(8) == b"\0\1\2\3all!" and private[:8] == b"mine\4\5\6\7"
    print("a file of 3 MiB was mapped, resized and copied on write")


snapshots()
growing()
mapped()
