/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first stack of a program (System V ABI, "Process Initialization"): from the top the program's
 * path, environment and argument strings, random bytes and platform name, then auxv, envp, argv and argc
 * at the stack pointer. Written into a space that is not in use yet, through aspace_access.
 */
#include "exec.h"
#include <arch/cpu.h>
#include <kernel/aspace.h>
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <lib/string.h>
#include <uapi/auxv.h>
#include <uapi/mman.h>
#include <uapi/native.h>
#include <uapi/resource.h>

#define STACK_FIRST (132ull << 10)	/* mapped at once besides the strings; the rest grows */
#define STACK_RANDOM_PAGES (1u << 22)
#define AUXV_MAX 48

/* Small pieces are collected: each way into the other space costs more than the bytes. */
struct writer {
	struct aspace *as;
	vaddr_t at;		/* of what is collected */
	size_t n;
	bool failed;
	u8 pending[256];
};

static void flush(struct writer *w)
{
	if (w->n && aspace_access(w->as, w->at, w->pending, w->n, true) != w->n)
		w->failed = true;
	w->at += w->n;
	w->n = 0;
}

static void seek(struct writer *w, vaddr_t at)
{
	flush(w);
	w->at = at;
}

static void put(struct writer *w, const void *data, size_t n)
{
	if (w->n + n > sizeof(w->pending))
		flush(w);
	if (n <= sizeof(w->pending)) {
		memcpy(w->pending + w->n, data, n);
		w->n += n;
		return;
	}
	if (aspace_access(w->as, w->at, (void *)data, n, true) != n)
		w->failed = true;
	w->at += n;
}
static void put_word(struct writer *w, u64 v) { put(w, &v, sizeof(v)); }

static u64 front_bytes(const struct exec_args *a)
{
	u64 n = 0;

	for (u32 i = 0; i < a->nr_front; i++)
		n += strlen(a->front[i]) + 1;
	return n;
}

/* Bytes of the vectors: argc, two ends, the pointers. */
static u64 vector_bytes(const struct exec_args *a)
{
	return ((u64)a->nr_front + a->argc - a->skip_argc + a->envc + 3) * sizeof(u64);
}

int exec_stack_map(struct exec_layout *l, const struct exec_args *a, const char *path)
{
	struct aspace *as = l->as;
	u64 strings = front_bytes(a) + a->size + strlen(path) + vector_bytes(a);
	u64 size = align_up(strings + STACK_FIRST, PAGE_SIZE), gap = rlimit(RLIMIT_STACK);
	u32 prot = PROT_READ | PROT_WRITE | (l->stack_exec ? PROT_EXEC : 0);
	vaddr_t top = arch_layout.user_end - PAGE_SIZE;
	s64 at;

	if (l->random_pages)
		top -= exec_random_below(l->random.stack, min(l->random_pages, (u64)STACK_RANDOM_PAGES)) * PAGE_SIZE;
	as->stack_top = top;
	/* Mappings go below the room the stack may ever take: 128 MiB to five sixths, as Linux. */
	gap = clamp(gap, 128ull << 20, arch_layout.user_end / 6 * 5);
	as->mmap_base = align_down(top - gap - PAGE_SIZE, PAGE_SIZE);
	if (l->random_pages)
		as->mmap_base -= exec_random_below(l->random.mmap, l->random_pages) * PAGE_SIZE;
	at = aspace_mmap(as, top - size, size, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK, NULL, 0);
	return at < 0 ? (int)at : 0;
}

/* The strings from offset `from` to `to` of the pages. */
static void put_pages(struct writer *w, const struct exec_args *a, u64 from, u64 to)
{
	while (from < to) {
		size_t n = min(PAGE_SIZE - from % PAGE_SIZE, to - from);

		put(w, (char *)page_to_virt(a->pages[from / PAGE_SIZE]) + from % PAGE_SIZE, n);
		from += n;
	}
}

/* Writes pointers to count strings that lie one behind the other in the pages from offset on. */
static void put_pointers(struct writer *w, const struct exec_args *a, u64 offset, u32 count, vaddr_t base)
{
	bool at_start = true;

	for (u64 i = offset; count && i < a->size; i++) {
		const char *page = page_to_virt(a->pages[i / PAGE_SIZE]);

		if (at_start) {
			put_word(w, base + (i - offset));
			count--;
		}
		at_start = !page[i % PAGE_SIZE];	/* behind a NUL the next one begins */
	}
}

static u32 fill_auxv(u64 *v, const struct exec_layout *l, const struct exec_file *program,
		     const struct exec_ids *ids, u64 random_at, u64 platform_at, u64 path_at)
{
	const struct elf_image *e = &program->image;
	u32 n = 0;

#define AUX(key, value) (v[n++] = (key), v[n++] = (value))
	if (l->as->vdso)
		AUX(AT_SYSINFO_EHDR, l->as->vdso);
	AUX(AT_HWCAP, arch_hwcap());
	AUX(AT_PAGESZ, PAGE_SIZE);
	AUX(AT_CLKTCK, USER_HZ);
	AUX(AT_PHDR, e->phdr_vaddr ? e->phdr_vaddr + l->bias : 0);
	AUX(AT_PHENT, sizeof(struct elf64_phdr));
	AUX(AT_PHNUM, program->nr_phdrs);
	AUX(AT_BASE, l->interp_base);
	AUX(AT_FLAGS, 0);
	AUX(AT_ENTRY, e->entry + l->bias);
	AUX(AT_UID, ids->uid);
	AUX(AT_EUID, ids->euid);
	AUX(AT_GID, ids->gid);
	AUX(AT_EGID, ids->egid);
	AUX(AT_SECURE, ids->secure);
	AUX(AT_RANDOM, random_at);
	AUX(AT_HWCAP2, arch_hwcap2());
	AUX(AT_EXECFN, path_at);
	if (platform_at)
		AUX(AT_PLATFORM, platform_at);
	AUX(AT_MINSIGSTKSZ, ARCH_MINSIGSTKSZ);
	AUX(AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	AUX(AT_RSEQ_ALIGN, RSEQ_ALIGN);
	AUX(AT_NULL, 0);
#undef AUX
	return n;
}

int exec_stack(struct exec_layout *l, struct exec_args *a, const struct exec_file *program,
	       const char *path, const struct exec_ids *ids, u64 *sp)
{
	u32 argc = a->nr_front + a->argc - a->skip_argc, n_aux;
	u64 front = front_bytes(a), args = a->env_start - a->skip_bytes, envs = a->size - a->env_start;
	u64 vectors = vector_bytes(a), path_len = strlen(path) + 1;
	vaddr_t strings, random_at, platform_at, path_at, at;
	struct writer w = { .as = l->as };
	u64 auxv[AUXV_MAX] = {};

	path_at = l->as->stack_top - 8 - path_len;
	strings = path_at - front - args - envs;
	platform_at = align_down(strings - strlen(arch_platform) - 1, 16);
	random_at = platform_at - sizeof(l->random.seed);
	/* Cache colours: programs started alike do not all have the same stack pointer. */
	at = random_at - (l->random_pages ? exec_random_below(l->random.colour, 128) * 16 : 0);
	n_aux = fill_auxv(auxv, l, program, ids, random_at, platform_at, path_at);
	*sp = align_down(at - vectors - n_aux * sizeof(u64), 16);

	seek(&w, path_at);
	put(&w, path, path_len);
	seek(&w, platform_at);
	put(&w, arch_platform, strlen(arch_platform) + 1);
	seek(&w, random_at);
	put(&w, l->random.seed, sizeof(l->random.seed));
	memset(&l->random, 0, sizeof(l->random));
	seek(&w, strings);
	for (u32 i = a->nr_front; i-- > 0;)
		put(&w, a->front[i], strlen(a->front[i]) + 1);
	put_pages(&w, a, a->skip_bytes, a->size);

	seek(&w, *sp);
	put_word(&w, argc);
	at = strings;
	for (u32 i = a->nr_front; i-- > 0; at += strlen(a->front[i]) + 1)
		put_word(&w, at);
	put_pointers(&w, a, a->skip_bytes, a->argc - a->skip_argc, at);
	put_word(&w, 0);
	put_pointers(&w, a, a->env_start, a->envc, at + args);
	put_word(&w, 0);
	put(&w, auxv, n_aux * sizeof(u64));
	flush(&w);
	if (w.failed)
		return -ENOMEM;
	l->as->arg_start = strings;
	l->as->arg_end = l->as->env_start = at + args;
	l->as->env_end = path_at;
	memcpy(l->as->auxv, auxv, sizeof(auxv));
	return 0;
}
