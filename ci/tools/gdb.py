# SPDX-License-Identifier: BSD-2-Clause
"""GDB helper for `ci/boot ARCH --gdb`: gdb-multiarch -x ci/tools/gdb.py build/ARCH/trivet

Commands: `trivet-threads` says where each CPU is, `trivet-bt
ADDRESS` walks frame pointers from ADDRESS, `list-of HEAD TYPE MEMBER` walks a struct list.
"""
import gdb


def field_offset(type_name, member):
    return int(gdb.parse_and_eval(f"(unsigned long)&(({type_name} *)0)->{member}"))


def walk(head, type_name, member):
    """The objects of TYPE_NAME linked by MEMBER into the struct list at HEAD (an address)."""
    offset = field_offset(type_name, member)
    head = int(head)
    pointer = gdb.lookup_type("unsigned long").pointer()
    at, seen = int(gdb.Value(head).cast(pointer).dereference()), 0
    while at != head and seen < 100000:
        yield gdb.parse_and_eval(f"({type_name} *){at - offset}")
        at, seen = int(gdb.Value(at).cast(pointer).dereference()), seen + 1


class ListOf(gdb.Command):
    """list-of HEAD TYPE MEMBER: addresses of a list's objects."""

    def __init__(self):
        super().__init__("list-of", gdb.COMMAND_DATA)

    def invoke(self, words, tty):
        head, kind, member = gdb.string_to_argv(words)
        for item in walk(gdb.parse_and_eval(f"(unsigned long)&({head})"), kind, member):
            print(item)


class Threads(gdb.Command):
    """trivet-threads: name, state and saved stack pointer of every CPU's current thread."""

    def __init__(self):
        super().__init__("trivet-threads", gdb.COMMAND_STATUS)

    def invoke(self, words, tty):
        inferior = gdb.selected_inferior()
        for thread in inferior.threads():
            thread.switch()
            frame = gdb.newest_frame()
            symbol = gdb.find_pc_line(frame.pc())
            print(f"CPU {thread.num - 1}: {frame.pc():#x} {frame.name() or '?'} {symbol.symtab or ''}:{symbol.line}")


class Backtrace(gdb.Command):
    """trivet-bt ADDRESS: return addresses along the frame pointers that begin at ADDRESS."""

    def __init__(self):
        super().__init__("trivet-bt", gdb.COMMAND_STACK)

    def invoke(self, words, tty):
        at = int(gdb.parse_and_eval(words or "$fp"))
        below = gdb.selected_frame().architecture().name().startswith("riscv")
        pointer = gdb.lookup_type("unsigned long").pointer()
        for depth in range(64):
            if not at:
                break
            # RISC-V keeps the saved frame pointer and return address below the frame pointer.
            saved, back = (at - 16, at - 8) if below else (at, at + 8)
            try:
                pc = int(gdb.Value(back).cast(pointer).dereference())
                at = int(gdb.Value(saved).cast(pointer).dereference())
            except gdb.MemoryError:
                break
            block = gdb.block_for_pc(pc - 1)
            while block and not block.function:
                block = block.superblock
            print(f"#{depth} {pc:#x} {block.function if block else '?'}")


for command in (ListOf, Threads, Backtrace):
    command()
