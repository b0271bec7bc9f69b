/* SPDX-License-Identifier: BSD-2-Clause */
/* futex(2) and robust lists. */
#ifndef UAPI_FUTEX_H
#define UAPI_FUTEX_H

#include <lib/types.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_FD 2
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI 12
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_CMD_MASK (~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))
#define FUTEX_BITSET_MATCH_ANY 0xffffffffu

#define FUTEX_OP_SET 0
#define FUTEX_OP_ADD 1
#define FUTEX_OP_OR 2
#define FUTEX_OP_ANDN 3
#define FUTEX_OP_XOR 4
#define FUTEX_OP_OPARG_SHIFT 8
#define FUTEX_OP_CMP_EQ 0
#define FUTEX_OP_CMP_NE 1
#define FUTEX_OP_CMP_LT 2
#define FUTEX_OP_CMP_LE 3
#define FUTEX_OP_CMP_GT 4
#define FUTEX_OP_CMP_GE 5

/* The futex word of a robust or priority-inheriting lock. */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define ROBUST_LIST_LIMIT 2048

/* futex_waitv, futex_wait, futex_wake, futex_requeue: flags of each word. */
#define FUTEX2_SIZE_MASK 0x03u
#define FUTEX2_SIZE_U32 0x02u
#define FUTEX2_PRIVATE 0x80u
#define FUTEX_WAITV_MAX 128u
struct user_futex_waitv {
	u64 val, uaddr;
	u32 flags, reserved;
};

struct robust_list_head {
	u64 next;		/* struct robust_list *; low bit: PI */
	s64 futex_offset;
	u64 list_op_pending;
};

#endif
