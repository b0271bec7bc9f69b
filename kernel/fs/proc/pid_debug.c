/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What debuggers read in /proc/PID: mem, the memory itself by address, bound to the program that ran when it was
 * opened; syscall, where a sleeping thread is; personality. All need the right to trace.
 */
#include <arch/user.h>
#include <kernel/aspace.h>
#include <kernel/process.h>
#include <kernel/usercopy.h>
#include "virtual.h"

static int mem_open(struct inode *inode, struct file *file)
{
	struct process *p = pid_process(inode);
	int err;

	if (!p)
		return -ESRCH;
	err = process_access(p, NULL, ACCESS_ATTACH) ? -EACCES : 0;
	if (!err)
		file->private = process_aspace_get(p);	/* NULL: it has none any more */
	process_put(p);
	return err;
}

static void mem_release(struct file *file)
{
	if (file->private)
		aspace_put(file->private);
}

/* The pages one by one; bytes, or -EIO where nothing can be had. */
static ssize_t mem_transfer(struct file *file, struct uio *u, off_t *pos, bool write)
{
	struct aspace *as = file->private;
	ssize_t done = 0;
	char *page;

	if (!as || !ref_get_not_zero(&as->users))	/* nobody runs in it any more */
		return 0;
	page = kmalloc(PAGE_SIZE, 0);
	if (!page) {
		aspace_put_user(as);
		return -ENOMEM;
	}
	while (u->count && !signal_fatal_pending(current)) {
		vaddr_t at = (vaddr_t)*pos;
		size_t n = min(u->count, (size_t)(PAGE_SIZE - at % PAGE_SIZE)), moved;

		if (write) {
			moved = uio_copy_in(u, page, n);
			if (moved < n) {
				done = done ? done : -EFAULT;
				break;
			}
		}
		moved = aspace_access_forced(as, at, page, n, write);
		if (!moved) {
			done = done ? done : -EIO;
			break;
		}
		if (!write && uio_copy_out(u, page, moved) < moved) {
			done = done ? done : -EFAULT;
			break;
		}
		*pos += (off_t)moved;
		done += (ssize_t)moved;
	}
	kfree(page);
	aspace_put_user(as);
	return done;
}

static ssize_t mem_read(struct file *file, struct uio *to, off_t *pos) { return mem_transfer(file, to, pos, false); }
static ssize_t mem_write(struct file *file, struct uio *from, off_t *pos) { return mem_transfer(file, from, pos, true); }

static off_t mem_seek(struct file *file, off_t off, int whence)
{
	if (whence > 1)
		return -EINVAL;
	return file->pos = whence ? file->pos + off : off;
}

const struct file_ops pid_memory_fops = {
	.open = mem_open, .release = mem_release, .read = mem_read, .write = mem_write, .seek = mem_seek,
};

int pid_syscall_show(struct text *t, struct process *p, struct thread *th)
{
	const struct arch_regs *regs = arch_user_regs(th);
	u64 nr, args[6];

	if (process_access(p, th, ACCESS_ATTACH))
		return -EPERM;
	if (th->exiting || (th != current && atomic_load(&th->state) == THREAD_RUNNABLE)) {
		text_printf(t, "running\n");
		return 0;
	}
	if (arch_user_in_call(regs)) {
		arch_user_get_call(regs, &nr, args);
		text_printf(t, "%lld", (long long)nr);
		for (unsigned i = 0; i < ARRAY_LEN(args); i++)
			text_printf(t, " 0x%llx", (unsigned long long)args[i]);
	} else {
		text_printf(t, "-1");
	}
	text_printf(t, " 0x%llx 0x%llx\n", (unsigned long long)arch_regs_sp(regs), (unsigned long long)arch_regs_pc(regs));
	return 0;
}

int pid_personality_show(struct text *t, struct process *p, struct thread *th)
{
	if (process_access(p, th, ACCESS_ATTACH))
		return -EPERM;
	text_printf(t, "%08x\n", p->personality);
	return 0;
}
