/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged ext4 file systems. An input is a list of changes to one of the images in sim.images=: byte 0 chooses it and
 * whether it is mounted for writing, then records of 8 bytes: place (4, little-endian), how many bytes (1), value
 * (3). The tree is walked and read, then worked in, and unmounted; any errno will do.
 */
#include <kernel/block.h>
#include <kernel/pagecache.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include <uapi/fcntl.h>
#include "../sim/calls.h"
#include "../sim/disk.h"
#include "fuzz.h"

#define IMAGE_SIZE (2304u << 10)	/* as ci/sim makes them; the disk is as large */
#define MOUNT_READ_ONLY 1u
#define BUF (SHARED + 0x1000)
#define NAMES_MAX 24u
#define DEPTH_MAX 3u

static const u8 *images;
static unsigned nr_images;
static unsigned names_left;

static void set_up(void)
{
	const char *path = sim_setting_text("images");
	u64 size = 0;

	fuzz_check(path);
	images = sim_host_load(path, &size);
	nr_images = (unsigned)(size / IMAGE_SIZE);
	fuzz_check(nr_images && disk_sectors() * 512 == IMAGE_SIZE);
	(void)sim_call(NR_mount, put_string(SHARED, "none"), put_string(SHARED + 0x40, "/dev"),
		       put_string(SHARED + 0x80, "devtmpfs"), 0, 0, 0);
}

static void damage(const u8 *data, size_t size)
{
	for (; size >= 8; data += 8, size -= 8) {
		u32 at = get_le32(data) % IMAGE_SIZE, n = 1 + data[4] % 3u;

		disk_put(at, data + 5, min(n, IMAGE_SIZE - at));
	}
}

static void forget(void *unused)
{
	struct block_device *dev = block_by_name("sda");

	fuzz_check(dev);
	(void)mapping_invalidate(dev->mapping, 0, U64_MAX);
}

static void look_at(const char *path, u32 type)
{
	long fd;

	(void)CALL2(lstat, put_string(SHARED, path), BUF);
	if (type == 10)
		(void)CALL3(readlink, put_string(SHARED, path), BUF, 1000);
	if (type != 8)
		return;
	fd = CALL3(open, put_string(SHARED, path), O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)CALL4(pread64, fd, BUF, 2048, 0);
	(void)CALL4(pread64, fd, BUF, 512, 12 * 1024);
	(void)CALL4(pread64, fd, BUF, 512, 300 * 1024);
	CALL1(close, fd);
}

static void walk(char *path, size_t len, unsigned depth)
{
	long fd = CALL3(open, put_string(SHARED, path), O_RDONLY | O_DIRECTORY, 0), n;

	if (fd < 0)
		return;
	while (names_left && (n = CALL3(getdents64, fd, BUF, 512)) > 0) {
		u8 part[512];

		fuzz_check(n <= 512);
		sim_copy_out(part, BUF, (size_t)n);
		for (long at = 0; at < n && names_left; at += get_le16(part + at + 16)) {
			const char *name = (const char *)part + at + 19;
			size_t name_len;

			fuzz_check(get_le16(part + at + 16) >= 24 && at + get_le16(part + at + 16) <= n);
			name_len = strlen(name);
			fuzz_check(name_len && !strchr(name, '/'));
			if (!strcmp(name, ".") || !strcmp(name, "..") || len + name_len + 2 > 200)
				continue;
			names_left--;
			path[len] = '/';
			memcpy(path + len + 1, name, name_len + 1);
			look_at(path, part[at + 18]);
			if (part[at + 18] == 4 && depth < DEPTH_MAX)
				walk(path, len + 1 + name_len, depth + 1);
			path[len] = 0;
		}
	}
	CALL1(close, fd);
}

static u64 name(u64 at, const char *text) { return put_string(at, text); }

static void work(void)
{
	long fd = CALL3(open, name(SHARED, "/mnt/new"), O_CREAT | O_RDWR, 0644);

	if (fd >= 0) {
		(void)CALL4(pwrite64, fd, BUF, 3000, 5000);
		CALL1(close, fd);
	}
	(void)CALL2(mkdir, name(SHARED, "/mnt/fresh"), 0755);
	(void)CALL2(rename, name(SHARED, "/mnt/dir"), name(SHARED + 0x100, "/mnt/fresh/dir"));
	(void)CALL2(truncate, name(SHARED, "/mnt/big"), 20000);
	(void)CALL1(unlink, name(SHARED, "/mnt/sparse"));
	(void)CALL2(link, name(SHARED, "/mnt/big"), name(SHARED + 0x100, "/mnt/fresh/dir/link"));
	(void)CALL2(symlink, name(SHARED, "some/where"), name(SHARED + 0x100, "/mnt/fresh/soft"));
	(void)CALL1(rmdir, name(SHARED, "/mnt/empty"));
	(void)CALL1(unlink, name(SHARED, "/mnt/big"));
	(void)CALL0(sync);
}

static void run(const u8 *data, size_t size)
{
	char path[256] = "/mnt";
	bool writes;

	if (!size)
		return;
	disk_restore(images + (size_t)(data[0] >> 1) % nr_images * IMAGE_SIZE);
	damage(data + 1, size - 1);
	writes = data[0] & 1;
	if (sim_call(NR_mount, name(SHARED, "/dev/sda"), name(SHARED + 0x40, "/mnt"), name(SHARED + 0x80, "ext4"),
		     writes ? 0 : MOUNT_READ_ONLY, 0, 0) == 0) {
		names_left = NAMES_MAX;
		walk(path, 4, 0);
		if (writes)
			work();
		fuzz_check(!CALL2(umount2, name(SHARED, "/mnt"), 0));
	}
	sim_in_kernel(forget, NULL);
}

const struct fuzz_target fuzz_ext4 = { .name = "ext4", .set_up = set_up, .run = run };
