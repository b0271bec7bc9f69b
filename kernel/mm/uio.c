/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One iterator over user and kernel ranges, so that files, pipes and devices have one read and one
 * write path. Nothing here holds a lock; copies may fault and sleep.
 */
#include <kernel/mm.h>
#include <kernel/usercopy.h>
#include <lib/string.h>

#define IOV_COUNT_MAX 1024	/* UIO_MAXIOV */

void uio_init_iov(struct uio *u, const struct iovec_kernel *iov, u32 nr, bool is_user)
{
	u->iov = iov;
	u->nr_iov = nr;
	u->is_user = is_user;
	u->rw_flags = 0;
	u->offset = 0;
	u->count = 0;
	for (u32 i = 0; i < nr; i++)
		u->count += iov[i].len;
}

void uio_init_kernel(struct uio *u, void *buf, size_t len)
{
	u->single = (struct iovec_kernel){ buf, len };
	uio_init_iov(u, &u->single, 1, false);
}

void uio_advance(struct uio *u, size_t n)
{
	n = min(n, u->count);
	u->count -= n;
	u->offset += n;
	while (u->nr_iov && u->offset >= u->iov->len) {
		u->offset -= u->iov->len;
		u->iov++;
		u->nr_iov--;
	}
}

enum uio_move { UIO_OUT, UIO_IN, UIO_ZERO };

/* Bytes not moved. */
static __always_inline size_t move_user(enum uio_move how, char *user, char *kernel, size_t n)
{
	if (!user_range_ok((void __user *)user, n))
		return n;
	if (how != UIO_ZERO)
		usercopy_check((vaddr_t)kernel, n);
	switch (how) {
	case UIO_OUT:
		return arch_copy_to_user((void __user *)user, kernel, n);
	case UIO_IN:
		return arch_copy_from_user(kernel, (const void __user *)user, n);
	default:
		return arch_clear_user((void __user *)user, n);
	}
}

static void move_kernel(enum uio_move how, char *to, char *kernel, size_t n)
{
	if (how == UIO_OUT)
		memcpy(to, kernel, n);
	else if (how == UIO_IN)
		memcpy(kernel, to, n);
	else
		memset(to, 0, n);
}

static __noinline size_t move_pieces(struct uio *u, enum uio_move how, char *kernel, size_t n)
{
	size_t done = 0;

	n = min(n, u->count);
	while (done < n) {
		char *at = (char *)u->iov->base + u->offset;
		size_t len = min(n - done, u->iov->len - u->offset), left = 0;

		if (len && u->is_user)
			left = move_user(how, at, kernel ? kernel + done : NULL, len);
		else if (len)
			move_kernel(how, at, kernel ? kernel + done : NULL, len);
		uio_advance(u, len - left);
		done += len - left;
		if (left)
			break;
	}
	return done;
}

/* Mostly all of it lies in one piece of the program's memory. */
static __always_inline size_t uio_move(struct uio *u, enum uio_move how, char *kernel, size_t n)
{
	const struct iovec_kernel *v = u->iov;
	size_t left;

	n = min(n, u->count);
	/* Less than the whole piece, or the last one: which then stays the current one. */
	if (unlikely(!u->is_user || !u->nr_iov || n > v->len - u->offset || (u->nr_iov > 1 && n == v->len - u->offset)))
		return move_pieces(u, how, kernel, n);
	left = n ? move_user(how, (char *)v->base + u->offset, kernel, n) : 0;
	u->count -= n - left;
	u->offset += n - left;
	return n - left;
}

size_t uio_copy_out(struct uio *u, const void *src, size_t n) { return uio_move(u, UIO_OUT, (char *)src, n); }
size_t uio_copy_in(struct uio *u, void *dst, size_t n) { return uio_move(u, UIO_IN, dst, n); }
size_t uio_zero_out(struct uio *u, size_t n) { return uio_move(u, UIO_ZERO, NULL, n); }

static int touch(char *at, bool for_write)
{
	u8 byte;
	int err = copy_from_user(&byte, (const void __user *)at, 1);

	/* Writing back what was read could undo another thread's store: a compare of 32 bits does not. */
	if (!err && for_write) {
		u32 __user *word = (u32 __user *)align_down((vaddr_t)at, 4);
		u32 value, prev;

		err = arch_user_load32(word, &value);
		if (!err)
			err = arch_user_cmpxchg32(word, value, value, &prev);
	}
	return err;
}

int uio_fault_in(struct uio *u, size_t n, bool for_write)
{
	size_t offset = u->offset;

	if (!u->is_user)
		return 0;
	n = min(n, u->count);
	for (u32 i = 0; i < u->nr_iov && n; i++, offset = 0) {
		char *base = (char *)u->iov[i].base + offset;
		size_t len = min(n, u->iov[i].len - offset);

		if (!len)
			continue;
		if (!user_range_ok((void __user *)base, len))
			return -EFAULT;
		for (char *at = base; at < base + len;
		     at = (char *)align_down((vaddr_t)at, PAGE_SIZE) + PAGE_SIZE)
			if (touch(at, for_write))
				return -EFAULT;
		n -= len;
	}
	return 0;
}

/* The sum may not pass what a call can return. */
static ssize_t check_lengths(const struct iovec_kernel *iov, u64 nr, bool is_mine)
{
	u64 sum = 0;

	for (u64 i = 0; i < nr; i++) {
		if (iov[i].len > (u64)S64_MAX - sum)
			return -EINVAL;
		sum += iov[i].len;
		if (is_mine && !user_range_ok((void __user *)iov[i].base, iov[i].len))
			return -EFAULT;
	}
	return (ssize_t)sum;
}

static ssize_t import(const void __user *uvec, u64 nr, struct iovec_kernel *fast, u32 fast_n,
		      struct iovec_kernel **iov, bool is_mine)
{
	struct iovec_kernel *v = fast;
	ssize_t total;

	*iov = fast;
	if (nr > IOV_COUNT_MAX)
		return -EINVAL;
	if (nr > fast_n) {
		v = kmalloc(nr * sizeof(*v), 0);
		if (!v)
			return -ENOMEM;
	}
	/* struct iovec of the ABI has the same two 64-bit words. */
	total = copy_from_user(v, uvec, nr * sizeof(*v)) ? -EFAULT : check_lengths(v, nr, is_mine);
	if (total < 0 && v != fast)
		kfree(v);
	else
		*iov = v;
	return total;
}

ssize_t iov_import(const void __user *uvec, u64 nr, struct iovec_kernel *fast, u32 fast_n,
		   struct iovec_kernel **iov)
{
	return import(uvec, nr, fast, fast_n, iov, true);
}

ssize_t iov_import_unchecked(const void __user *uvec, u64 nr, struct iovec_kernel *fast, u32 fast_n,
			     struct iovec_kernel **iov)
{
	return import(uvec, nr, fast, fast_n, iov, false);
}
