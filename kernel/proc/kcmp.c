/* SPDX-License-Identifier: BSD-2-Clause */
/* kcmp(2): do two processes share a part? Answers an order that says nothing about addresses. */
#include "proc.h"
#include <kernel/aspace.h>
#include <kernel/random.h>
#include <kernel/syscall.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM, KCMP_EPOLL_TFD };

static u64 secret[2];		/* [a] made at first use: flips and an odd factor */

/* The part as a number to compare; 0: gone. err: -EBADF. */
static int part_of(struct process *p, int type, u64 index, u64 *out)
{
	struct fd_table *files;
	struct aspace *as;
	struct file *f;

	*out = 0;
	switch (type) {
	case KCMP_FILE:
		files = process_files_get(p);
		f = files && index <= 0x7fffffff ? fd_table_get(files, (int)index) : NULL;
		if (files)
			fd_table_put(files);
		*out = (u64)f;
		if (f)
			file_put(f);
		return f ? 0 : -EBADF;
	case KCMP_VM:
		as = process_aspace_get(p);
		*out = (u64)as;
		if (as)
			aspace_put(as);
		return 0;
	case KCMP_FILES:
		*out = (u64)READ_ONCE(p->files);
		return 0;
	case KCMP_FS:
		*out = (u64)READ_ONCE(p->fs);
		return 0;
	case KCMP_SIGHAND:
		*out = (u64)READ_ONCE(p->sig.actions);
		return 0;
	case KCMP_SYSVSEM:
		*out = list_empty(&p->sem_undos) ? 0 : (u64)p;
		return 0;
	default:
		return -EINVAL;
	}
}

static u64 disguise(u64 v)
{
	if (!atomic_load(&secret[1])) {
		random_bytes(&secret[0], sizeof(secret[0]));
		atomic_store(&secret[1], 0x9e3779b97f4a7c15ull ^ (secret[0] & ~1ull));
	}
	return (v ^ secret[0]) * secret[1];
}

static long compare(struct process *a, struct process *b, int type, u64 ia, u64 ib)
{
	u64 va, vb;
	int err;

	if (process_access(a, NULL, ACCESS_READ | ACCESS_REAL) || process_access(b, NULL, ACCESS_READ | ACCESS_REAL))
		return -EPERM;
	err = part_of(a, type, ia, &va);
	if (!err)
		err = part_of(b, type, ib, &vb);
	if (err || va == vb)
		return err;
	return disguise(va) < disguise(vb) ? 1 : 2;
}

long sys_kcmp(pid_t pid1, pid_t pid2, int type, u64 idx1, u64 idx2)
{
	struct thread *a = thread_find(pid1), *b = thread_find(pid2);
	long result = -ESRCH;

	if (a && b)
		result = compare(a->process, b->process, type, idx1, idx2);
	if (a)
		thread_put(a);
	if (b)
		thread_put(b);
	return result;
}
