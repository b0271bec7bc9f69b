/* SPDX-License-Identifier: BSD-2-Clause */
/* Checking ELF files: pure functions over bytes, for exec and for fuzzers. */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include <uapi/elf.h>

#define ELF_PHDRS_MAX 256	/* programs have about a dozen */

struct elf_limits {
	u64 file_size;
	u64 user_end;		/* first address that is not the user's */
	u16 machine;
};
/* What exec wants to know of a checked file. */
struct elf_image {
	u16 type;		/* ET_EXEC or ET_DYN */
	u64 entry;
	u64 low, high;		/* page-aligned span of all PT_LOADs */
	u64 align;		/* largest p_align, a power of two >= 4096 */
	u64 phdr_vaddr;		/* where the program headers are in memory; 0: nowhere */
	u64 interp_offset;
	u32 interp_size;	/* with NUL; 0: none */
	bool stack_exec;	/* PT_GNU_STACK asks for an executable stack; absent: no, as on Linux for 64-bit programs */
	u32 loads;
};

/*
 * Header of n bytes. *phdrs_offset and *nr_phdrs tell where the program headers are, inside the
 * file. 0 or -ENOEXEC.
 */
int elf_check_header(const u8 *data, size_t n, const struct elf_limits *l, u64 *phdrs_offset, u32 *nr_phdrs);
/* The program headers (nr * 56 bytes, any alignment) of a file whose checked header is data. 0, -ENOEXEC, -ENOMEM (does not fit the address space). */
int elf_check_phdrs(const u8 *data, const u8 *phdrs, u32 nr, const struct elf_limits *l, struct elf_image *out);
/* Both over a whole file in memory, as fuzzers want it. */
int elf_check(const u8 *data, size_t n, const struct elf_limits *l, struct elf_image *out);
struct elf64_phdr elf_phdr(const u8 *phdrs, u32 i);

#endif
