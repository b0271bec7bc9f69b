/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The initial RAM disk: a "newc" cpio archive with one small ELF file per simulated program. Its text page
 * holds at the entry point a word that says which program it is; the machine fetches that word through
 * page table and TLB before it runs the host function (user.c).
 */
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/elf.h>
#include <uapi/native.h>
#include "sim.h"
#include "program.h"

#define PAGE 4096u
#define FILE_SIZE (2 * PAGE)		/* headers, text */
#define S_REGULAR 0100755
#define S_DIRECTORY 040755

static u8 *out, *limit;
static unsigned inode;

static void emit(const void *data, size_t n)
{
	if (out + n + 4 > limit)
		sim_fail("the initial RAM disk does not fit");
	memcpy(out, data, n);
	out += n;
}

static void pad(void)
{
	static const u8 zero[4];

	emit(zero, -(size_t)out & 3);
}

static void entry(const char *name, unsigned mode, const void *data, size_t n)
{
	char head[111];

	snprintf(head, sizeof(head), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ++inode, mode, 0, 0, 1,
		 0, (unsigned)n, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
	emit(head, 110);
	emit(name, strlen(name) + 1);
	pad();
	emit(data, n);
	pad();
}

static void program(const char *name, unsigned index)
{
	static u8 file[FILE_SIZE];
	struct elf64_header h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
		.e_machine = ARCH_ELF_MACHINE, .e_version = EV_CURRENT, .e_entry = SIM_PROGRAM_TEXT + PAGE,
		.e_phoff = sizeof(h), .e_ehsize = sizeof(h), .e_phentsize = sizeof(struct elf64_phdr), .e_phnum = 2,
	};
	struct elf64_phdr ph[2] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = SIM_PROGRAM_TEXT, .p_filesz = FILE_SIZE,
		  .p_memsz = FILE_SIZE, .p_align = PAGE },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = SIM_USER_DATA, .p_memsz = SIM_USER_DATA_SIZE,
		  .p_align = PAGE },
	};
	u64 word = SIM_PROGRAM_MAGIC | index;

	memset(file, 0, sizeof(file));
	memcpy(file, &h, sizeof(h));
	memcpy(file + sizeof(h), ph, sizeof(ph));
	memcpy(file + PAGE, &word, sizeof(word));
	entry(name, S_REGULAR, file, sizeof(file));
}

size_t sim_initrd(void *at, size_t room)
{
	char name[32];

	out = at;
	limit = out + room;
	inode = 0;
	entry("bin", S_DIRECTORY, "", 0);
	entry("mnt", S_DIRECTORY, "", 0);
	entry("tmp", S_DIRECTORY, "", 0);
	for (unsigned i = 0; i < sim_nr_programs; i++) {
		snprintf(name, sizeof(name), i ? "bin/%s" : "%s", sim_programs[i].name);
		program(name, i);
	}
	entry("TRAILER!!!", 0, "", 0);
	return (size_t)(out - (u8 *)at);
}
