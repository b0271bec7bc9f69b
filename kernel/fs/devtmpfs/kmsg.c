/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kmsg: each read gives one record of the kernel log, "level,sequence,microseconds,-;text"; a
 * write makes one.
 */
#include "../vfs.h"
#include <kernel/log.h>
#include <kernel/signal.h>
#include <kernel/time.h>

#define RECORD_MAX 1024

struct reader {
	struct mutex lock;
	u64 seq;
};

static int kmsg_open(struct inode *inode, struct file *f)
{
	struct reader *r = kzalloc(sizeof(*r), 0);

	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, "kmsg", LOCK_PIPE);
	r->seq = log_seq_first();
	f->private = r;
	return 0;
}

static void kmsg_release(struct file *f) { kfree(f->private); }

/* "<6>[    1.234567] text\n" as log_read gives it becomes "6,seq,1234567,-;text\n". Length. */
static int convert(const char *in, u64 seq, char *out, size_t size)
{
	u64 level = 6, sec = 0, usec = 0;
	const char *p = in, *end;

	if (*p == '<' && !parse_u64_prefix(p + 1, 10, &level, &end) && *end == '>')
		p = end + 1;
	if (*p == '[') {
		const char *close = strchr(p, ']');
		const char *s = p + 1;

		while (*s == ' ')
			s++;
		if (close && !parse_u64_prefix(s, 10, &sec, &end) && *end == '.' && !parse_u64_prefix(end + 1, 10, &usec, &end))
			p = close[1] == ' ' ? close + 2 : close + 1;
	}
	return scnprintf(out, size, "%llu,%llu,%llu,-;%s", (unsigned long long)level, (unsigned long long)seq,
			 (unsigned long long)(sec * 1000000 + usec), p);
}

static ssize_t kmsg_read(struct file *f, struct uio *to, off_t *pos)
{
	struct reader *r = f->private;
	char *buf = kmalloc(2 * RECORD_MAX, 0), *out;
	ssize_t n = 0;
	size_t got;
	u64 seq;

	if (!buf)
		return -ENOMEM;
	out = buf + RECORD_MAX;
	while (1) {
		mutex_lock(&r->lock);
		seq = max(r->seq, log_seq_first());
		r->seq = seq;
		/* log_read gives one record a call. */
		got = log_read(&r->seq, buf, RECORD_MAX - 1);
		mutex_unlock(&r->lock);
		if (got) {
			buf[got] = 0;
			n = convert(buf, seq, out, RECORD_MAX);
			n = (size_t)n > to->count ? -EINVAL : uio_copy_out(to, out, (size_t)n) < (size_t)n ? -EFAULT : n;
			break;
		}
		if (f->flags & O_NONBLOCK) {
			n = -EAGAIN;
			break;
		}
		if (log_wait(seq)) {
			n = -ERESTARTSYS;
			break;
		}
	}
	kfree(buf);
	return n;
}

static ssize_t kmsg_write(struct file *f, struct uio *from, off_t *pos)
{
	char buf[512];
	const char *text = buf, *end;
	u64 level = LOG_NOTICE;
	size_t n = min(from->count, sizeof(buf) - 1), all = from->count, got = uio_copy_in(from, buf, n);

	if (got < n)
		return -EFAULT;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	if (buf[0] == '<' && !parse_u64_prefix(buf + 1, 10, &level, &end) && *end == '>')
		text = end + 1;
	log_write((enum log_level)(level & 7), "%s", text);
	return (ssize_t)all;
}

static off_t kmsg_seek(struct file *f, off_t off, int whence)
{
	struct reader *r = f->private;

	if (off)
		return -ESPIPE;
	mutex_lock(&r->lock);
	r->seq = whence == SEEK_END ? log_seq_next() : log_seq_first();
	mutex_unlock(&r->lock);
	return 0;
}

static u32 kmsg_poll(struct file *f, struct poll_table *t)
{
	struct reader *r = f->private;

	poll_wait(t, f, log_readers());
	(void)log_readers();	/* the log daemon has seen us in the queue, or looks now */
	return POLLOUT | POLLWRNORM | (READ_ONCE(r->seq) < log_seq_next() ? POLLIN | POLLRDNORM : 0);
}

static const struct file_ops kmsg_ops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll,
};

void kmsg_init(void) { (void)chardev_register(MKDEV(1, 11), "mem", "kmsg", 0644, &kmsg_ops, NULL); }
