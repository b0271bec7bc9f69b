#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what the kernel must know of its own linked image, as assembly: function names and address words.

usage: gen_symbols.py --empty OUTPUT | gen_symbols.py NM ELF OUTPUT      ELF is linked with --emit-relocs
       gen_symbols.py --same NM ELF FINAL OUTPUT     fails unless all symbols lie alike in both

`const struct symbol_table kernel_symbols` (include/kernel/symbols.h) is for backtraces:
    struct symbol_table { u64 base; u32 count; const u32 *offsets; const u32 *name_offsets; const char *names; };
base is the link-time address of the first function, offsets[] the functions' distances from it in
rising order, name_offsets[] where each NUL-terminated name starts in names[].

`const u8 kernel_words[]` is for kernel/slide.c: two lists, of the 64-bit words and of the 32-bit sign-extended
ones that hold an address of the image. A list is the bytes from one word to the next, the first from the
image's start: 1 to 254 as one byte, more as 255 and four bytes (low first), 0 ends it.
"""
import pathlib
import re
import struct
import subprocess
import sys

# (machine, relocation): width of a word that holds a whole address.
X86, ARM, RISCV = 62, 183, 243
ABSOLUTE = {(X86, 1): 64, (X86, 11): 32, (ARM, 257): 64, (RISCV, 2): 64}
# Widths that cannot hold an address of ours: a word of this kind must be a physical address, a size or a distance.
NARROW = {(X86, 10), (ARM, 258), (RISCV, 1)}
SHF_ALLOC, SHT_RELA = 2, 4
NEAR = 256 << 20  # compilers fold "end + 2 MiB - 1" and "start + 128 MiB" into one constant
ROOM = 64  # bytes by which the list may grow from one link to the next


def functions(nm, elf):
    found = {}
    for line in subprocess.run([nm, "-n", elf], check=True, capture_output=True, text=True).stdout.splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[1] not in "tTwW":
            continue
        address, name = int(parts[0], 16), parts[2]
        # Compiler-local labels and mapping symbols name no function. Nor do the linker's own pieces (AArch64's work-around for erratum 843419): one
        # link needs other ones than the next, so with them the table would change its size, and all behind it would move.
        if re.match(r"\$|\.L|__pfx_|e843419@", name) or address == 0:
            continue
        # Several names at one address: the global one, else the first.
        if address not in found or parts[1] == "T":
            found[address] = name
    # Boot code may be linked at its physical address, far below the kernel: leave it out.
    top = [a for a in found if a >> 63] or list(found)
    return [(a, found[a]) for a in sorted(top)]


def words(elf):
    """({64: addresses, 32: addresses} of words that move with the image, symbols by name)."""
    data = pathlib.Path(elf).read_bytes()
    machine, = struct.unpack_from("<H", data, 18)
    at, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, at + i * size) for i in range(count)]
    found, names = {64: [], 32: []}, {}
    for _, kind, _, _, offset, length, link, info, _, _ in sections:
        if kind == 2:  # the symbol table
            strings = sections[link][4]
            symbols = [struct.unpack_from("<IBBHQQ", data, offset + i) for i in range(0, length, 24)]
            for name, _, _, _, value, _ in symbols:
                start = strings + name
                names[data[start:data.index(b"\0", start)].decode()] = value
    if "__image_start" not in names:
        sys.exit(f"{elf}: no __image_start")
    low, high = names["__image_start"], names["__image_end"]
    for _, kind, _, _, offset, length, _, info, _, _ in sections:
        if kind != SHT_RELA or not sections[info][2] & SHF_ALLOC:
            continue
        for place, what, addend in struct.iter_unpack("<QQq", data[offset:offset + length]):
            value = symbols[what >> 32][4] + addend & (1 << 64) - 1
            key = machine, what & 0xffffffff
            # Constants, physical addresses (the image's, too) and undefined weak symbols stay as they are.
            if not value >> 63:
                continue
            if key in NARROW:
                sys.exit(f"{elf}: {place:#x} keeps 32 bits of the address {value:#x}: it could not move")
            if key in ABSOLUTE:
                width = ABSOLUTE[key]
                if not low - NEAR <= value <= high + NEAR:
                    sys.exit(f"{elf}: {place:#x} refers to {value:#x}, outside the image")
                if place % 8 and machine != X86:
                    sys.exit(f"{elf}: {place:#x} is not aligned")
                found[width].append(place - low)
    return found, names


def encode(places):
    out, at = bytearray(), 0
    for place in sorted(places):
        step, at = place - at, place
        if step == 0:
            sys.exit("two addresses in one place, or one at the image's first byte")
        out += bytes([step]) if step < 255 else b"\xff" + struct.pack("<I", step)
    return bytes(out) + b"\0"


def write(symbols, moving, output):
    base = symbols[0][0] if symbols else 0
    symbols = [s for s in symbols if s[0] - base < 1 << 32]
    names, starts, at = [], [], 0
    for _, name in symbols:
        starts.append(at)
        names.append(f'\t.asciz "{name}"')
        at += len(name) + 1
    out = ["/* Generated by ci/tools/gen_symbols.py. */", '\t.section .rodata.symbols,"a"', "\t.balign 8",
           "\t.globl kernel_symbols", "kernel_symbols:", f"\t.8byte 0x{base:x}", f"\t.4byte {len(symbols)}, 0",
           "\t.8byte 1f, 2f, 3f", "1:"]
    out += [f"\t.4byte 0x{a - base:x}" for a, _ in symbols]
    out += ["2:"] + [f"\t.4byte {s}" for s in starts]
    out += ["3:"] + (names or ["\t.byte 0"])
    out += ['\t.section .init.data.words,"aw"', "\t.globl kernel_words, kernel_words_end", "kernel_words:"]
    out += ["\t.byte " + ",".join(map(str, moving[i:i + 32])) for i in range(0, len(moving), 32)]
    out += ["kernel_words_end:"]
    out += ['\t.section .note.GNU-stack,"",%progbits']
    with open(output, "w") as f:
        f.write("\n".join(out) + "\n")


def check_same(nm, elf, final, output):
    """The words were found in ELF; in FINAL (linked without relocations, which keep some local labels) all must lie in the same places."""
    def places(path):
        return set(subprocess.run([nm, path], check=True, capture_output=True, text=True).stdout.splitlines())
    moved = sorted(places(final) - places(elf))
    if moved:
        sys.exit(f"{final}: {len(moved)} symbols do not lie where {elf} has them, the first is {moved[0]}: its table of address words is wrong")
    pathlib.Path(output).write_text("")


def main():
    if sys.argv[1] == "--empty":
        write([], b"\0\0", sys.argv[2])
        return
    if sys.argv[1] == "--same":
        check_same(*sys.argv[2:])
        return
    nm, elf, output = sys.argv[1:]
    found, names = words(elf)
    moving = encode(found[64]) + encode(found[32])
    room = names["kernel_words_end"] - names["kernel_words"]
    if room == 2:  # the first table: leave room for what moves when it is linked in
        room = len(moving) + ROOM
    if len(moving) > room:
        sys.exit(f"{elf}: the list of address words grew from {room} to {len(moving)} bytes: raise ROOM")
    write(functions(nm, elf), moving.ljust(room, b"\0"), output)


main()
