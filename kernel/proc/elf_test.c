/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF check against well-formed and hostile files. */
#include "elf.h"
#include <kernel/test.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define MACHINE 62
#define USER_END 0x7ffffffff000ull
#define SIZE 0x3000

static const struct elf_limits limits = { .user_end = USER_END, .machine = MACHINE };
static u8 file[SIZE];
static struct elf64_header *const head = (struct elf64_header *)file;
static struct elf64_phdr *const ph = (struct elf64_phdr *)(file + 64);

/* Text at 0x400000, data with bss at 0x402000, a stack note. */
static void make(void)
{
	memset(file, 0, sizeof(file));
	memcpy(head->e_ident, "\177ELF\2\1\1", 7);
	head->e_type = ET_EXEC;
	head->e_machine = MACHINE;
	head->e_version = 1;
	head->e_entry = 0x400100;
	head->e_phoff = 64;
	head->e_phentsize = 56;
	head->e_phnum = 3;
	ph[0] = (struct elf64_phdr){ PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 0x1000, 0x1000, 0x1000 };
	ph[1] = (struct elf64_phdr){ PT_LOAD, PF_R | PF_W, 0x2010, 0x402010, 0, 0x100, 0x5000, 0x10000 };
	ph[2] = (struct elf64_phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
}

static int check(struct elf_image *out) { return elf_check(file, sizeof(file), &limits, out); }

static void test_good(void)
{
	struct elf_image e;

	make();
	test_equal(check(&e), 0);
	test_equal(e.low, 0x400000);
	test_equal(e.high, 0x408000);
	test_equal(e.align, 0x10000);
	test_equal(e.phdr_vaddr, 0x400040);
	test_equal(e.loads, 2);
	test_check(!e.stack_exec && !e.interp_size);
}

#define REFUSED(change, error) \
	do { \
		struct elf_image _e; \
		make(); \
		change; \
		test_equal(check(&_e), error); \
	} while (0)

static void test_bad_headers(void)
{
	struct elf_image e;

	make();
	for (size_t n = 0; n < 64 + 3 * 56; n++)
		test_equal(elf_check(file, n, &limits, &e), -ENOEXEC);
	REFUSED(head->e_ident[0] = 0, -ENOEXEC);
	REFUSED(head->e_ident[EI_CLASS] = 1, -ENOEXEC);
	REFUSED(head->e_ident[EI_DATA] = 2, -ENOEXEC);
	REFUSED(head->e_version = 0, -ENOEXEC);
	REFUSED(head->e_type = 1, -ENOEXEC);
	REFUSED(head->e_type = 4, -ENOEXEC);
	REFUSED(head->e_machine = 3, -ENOEXEC);
	REFUSED(head->e_phentsize = 32, -ENOEXEC);
	REFUSED(head->e_phnum = 0, -ENOEXEC);
	REFUSED(head->e_phnum = 0xffff, -ENOEXEC);
	REFUSED(head->e_phoff = ~0ull, -ENOEXEC);
	REFUSED(head->e_phoff = SIZE - 100, -ENOEXEC);
	REFUSED(head->e_entry = USER_END, -ENOMEM);
}

static void test_bad_segments(void)
{
	REFUSED(ph[0].p_type = ph[1].p_type = PT_NULL, -ENOEXEC);
	REFUSED(ph[0].p_filesz = 0x1001, -ENOEXEC);
	REFUSED(ph[0].p_offset = 8, -ENOEXEC);
	REFUSED(ph[1].p_offset = ~0ull - 0xfef, -ENOEXEC);
	REFUSED(ph[1].p_filesz = ph[1].p_memsz = 0x10000, -ENOEXEC);
	REFUSED(ph[1].p_vaddr = 0x400010, -ENOEXEC);
	REFUSED(ph[1].p_vaddr = 0x3ff010, -ENOEXEC);
	REFUSED(ph[1].p_vaddr = USER_END + 0x10, -ENOMEM);
	REFUSED(ph[1].p_vaddr = ~0ull - 0xfef, -ENOMEM);
	REFUSED(ph[1].p_memsz = ~0ull, -ENOMEM);
	REFUSED(ph[1].p_memsz = USER_END - 0x402010 + 1, -ENOMEM);
	REFUSED(ph[0].p_memsz = 0, -ENOEXEC);
}

static void test_interpreter(void)
{
	struct elf_image e;

	make();
	ph[2] = (struct elf64_phdr){ .p_type = PT_INTERP, .p_offset = 0x200, .p_filesz = 20 };
	test_equal(check(&e), 0);
	test_equal(e.interp_offset, 0x200);
	test_equal(e.interp_size, 20);
	REFUSED((ph[2].p_type = PT_INTERP, ph[2].p_filesz = 1), -ENOEXEC);
	REFUSED((ph[2].p_type = PT_INTERP, ph[2].p_filesz = 4097), -ENOEXEC);
	REFUSED((ph[2].p_type = PT_INTERP, ph[2].p_filesz = 20, ph[2].p_offset = SIZE - 10), -ENOEXEC);
	REFUSED((ph[1] = ph[2] = (struct elf64_phdr){ .p_type = PT_INTERP, .p_filesz = 20 }), -ENOEXEC);
}

static void test_harmless_oddities(void)
{
	struct elf_image e;

	make();
	ph[1].p_align = 3;		/* not a power of two: ignored */
	ph[2].p_flags |= PF_X;
	test_equal(check(&e), 0);
	test_equal(e.align, 4096);
	test_check(e.stack_exec);
	make();
	ph[0].p_filesz = 0x80;		/* headers not inside any segment */
	test_equal(check(&e), 0);
	test_equal(e.phdr_vaddr, 0);
}

/* Any single corrupted byte of the headers gives a documented answer. */
static void test_every_byte_flipped(void)
{
	for (size_t i = 0; i < 64 + 3 * 56; i++)
		for (unsigned v = 0; v < 256; v += 51) {
			struct elf_image e;
			int err;

			make();
			file[i] = (u8)v;
			err = check(&e);
			test_check(err == 0 || err == -ENOEXEC || err == -ENOMEM);
			test_check(err || (e.low < e.high && e.high <= USER_END));
		}
}

const struct test_suite test_suite_elf = {
	"elf",
	(const struct test_case[]){
		TEST_CASE(test_good),
		TEST_CASE(test_bad_headers),
		TEST_CASE(test_bad_segments),
		TEST_CASE(test_interpreter),
		TEST_CASE(test_harmless_oddities),
		TEST_CASE(test_every_byte_flipped),
		{},
	},
};
