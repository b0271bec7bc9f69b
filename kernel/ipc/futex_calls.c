/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2): which operation, with which timeout. The work is in futex.c, futex_requeue.c and futex_pi.c. */
#include "futex.h"
#include <kernel/syscall.h>
#include <kernel/timespec.h>
#include <kernel/usercopy.h>

int futex_deadline_of(const struct timespec64 __user *timeout, bool is_absolute, bool is_wall, struct futex_deadline *d)
{
	struct timespec64 ts;

	*d = (struct futex_deadline){ .ns = U64_MAX };
	if (!timeout)
		return 0;
	if (copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (!timespec_ok(&ts))
		return -EINVAL;
	d->ns = timespec_ns(&ts);
	if (d->ns == S64_MAX) {
		d->ns = U64_MAX;	/* 292 years */
		return 0;
	}
	d->is_wall = is_wall;
	if (!is_absolute)
		d->ns += time_ns();
	return 0;
}

/* restart.arg: address, value | bitset << 32, deadline, private. */
static long wait_restart(struct restart_block *r)
{
	struct futex_deadline d = { .ns = r->arg[2] };
	int err = futex_wait_on((u32 __user *)r->arg[0], r->arg[3] != 0, (u32)r->arg[1], &d, (u32)(r->arg[1] >> 32));

	return err == -EINTR ? -ERESTART_RESTARTBLOCK : err;
}

static long wait(u32 __user *uaddr, bool is_private, u32 val, const struct futex_deadline *d, u32 bitset, bool is_relative)
{
	int err = futex_wait_on(uaddr, is_private, val, d, bitset);

	if (err != -EINTR)
		return err;
	if (d->ns == U64_MAX)
		return -ERESTARTSYS;
	if (!is_relative)
		return -ERESTARTNOHAND;
	current->restart = (struct restart_block){
		.fn = wait_restart,
		.arg = { (u64)uaddr, val | (u64)bitset << 32, d->ns, is_private },
	};
	return -ERESTART_RESTARTBLOCK;
}

static bool has_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
	       cmd == FUTEX_WAIT_REQUEUE_PI;
}

long sys_futex(u32 __user *uaddr, int op, u32 val, u64 timeout, u32 __user *uaddr2, u32 val3)
{
	bool is_private = (op & FUTEX_PRIVATE_FLAG) != 0, is_wall = (op & FUTEX_CLOCK_REALTIME) != 0;
	struct futex_word from = { uaddr, is_private }, to = { uaddr2, is_private };
	struct futex_deadline d;
	int cmd = op & FUTEX_CMD_MASK, err;
	u32 val2 = (u32)timeout;	/* where it is a count */

	if (is_wall && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (has_timeout(cmd)) {
		/* FUTEX_LOCK_PI's is the wall clock's since ever. */
		err = futex_deadline_of((const struct timespec64 __user *)timeout, cmd != FUTEX_WAIT,
					is_wall || cmd == FUTEX_LOCK_PI, &d);
		if (err)
			return err;
	}
	switch (cmd) {
	case FUTEX_WAIT:
		return wait(uaddr, is_private, val, &d, FUTEX_BITSET_MATCH_ANY, true);
	case FUTEX_WAIT_BITSET:
		return wait(uaddr, is_private, val, &d, val3, false);
	case FUTEX_WAKE:
		return futex_wake_on(uaddr, is_private, val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake_on(uaddr, is_private, val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(from, to, (s32)val, (s32)val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(from, to, (s32)val, (s32)val2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, is_private, val, val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, is_private, &d, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, is_private, NULL, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, is_private);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, uaddr2, is_private, val, &d, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue_pi(uaddr, uaddr2, is_private, (s32)val, (s32)val2, val3);
	default:
		return -ENOSYS;		/* FUTEX_FD is gone from Linux too */
	}
}
