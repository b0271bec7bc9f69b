/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping checked ELF files into a new address space. Nobody else sees the space yet: an error just
 * throws it away. Nothing is copied: text and data are private mappings of the file.
 */
#include "exec.h"
#include <kernel/aspace.h>
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/mman.h>
#include <uapi/native.h>

#define BRK_RANDOM_PAGES 0x2000		/* 32 MiB, as Linux */

int exec_file_check(struct exec_file *f, const u8 *head, size_t n, u64 file_size)
{
	struct elf_limits l = { .file_size = file_size, .user_end = arch_layout.user_end, .machine = ARCH_ELF_MACHINE };
	size_t bytes;
	ssize_t got;
	u64 offset;
	int err = elf_check_header(head, n, &l, &offset, &f->nr_phdrs);

	if (err)
		return err;
	bytes = f->nr_phdrs * sizeof(struct elf64_phdr);
	f->phdrs = kmalloc(bytes, 0);
	if (!f->phdrs)
		return -ENOMEM;
	got = file_read_kernel(f->file, f->phdrs, bytes, (off_t)offset);
	if (got < 0)
		return (int)got;
	if ((size_t)got != bytes)
		return -ENOEXEC;
	return elf_check_phdrs(head, f->phdrs, f->nr_phdrs, &l, &f->image);
}

void exec_file_free(struct exec_file *f)
{
	if (f->denied)
		inode_allow_write(f->file->inode);
	if (f->file)
		file_put(f->file);
	kfree(f->phdrs);
	memset(f, 0, sizeof(*f));
}

static u32 prot_of(u32 p_flags)
{
	return ((p_flags & PF_R) ? PROT_READ : 0) | ((p_flags & PF_W) ? PROT_WRITE : 0) |
	       ((p_flags & PF_X) ? PROT_EXEC : 0);
}

/* Zeroes what of the last file page lies behind the file's part. */
static int zero_tail(struct aspace *as, vaddr_t from)
{
	size_t n = align_up(from, PAGE_SIZE) - from;

	return aspace_clear(as, from, n) == n ? 0 : -ENOMEM;
}

static int map_segment(struct aspace *as, struct file *file, const struct elf64_phdr *ph, u64 bias)
{
	vaddr_t start = ph->p_vaddr + bias, file_end = start + ph->p_filesz, end = start + ph->p_memsz;
	vaddr_t page = align_down(start, PAGE_SIZE), zero_page = align_up(file_end, PAGE_SIZE);
	u32 prot = prot_of(ph->p_flags);
	s64 at;
	int err;

	if (ph->p_filesz) {
		at = aspace_mmap(as, page, file_end - page, prot, MAP_PRIVATE | MAP_FIXED, file,
				 align_down(ph->p_offset, PAGE_SIZE));
		if (at < 0)
			return (int)at;
		if (end > file_end && (ph->p_flags & PF_W)) {
			err = zero_tail(as, file_end);
			if (err)
				return err;
		}
	} else {
		zero_page = page;
	}
	if (align_up(end, PAGE_SIZE) <= zero_page)
		return 0;
	at = aspace_mmap(as, zero_page, align_up(end, PAGE_SIZE) - zero_page, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
	return at < 0 ? (int)at : 0;
}

static int map_all(struct aspace *as, struct exec_file *f, u64 bias)
{
	for (u32 i = 0; i < f->nr_phdrs; i++) {
		struct elf64_phdr ph = elf_phdr(f->phdrs, i);
		int err;

		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		err = map_segment(as, f->file, &ph, bias);
		if (err)
			return err;
	}
	return 0;
}

/* Where the kernel's own marks of the program are, for /proc and brk. */
static void note_segments(struct aspace *as, const struct exec_file *f, u64 bias)
{
	for (u32 i = 0; i < f->nr_phdrs; i++) {
		struct elf64_phdr ph = elf_phdr(f->phdrs, i);
		vaddr_t start = ph.p_vaddr + bias, end = start + ph.p_filesz;

		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		if (ph.p_flags & PF_X) {
			if (!as->code_start || start < as->code_start)
				as->code_start = start;
			as->code_end = max(as->code_end, end);
		}
		if (start >= as->data_start) {
			as->data_start = start;
			as->data_end = max(as->data_end, end);
		}
	}
}

/* A place for a position-independent file; span is reserved. Base or -errno. */
static s64 reserve(struct aspace *as, vaddr_t hint, u64 span, u64 align)
{
	u64 slack = align > PAGE_SIZE ? align : 0;
	s64 at = aspace_mmap(as, hint, span + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	vaddr_t base;
	int err = 0;

	if (at < 0 || !slack)
		return at;
	base = align_up((vaddr_t)at, align);
	if (base > (vaddr_t)at)
		err = aspace_munmap(as, (vaddr_t)at, base - (vaddr_t)at);
	if (!err && base < (vaddr_t)at + slack)
		err = aspace_munmap(as, base + span, (vaddr_t)at + slack - base);
	return err ? err : (s64)base;
}

static int place_program(struct exec_layout *l, struct exec_file *f, bool has_interp)
{
	const struct elf_image *e = &f->image;
	u64 hint;
	s64 at;

	if (e->type == ET_EXEC)
		return 0;
	/* As Linux: a program with interpreter at two thirds; a static one in the mmap area. */
	hint = align_down(arch_layout.user_end / 3 * 2 + (l->random_pages ? exec_random_below(l->random.program, l->random_pages) * PAGE_SIZE : 0),
			  max(e->align, PAGE_SIZE));
	at = reserve(l->as, has_interp ? hint : 0, e->high - e->low, e->align);
	if (at < 0)
		return (int)at;
	l->bias = (u64)at - e->low;
	return 0;
}

static int load_interp(struct exec_layout *l, struct exec_file *f)
{
	const struct elf_image *e = &f->image;
	s64 at = 0;
	u64 bias = 0;

	if (e->type == ET_DYN) {
		at = reserve(l->as, 0, e->high - e->low, e->align);
		if (at < 0)
			return (int)at;
		bias = (u64)at - e->low;
	}
	l->interp_base = bias + e->low;
	l->entry = e->entry + bias;
	return map_all(l->as, f, bias);
}

int exec_load(struct exec_layout *l, struct exec_file *program, struct exec_file *interp)
{
	struct aspace *as = l->as;
	int err = place_program(l, program, interp != NULL);

	if (!err)
		err = map_all(as, program, l->bias);
	if (err)
		return err;
	note_segments(as, program, l->bias);
	as->brk_start = program->image.high + l->bias;
	if (l->random_pages && READ_ONCE(vm_settings.randomize_va_space) > 1)
		as->brk_start += exec_random_below(l->random.brk, BRK_RANDOM_PAGES) * PAGE_SIZE;
	as->brk = as->brk_start;
	l->entry = program->image.entry + l->bias;
	return interp ? load_interp(l, interp) : 0;
}
