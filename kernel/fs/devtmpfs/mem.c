/* SPDX-License-Identifier: BSD-2-Clause */
/* /dev/null, zero, full, random, urandom. */
#include "../vfs.h"
#include <kernel/aspace.h>
#include <kernel/random.h>
#include <kernel/signal.h>
#include <uapi/capability.h>

static ssize_t null_read(struct file *f, struct uio *to, off_t *pos) { return 0; }

static ssize_t null_write(struct file *f, struct uio *from, off_t *pos)
{
	ssize_t n = (ssize_t)from->count;

	uio_advance(from, from->count);
	return n;
}

static ssize_t full_write(struct file *f, struct uio *from, off_t *pos) { return from->count ? -ENOSPC : 0; }

static ssize_t zero_read(struct file *f, struct uio *to, off_t *pos)
{
	size_t want = to->count, done = 0, n;

	while (done < want) {
		size_t part = min(want - done, (size_t)65536);

		n = uio_zero_out(to, part);
		done += n;
		if (n < part)
			return done ? (ssize_t)done : -EFAULT;
		if (signal_fatal_pending(current))
			break;
	}
	return (ssize_t)done;
}

/* Private mappings are anonymous memory: no operations. A shared one is memory of its own. */
static int zero_mmap(struct file *f, struct vma *v)
{
	if (v->flags & VMA_SHARED)
		return vma_make_shared_anon(v);
	v->ops = NULL;
	return 0;
}

static off_t seek_nowhere(struct file *f, off_t off, int whence) { return f->pos = 0; }

/* Blocks until the generator is seeded; then never. */
static ssize_t give_random(struct uio *to)
{
	u8 buf[256];
	size_t done = 0, n, got;

	while (to->count) {
		n = min(to->count, sizeof(buf));
		random_bytes(buf, n);
		got = uio_copy_out(to, buf, n);
		done += got;
		if (got < n) {
			if (!done)
				return -EFAULT;
			break;
		}
		if (to->count && signal_pending(current))
			break;
	}
	memset(buf, 0, sizeof(buf));
	barrier();	/* the wipe stays */
	return (ssize_t)done;
}

static ssize_t random_read(struct file *f, struct uio *to, off_t *pos)
{
	if (!random_is_ready()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (random_wait_ready())
			return -ERESTARTSYS;
	}
	return give_random(to);
}

static ssize_t urandom_read(struct file *f, struct uio *to, off_t *pos) { return give_random(to); }

static ssize_t random_write(struct file *f, struct uio *from, off_t *pos)
{
	u8 buf[256];
	ssize_t done = 0;

	while (from->count) {
		size_t n = min(from->count, sizeof(buf)), got = uio_copy_in(from, buf, n);

		random_add("user", buf, got, 0);
		done += (ssize_t)got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .seek = seek_nowhere };
static const struct file_ops zero_ops = { .read = zero_read, .write = null_write, .seek = seek_nowhere, .mmap = zero_mmap };
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = seek_nowhere };
static const struct file_ops random_ops = { .read = random_read, .write = random_write, .seek = seek_nowhere };
static const struct file_ops urandom_ops = { .read = urandom_read, .write = random_write, .seek = seek_nowhere };

void memdev_init(void)
{
	(void)chardev_register(MKDEV(1, 3), "mem", "null", 0666, &null_ops, NULL);
	(void)chardev_register(MKDEV(1, 5), "mem", "zero", 0666, &zero_ops, NULL);
	(void)chardev_register(MKDEV(1, 7), "mem", "full", 0666, &full_ops, NULL);
	(void)chardev_register(MKDEV(1, 8), "mem", "random", 0666, &random_ops, NULL);
	(void)chardev_register(MKDEV(1, 9), "mem", "urandom", 0666, &urandom_ops, NULL);
}
