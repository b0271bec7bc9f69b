/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 checks (System V gABI chapter 5). Nothing of a file is believed that was not checked here: sums
 * do not wrap, contents lie inside the file, segments rise and do not overlap, addresses are the user's.
 * Pure: no globals, no allocation.
 */
#include "elf.h"
#include <lib/compiler.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define PAGE 4096ull
#define INTERP_MAX 4096u

struct elf64_phdr elf_phdr(const u8 *phdrs, u32 i)
{
	struct elf64_phdr ph;

	memcpy(&ph, phdrs + (size_t)i * sizeof(ph), sizeof(ph));
	return ph;
}

static struct elf64_header header_of(const u8 *data)
{
	struct elf64_header h;

	memcpy(&h, data, sizeof(h));
	return h;
}

/* [offset, offset + size) lies in a file of that size. */
static bool inside(u64 offset, u64 size, u64 file_size) { return offset <= file_size && size <= file_size - offset; }

int elf_check_header(const u8 *data, size_t n, const struct elf_limits *l, u64 *phdrs_offset, u32 *nr_phdrs)
{
	struct elf64_header h;

	if (n < sizeof(h) || memcmp(data, "\177ELF", 4))
		return -ENOEXEC;
	h = header_of(data);
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    h.e_ident[EI_VERSION] != EV_CURRENT || h.e_version != EV_CURRENT)
		return -ENOEXEC;
	if ((h.e_type != ET_EXEC && h.e_type != ET_DYN) || h.e_machine != l->machine)
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(struct elf64_phdr) || !h.e_phnum || h.e_phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	if (!inside(h.e_phoff, (u64)h.e_phnum * sizeof(struct elf64_phdr), l->file_size))
		return -ENOEXEC;
	*phdrs_offset = h.e_phoff;
	*nr_phdrs = h.e_phnum;
	return 0;
}

static int check_load(const struct elf64_phdr *ph, const struct elf_limits *l, struct elf_image *out)
{
	u64 end;

	if (!ph->p_memsz)
		return ph->p_filesz ? -ENOEXEC : 0;
	if (ph->p_filesz > ph->p_memsz || !inside(ph->p_offset, ph->p_filesz, l->file_size))
		return -ENOEXEC;
	if ((ph->p_vaddr ^ ph->p_offset) & (PAGE - 1))
		return -ENOEXEC;
	if (ph->p_vaddr >= l->user_end || ph->p_memsz > l->user_end - ph->p_vaddr)
		return -ENOMEM;
	end = ph->p_vaddr + ph->p_memsz;
	if (out->loads && ph->p_vaddr < out->high)	/* high: exact end so far */
		return -ENOEXEC;
	if (!out->loads)
		out->low = align_down(ph->p_vaddr, PAGE);
	if (ph->p_align > out->align && !(ph->p_align & (ph->p_align - 1)) && ph->p_align <= (1ull << 30))
		out->align = ph->p_align;
	out->high = end;
	out->loads++;
	return 0;
}

/* Linux's AT_PHDR: PT_PHDR's word for it, else the segment whose file part holds the headers. */
static void find_phdrs(const struct elf64_header *h, const u8 *phdrs, u32 nr, struct elf_image *out)
{
	u64 size = (u64)nr * sizeof(struct elf64_phdr);

	for (u32 i = 0; i < nr; i++) {
		struct elf64_phdr ph = elf_phdr(phdrs, i);

		if (ph.p_type == PT_LOAD && ph.p_memsz && h->e_phoff >= ph.p_offset && size <= ph.p_filesz &&
		    h->e_phoff - ph.p_offset <= ph.p_filesz - size)
			out->phdr_vaddr = h->e_phoff - ph.p_offset + ph.p_vaddr;
	}
}

int elf_check_phdrs(const u8 *data, const u8 *phdrs, u32 nr, const struct elf_limits *l, struct elf_image *out)
{
	struct elf64_header h = header_of(data);

	memset(out, 0, sizeof(*out));
	out->type = h.e_type;
	out->entry = h.e_entry;
	out->align = PAGE;
	out->stack_exec = false;
	for (u32 i = 0; i < nr; i++) {
		struct elf64_phdr ph = elf_phdr(phdrs, i);
		int err;

		switch (ph.p_type) {
		case PT_LOAD:
			err = check_load(&ph, l, out);
			if (err)
				return err;
			break;
		case PT_INTERP:
			if (out->interp_size || ph.p_filesz < 2 || ph.p_filesz > INTERP_MAX ||
			    !inside(ph.p_offset, ph.p_filesz, l->file_size))
				return -ENOEXEC;
			out->interp_offset = ph.p_offset;
			out->interp_size = (u32)ph.p_filesz;
			break;
		case PT_GNU_STACK:
			out->stack_exec = ph.p_flags & PF_X;
			break;
		default:
			break;
		}
	}
	if (!out->loads)
		return -ENOEXEC;
	out->high = align_up(out->high, PAGE);
	if (out->high > l->user_end || h.e_entry >= l->user_end)
		return -ENOMEM;
	find_phdrs(&h, phdrs, nr, out);
	return 0;
}

int elf_check(const u8 *data, size_t n, const struct elf_limits *l, struct elf_image *out)
{
	struct elf_limits limits = *l;
	u64 offset;
	u32 nr;
	int err;

	limits.file_size = n;
	err = elf_check_header(data, n, &limits, &offset, &nr);
	return err ? err : elf_check_phdrs(data, data + offset, nr, &limits, out);
}
