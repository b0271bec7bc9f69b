/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs (kernel/ipc/pipe.c) as the file layer sees them. */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H

#include <kernel/fs.h>

extern const struct file_ops fifo_file_ops;	/* what opening a FIFO installs */
void pipe_free(struct pipe *p);			/* with the inode */
/* Both ends of a new pipe: files[0] reads, files[1] writes. flags: O_NONBLOCK. 0, -ENOMEM, -ENFILE. */
int pipe_create(struct file *files[2], u32 flags);
bool file_is_pipe(const struct file *f);
int pipe_set_size(struct file *f, u64 size);	/* the new size; -EBUSY, -EPERM, -EINVAL, -ENOMEM */
int pipe_get_size(struct file *f);
/* proc(5): pipe-max-size in bytes, a power of two from PAGE_SIZE; pipe-user-pages-*, 0 no limit. Plain words. */
extern u64 pipe_max_size, pipe_user_pages_soft, pipe_user_pages_hard;
int pipe_set_max_size(u64 bytes);	/* rounded up; -EINVAL */

#endif
