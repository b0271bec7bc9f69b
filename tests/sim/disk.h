/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated disk: the machine's side (disk.c) and what its driver (drivers.c) and the workloads ask of it. */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include <lib/compiler.h>

#define DISK_LINE 1u		/* its interrupt line */
#define DISK_SLOTS 8u		/* requests in flight */
#define DISK_SEGMENTS 16u

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH };
struct disk_request {
	enum disk_op op;
	bool flush_before, stable_after;
	u64 sector;
	unsigned nr;
	struct { u64 phys; u32 len; } segment[DISK_SEGMENTS];
};

u64 disk_sectors(void);				/* 0: there is none */
/* Starts a request in that slot; the line is raised when it is done. Any CPU. */
void disk_start(unsigned slot, const struct disk_request *r);
/* Takes a finished request: its slot and status (0 or -EIO); false: none. */
bool disk_finished(unsigned *slot, int *status);

/* Faults: one request in n fails (0: none); one sector read in n has a flipped bit (0: none). */
void disk_set_faults(u64 eio_one_in, u64 flip_one_in);
u64 disk_faults(void);				/* how many there were */
/* The power goes: of what was written since the last flush any part stays, sectors may be torn. Nothing is in flight. */
void disk_power_cut(void);
/* For harnesses that never cut the power; nothing in flight. The disk is IMAGE (of its size) again; bytes of it change. */
void disk_restore(const u8 *image);
void disk_put(u64 at, const void *data, u32 n);
/* Writes the disk into a file and runs e2fsck on it: its exit status. */
int disk_check(void);

#endif
