/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of exec share: the argument strings and the plan of a new image. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "elf.h"
#include <kernel/process.h>

#define EXEC_STRING_MAX (128u << 10)	/* one argument, as Linux's MAX_ARG_STRLEN */
#define EXEC_PAGES_MAX 1536		/* 6 MiB of strings at most, as Linux */
#define EXEC_SCRIPT_DEPTH 4
#define EXEC_FRONT_MAX (3 * EXEC_SCRIPT_DEPTH)

/*
 * Argument strings, one behind the other with their NULs: argv then envp, in kernel pages. #! lines put
 * strings in front of argv and take its first one away: front[] holds them, last one first.
 */
struct exec_args {
	struct page **pages;
	u32 nr_pages;
	u64 size;		/* bytes used in pages */
	u64 limit;
	u32 argc, envc;		/* strings in pages */
	u64 env_start;		/* offset of the first environment string */
	u32 skip_argc;		/* strings at the start that no longer count: 0 or 1 */
	u64 skip_bytes;
	char *front[EXEC_FRONT_MAX];
	u32 nr_front;
};
int exec_args_init(struct exec_args *a);
void exec_args_free(struct exec_args *a);
/* User vectors (argv, envp; NULL counts as empty). -E2BIG, -EFAULT, -ENOMEM. */
int exec_args_read(struct exec_args *a, const u64 __user *argv, const u64 __user *envp);
int exec_args_add(struct exec_args *a, const char *text);	/* a kernel string; args before environment */
void exec_args_end_argv(struct exec_args *a);			/* what comes now is environment */
int exec_args_push_front(struct exec_args *a, const char *text);
void exec_args_drop_first(struct exec_args *a);

/* One ELF file, opened and checked. */
struct exec_file {
	struct file *file;
	bool denied;		/* writers are kept out */
	u8 *phdrs;
	u32 nr_phdrs;
	struct elf_image image;
};
/* The file's first bytes decide between ELF and script. */
#define EXEC_HEAD 256
int exec_file_check(struct exec_file *f, const u8 *head, size_t n, u64 file_size);
void exec_file_free(struct exec_file *f);

/* All the chance one exec needs, drawn at once. */
struct exec_random {
	u64 stack, mmap, program, brk, colour;
	u8 seed[16];		/* AT_RANDOM */
};
/* A number below n from 64 random bits. */
static inline u64 exec_random_below(u64 bits, u64 n) { return (u64)((unsigned __int128)bits * n >> 64); }

struct exec_layout {
	struct aspace *as;
	u64 bias;		/* of the program */
	u64 interp_base;	/* 0: none */
	u64 entry;		/* first instruction */
	u64 random_pages;	/* how far addresses vary; 0: fixed */
	struct exec_random random;
	bool stack_exec;
};
/* Maps program and interpreter into as; sets code, data, brk. load.c */
int exec_load(struct exec_layout *l, struct exec_file *program, struct exec_file *interp);
struct exec_ids {
	uid_t uid, euid;
	gid_t gid, egid;
	bool secure;
};
/* Maps the stack and sets the base of the mmap area: before exec_load. stack.c */
int exec_stack_map(struct exec_layout *l, const struct exec_args *a, const char *path);
/* Strings, vectors and auxv on the new stack; *sp is the first stack pointer. stack.c */
int exec_stack(struct exec_layout *l, struct exec_args *a, const struct exec_file *program,
	       const char *path, const struct exec_ids *ids, u64 *sp);

#endif
