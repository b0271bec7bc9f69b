/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Initial file trees: cpio archives, plain and gzip, unpacked by a child whose root is a tmpfs of its own,
 * which goes with everything in it. The unpacker is compiled in here over that root.
 */
#include "../../kernel/fs/vfs.h"
#include "../../kernel/fs/initramfs/cpio.h"
#include <kernel/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/string.h>
#include <native/sim.h>
#include <zlib.h>
#include "../sim/calls.h"
#include "fuzz.h"

#define NR_CHROOT 161

static struct path root;

#define fs_root root
#define initramfs_unpack fuzz_unpack
#define initramfs_has_init fuzz_has_init
void initramfs_unpack(void);
bool initramfs_has_init(void);
#include "../../kernel/fs/initramfs/unpack.c"
#undef fs_root

static struct { const u8 *data; size_t size; } input;

static void unpack(void *unused)
{
	static struct unpacker u;

	memset(&u, 0, sizeof(u));
	fuzz_check(!path_lookup(&fs_root, "/", LOOKUP_FOLLOW, &root));
	unpack_all(&u, input.data, input.size);
	path_put(&root);
}

static void child(u64 unused)
{
	fuzz_check(!CALL1(chdir, put_string(SHARED, "/mnt")));
	fuzz_check(!sim_call(NR_CHROOT, put_string(SHARED, "/mnt"), 0, 0, 0, 0, 0));
	sim_in_kernel(unpack, NULL);
}

static void run(const u8 *data, size_t size)
{
	u64 dir = put_string(SHARED, "/mnt"), type = put_string(SHARED + 0x100, "tmpfs");

	input.data = data;
	input.size = size;
	fuzz_check(!sim_call(NR_mount, type, dir, type, 0, 0, 0));
	spawn(child, 0);
	wait_child(-1, NULL);
	fuzz_check(!CALL2(umount2, put_string(SHARED, "/mnt"), 0));
}

const struct fuzz_target fuzz_cpio = { .name = "cpio", .run = run };
