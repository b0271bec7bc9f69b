/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that send signals (sigio.c), for fcntl and ioctl. What every write has to do for them is in <kernel/fs.h>. */
#ifndef FS_EVENT_SIGIO_H
#define FS_EVENT_SIGIO_H

#include <kernel/fs.h>

void sigio_init(void);
/* O_ASYNC on or off; fd goes into the signal's details. 0, -ENOTTY the file never wakes anybody, -ENOMEM. */
int sigio_set_async(struct file *f, int fd, bool on);
/* type F_OWNER_*; id 0: nobody. 0, -ESRCH, -EINVAL, -ENOMEM. */
int sigio_set_owner(struct file *f, int type, s32 id);
void sigio_get_owner(struct file *f, int *type, s32 *id);
int sigio_set_signal(struct file *f, s32 sig);	/* 0: SIGIO. -EINVAL, -ENOMEM */
s32 sigio_get_signal(struct file *f);
void sigio_file_gone(struct file *f);		/* last reference of a file with an owner */

#endif
