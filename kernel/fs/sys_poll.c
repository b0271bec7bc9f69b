/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, ppoll, select, pselect6: arguments in, results and the time left out. The waiting is poll.c's. */
#include "vfs.h"
#include "poll.h"
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/time.h>

#define FAST_FDS 16u
#define FAST_WORDS 6u		/* of one set: 384 descriptors */

/*
 * Only revents may be written; where they are as they were nothing is, but for the first, which tells unwritable
 * memory.
 */
static int results_out(struct pollfd __user *u, const struct poll_call *c)
{
	u32 n = c->differs ? c->nr : min(c->nr, 1u);

	for (u32 i = 0; i < n; i++)
		if ((!i || c->revents[i] != c->fds[i].revents) && put_user(c->revents[i], &u[i].revents))
			return -EFAULT;
	return 0;
}

static int poll_with(struct pollfd __user *u, struct pollfd *fds, s16 *revents, u32 n, u64 deadline)
{
	struct poll_call c = { .fds = fds, .revents = revents, .nr = n };
	int r;

	if (n && copy_from_user(fds, u, n * sizeof(*fds)))
		return -EFAULT;
	r = poll_files(&c, deadline);
	if (r >= 0 && results_out(u, &c))
		return -EFAULT;
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

static int do_poll(void __user *ufds, u32 n, u64 deadline)
{
	struct pollfd fast[FAST_FDS], *fds;
	s16 revents[FAST_FDS];
	int r;

	if (n > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n <= FAST_FDS)
		return poll_with(ufds, fast, revents, n, deadline);
	fds = kmalloc(n * (sizeof(*fds) + sizeof(*revents)), 0);
	if (!fds)
		return -ENOMEM;
	r = poll_with(ufds, fds, (s16 *)(fds + n), n, deadline);
	kfree(fds);
	return r;
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
	u64 fast[6 * FAST_WORDS];
};

static void sets_init(struct sets *s, void __user *in, void __user *out, void __user *except)
{
	s->user[0] = in;
	s->user[1] = out;
	s->user[2] = except;
}

/* Bits at or above n are no descriptors: as Linux, whole words are read and the rest is not looked at. */
static int sets_in(const struct sets *s, u32 n, u32 words)
{
	for (int i = 0; i < 3; i++) {
		u64 *bits = s->bits + (u32)i * words;

		bits[words - 1] = 0;
		if (!s->user[i])
			memset(bits, 0, words * sizeof(u64));
		else if (n && copy_from_user(bits, s->user[i], (n + 63) / 64 * 8))
			return -EFAULT;
		if (n % 64)
			bits[words - 1] &= BIT(n % 64) - 1;
	}
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
	s->bits = s->fast;
	if (words > FAST_WORDS)
		s->bits = kmalloc(6 * words * sizeof(u64), 0);
	if (!s->bits)
		return -ENOMEM;
	c = (struct select_call){ .nr = n, .words = words, .in = s->bits, .out = s->bits + 3 * words };
	r = sets_in(s, n, words);
	if (!r)
		r = select_files(&c, deadline);
	if (r >= 0 && sets_out(s, n, words))
		r = -EFAULT;
	if (s->bits != s->fast)
		kfree(s->bits);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

long sys_select(int nfds, void __user *readfds, void __user *writefds, void __user *exceptfds, struct timeval64 __user *timeout)
{
	struct sets s;
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
	sets_init(&s, readfds, writefds, exceptfds);
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
	struct sets s;
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
	sets_init(&s, readfds, writefds, exceptfds);
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
