/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry points of the boot steps in kernel/main.c that no other header declares. */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <lib/types.h>

/* kernel/fs: caches, the rootfs (tmpfs) mounted as /, devtmpfs with the memory devices. */
void fs_init(void);
/* kernel/fs: registers /proc and /sys files of every subsystem, bootchart_register included. */
void virtual_files_init(void);
/* kernel/fs/initramfs: unpacks boot_info's initrd into the rootfs and gives its memory back; a bad archive is one log line. */
void initramfs_unpack(void);
/* rdinit= or /init exists in the rootfs. */
bool initramfs_has_init(void);
/* root= rootfstype= rootflags= rootwait ro rw: mounts the disk, makes it /, devtmpfs on /dev. Panics with the reason. */
void fs_mount_root(void);
/* kernel/proc: pid table, caches, the init process's group and credentials. */
void process_init_tables(void);
/* kernel/fs/ext4: makes the file system known. */
void ext4_register(void);
/* kernel/bootchart.c */
int bootchart_register(void);

#endif
