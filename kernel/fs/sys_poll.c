/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, ppoll, select, pselect6: arguments in, results and the time left out. The waiting is poll.c's. */
#include "vfs.h"
#include "poll.h"
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/time.h>

#define FAST_FDS 16u

static int do_poll(void __user *ufds, u32 n, u64 deadline)
{
	struct pollfd fast[FAST_FDS];
	s16 before_fast[FAST_FDS], *before = before_fast;
	struct poll_call c = { .fds = fast, .nr = n };
	int r = 0;

	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > FAST_FDS) {
		c.fds = kcalloc(n, sizeof(*c.fds) + sizeof(*before), 0);
		if (!c.fds)
			return -ENOMEM;
		before = (s16 *)(c.fds + n);
	}
	if (n && copy_from_user(c.fds, ufds, n * sizeof(*c.fds)))
		r = -EFAULT;
	for (u32 i = 0; i < n; i++)
		before[i] = c.fds[i].revents;
	if (!r)
		r = poll_files(&c, deadline);
	/* Only revents may be written; where they are as they were (but for the first, which tells unwritable memory) nothing is. */
	for (u32 i = 0; r >= 0 && i < n; i++) {
		struct pollfd __user *u = (struct pollfd __user *)ufds + i;

		if (i && c.fds[i].revents == before[i])
			continue;
		if (put_user(c.fds[i].revents, &u->revents))
			r = -EFAULT;
	}
	if (c.fds != fast)
		kfree(c.fds);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

static u64 deadline_after(u64 ns)
{
	u64 now = time_ns();

	return !ns ? 0 : ns > U64_MAX - 1 - now ? U64_MAX - 1 : now + ns;
}

static int deadline_of(const struct timespec64 *t, u64 *deadline)
{
	if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec > 999999999)
		return -EINVAL;
	*deadline = t->tv_sec > 9000000000 ? U64_MAX - 1 : deadline_after((u64)t->tv_sec * NSEC_PER_SEC + (u64)t->tv_nsec);
	return 0;
}

static struct timespec64 time_left(u64 deadline)
{
	u64 now = time_ns(), left = deadline > now ? deadline - now : 0;

	return (struct timespec64){ (s64)(left / NSEC_PER_SEC), (s64)(left % NSEC_PER_SEC) };
}

static int take_mask(const u64 __user *mask, size_t size)
{
	u64 m;

	if (!mask)
		return 0;
	if (size != sizeof(m))
		return -EINVAL;
	if (get_user(m, mask))
		return -EFAULT;
	signal_set_temporary_mask(m);
	return 0;
}

long sys_poll(void __user *fds, u32 nfds, int timeout_ms)
{
	u64 deadline = timeout_ms < 0 ? U64_MAX : deadline_after((u64)timeout_ms * NSEC_PER_MSEC);

	return do_poll(fds, nfds, deadline);
}

long sys_ppoll(void __user *fds, u32 nfds, struct timespec64 __user *timeout, const u64 __user *sigmask, size_t setsize)
{
	struct timespec64 t;
	u64 deadline = U64_MAX;
	long r;

	if (timeout) {
		if (get_user(t, timeout))
			return -EFAULT;
		r = deadline_of(&t, &deadline);
		if (r)
			return r;
	}
	r = take_mask(sigmask, setsize);
	if (!r)
		r = do_poll(fds, nfds, deadline);
	/* As Linux: the time left, when the memory can take it. */
	if (timeout) {
		t = time_left(deadline);
		if (copy_to_user(timeout, &t, sizeof(t)) && r == -ERESTARTNOHAND)
			r = -EINTR;
	}
	return r;
}

struct sets {
	void __user *user[3];
	u64 *bits;		/* three in, three out */
};

static int sets_in(const struct sets *s, u32 n, u32 words)
{
	for (int i = 0; i < 3; i++)
		if (s->user[i] && copy_from_user(s->bits + i * words, s->user[i], (n + 7) / 8))
			return -EFAULT;
	return 0;
}

/* Linux writes whole words of its long. */
static int sets_out(const struct sets *s, u32 n, u32 words)
{
	for (int i = 0; i < 3; i++)
		if (s->user[i] && copy_to_user(s->user[i], s->bits + (3 + i) * words, (n + 63) / 64 * 8))
			return -EFAULT;
	return 0;
}

static long do_select(int nfds, struct sets *s, u64 deadline)
{
	u32 n = (u32)nfds, words;
	struct select_call c;
	long r;

	if (nfds < 0)
		return -EINVAL;
	n = min(n, atomic_load(&current_process()->files->capacity));
	words = max((n + 63) / 64, 1u);
	s->bits = kcalloc(6 * words, sizeof(u64), 0);
	if (!s->bits)
		return -ENOMEM;
	c = (struct select_call){ .nr = n, .words = words, .in = s->bits, .out = s->bits + 3 * words };
	r = sets_in(s, n, words);
	if (!r)
		r = select_files(&c, deadline);
	if (r >= 0 && sets_out(s, n, words))
		r = -EFAULT;
	kfree(s->bits);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

long sys_select(int nfds, void __user *readfds, void __user *writefds, void __user *exceptfds, struct timeval64 __user *timeout)
{
	struct sets s = { .user = { readfds, writefds, exceptfds } };
	struct timeval64 tv;
	struct timespec64 t;
	u64 deadline = U64_MAX;
	long r;

	if (timeout) {
		if (get_user(tv, timeout))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		t = (struct timespec64){ tv.tv_sec + tv.tv_usec / 1000000, tv.tv_usec % 1000000 * 1000 };
		r = deadline_of(&t, &deadline);
		if (r)
			return r;
	}
	r = do_select(nfds, &s, deadline);
	if (timeout) {
		t = time_left(deadline);
		tv = (struct timeval64){ t.tv_sec, t.tv_nsec / 1000 };
		if (copy_to_user(timeout, &tv, sizeof(tv)) && r == -ERESTARTNOHAND)
			r = -EINTR;
	}
	return r;
}

long sys_pselect6(int nfds, void __user *readfds, void __user *writefds, void __user *exceptfds,
		  struct timespec64 __user *timeout, const void __user *sigmask)
{
	struct sets s = { .user = { readfds, writefds, exceptfds } };
	struct {
		u64 mask, size;
	} arg = { 0 };
	struct timespec64 t;
	u64 deadline = U64_MAX;
	long r;

	if (sigmask && copy_from_user(&arg, sigmask, sizeof(arg)))
		return -EFAULT;
	if (timeout) {
		if (get_user(t, timeout))
			return -EFAULT;
		r = deadline_of(&t, &deadline);
		if (r)
			return r;
	}
	r = take_mask((const u64 __user *)arg.mask, arg.size);
	if (!r)
		r = do_select(nfds, &s, deadline);
	if (timeout) {
		t = time_left(deadline);
		if (copy_to_user(timeout, &t, sizeof(t)) && r == -ERESTARTNOHAND)
			r = -EINTR;
	}
	return r;
}
