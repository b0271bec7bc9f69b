/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes and FIFOs (kernel/ipc/pipe.c) as the file layer sees them. */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H

#include <kernel/fs.h>

extern const struct file_ops fifo_file_ops;	/* what opening a FIFO installs */
void pipe_free(struct pipe *p);			/* with the inode */
/* Both ends of a new pipe: files[0] reads, files[1] writes. flags: O_NONBLOCK. 0 or -ENOMEM. */
int pipe_create(struct file *files[2], u32 flags);
bool file_is_pipe(const struct file *f);
int pipe_set_size(struct file *f, u64 size);	/* the new size; -EBUSY, -EPERM, -EINVAL, -ENOMEM */
int pipe_get_size(struct file *f);

#endif
