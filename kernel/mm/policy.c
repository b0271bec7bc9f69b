/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NUMA memory policies of a machine with one node: they are checked, kept and told as Linux does, and change
 * nothing, since every page is on node 0. A policy is a word: mode in the low bits, whether node 0 was
 * named, the mode's flags; 0 is the default policy.
 */
#include <kernel/cred.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/capability.h>

#include "aspace_internal.h"

enum { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_PREFERRED_MANY, MPOL_WEIGHTED, MPOL_MAX };
#define MPOL_F_STATIC_NODES BIT(15)
#define MPOL_F_RELATIVE_NODES BIT(14)
#define MPOL_F_NUMA_BALANCING BIT(13)
#define MPOL_MODE_FLAGS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING)
#define POLICY_HAS_NODE BIT(31)
#define MPOL_F_NODE BIT(0)		/* get_mempolicy */
#define MPOL_F_ADDR BIT(1)
#define MPOL_F_MEMS_ALLOWED BIT(2)
#define MPOL_MF_STRICT BIT(0)		/* mbind */
#define MPOL_MF_MOVE BIT(1)
#define MPOL_MF_MOVE_ALL BIT(2)
#define NODE_BITS_MAX (PAGE_SIZE * 8)

/* Reads a node mask of maxnode - 1 bits. *named: node 0 is in it. -EINVAL: another is, or it is too long. */
static int read_nodes(const u64 __user *mask, u64 maxnode, bool *named)
{
	u64 bits = maxnode - 1, word;

	*named = false;
	if (!maxnode || !bits || !mask)
		return 0;
	if (bits > NODE_BITS_MAX)
		return -EINVAL;
	for (u64 i = 0; i * 64 < bits; i++) {
		u64 in_word = min(bits - i * 64, 64ull);

		if (copy_from_user(&word, mask + i, sizeof(word)))
			return -EFAULT;
		if (in_word < 64)
			word &= BIT(in_word) - 1;
		if (word & ~(i ? 0ull : 1ull))
			return -EINVAL;	/* there is node 0 only */
		*named |= word & 1;
	}
	return 0;
}

/* The policy word of a request, or -EINVAL, -EFAULT. */
static s64 make_policy(int mode, const u64 __user *mask, u64 maxnode)
{
	u32 flags = (u32)mode & MPOL_MODE_FLAGS, kind = (u32)mode & ~(u32)MPOL_MODE_FLAGS;
	bool named;
	int err;

	if (kind >= MPOL_MAX || (flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) ==
	    (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES))
		return -EINVAL;
	if ((flags & MPOL_F_NUMA_BALANCING) && kind != MPOL_BIND && kind != MPOL_PREFERRED_MANY)
		return -EINVAL;
	err = read_nodes(mask, maxnode, &named);
	if (err)
		return err;
	switch (kind) {
	case MPOL_DEFAULT:
		return named ? -EINVAL : 0;
	case MPOL_LOCAL:
		return named || flags ? -EINVAL : MPOL_LOCAL;
	case MPOL_PREFERRED:
		if (!named)
			return flags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES) ? -EINVAL : MPOL_LOCAL;
		break;
	default:
		if (!named)
			return -EINVAL;
	}
	return kind | flags | POLICY_HAS_NODE;
}

long sys_set_mempolicy(int mode, const u64 __user *mask, u64 maxnode)
{
	s64 policy = make_policy(mode, mask, maxnode);

	if (policy < 0)
		return policy;
	current->mempolicy = (u32)policy;
	return 0;
}

static int bind_locked(struct aspace *as, vaddr_t addr, vaddr_t end, u32 policy)
{
	vaddr_t at = addr;
	int err;

	for (struct vma *v = aspace_find(as, addr); at < end; at = v->end, v = vma_next(v))
		if (!v || v->start > at)
			return -EFAULT;
		else if (v->end >= end)
			break;
	err = vma_split_range(as, addr, end);
	for (struct vma *v = aspace_find(as, addr); !err && v && v->start < end; v = vma_next(v)) {
		v->policy = policy;
		v = vma_merge(v);
	}
	return err;
}

long sys_mbind(u64 addr, u64 len, u64 mode, const u64 __user *mask, u64 maxnode, u32 flags)
{
	struct aspace *as = current->aspace;
	u64 bytes = align_up(len, PAGE_SIZE);
	s64 policy;
	int err;

	if (flags & ~(u32)(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL))
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (!is_aligned(addr, PAGE_SIZE) || addr + bytes < addr || bytes < len || mode > (u64)~0u >> 1)
		return -EINVAL;
	policy = make_policy((int)mode, mask, maxnode);
	if (policy < 0 || bytes == 0)
		return policy < 0 ? policy : 0;
	aspace_lock(as);
	err = bind_locked(as, addr, addr + bytes, (u32)policy);
	aspace_unlock(as);
	return err;
}

/* Zeroes the user's mask and sets node 0 if it is named. */
static int write_nodes(u64 __user *mask, u64 maxnode, bool named)
{
	u64 bytes = (maxnode - 1 + 63) / 64 * 8;

	if (!maxnode || maxnode - 1 > NODE_BITS_MAX)
		return -EINVAL;
	if (clear_user(mask, bytes))
		return -EFAULT;
	return bytes && named ? put_user(1ull, mask) : 0;
}

/* The policy of the area at addr; with node: brings the page in, since its place is asked for. */
static int policy_at(vaddr_t addr, bool node, u32 *policy)
{
	struct aspace *as = current->aspace;
	struct vma *v;
	int err = -EFAULT;

	rwlock_read_lock(&as->lock);
	v = aspace_find(as, addr);
	if (v && v->start <= addr) {
		*policy = v->policy ? v->policy : current->mempolicy;
		err = node ? fault_resolve(v, addr, 0) : 0;
	}
	rwlock_read_unlock(&as->lock);
	return err;
}

long sys_get_mempolicy(int __user *mode, u64 __user *mask, u64 maxnode, u64 addr, u64 flags)
{
	u32 policy = current->mempolicy;
	int err = 0, told;

	if (flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED))
		return -EINVAL;
	if (mask && maxnode < 1)	/* one node is possible */
		return -EINVAL;
	if (flags & MPOL_F_MEMS_ALLOWED) {
		if (flags & (MPOL_F_NODE | MPOL_F_ADDR))
			return -EINVAL;
		if (mode && put_user(0, mode))
			return -EFAULT;
		return mask ? write_nodes(mask, maxnode, true) : 0;
	}
	if (flags & MPOL_F_ADDR)
		err = policy_at(addr, flags & MPOL_F_NODE, &policy);
	else if (addr)
		err = -EINVAL;
	if (err)
		return err;
	told = (int)(policy & ~POLICY_HAS_NODE);
	if (flags & MPOL_F_NODE) {
		/* Without an address: the next node of an interleaving policy. */
		if (!(flags & MPOL_F_ADDR) && (policy & 0xff) != MPOL_INTERLEAVE && (policy & 0xff) != MPOL_WEIGHTED)
			return -EINVAL;
		told = 0;
	}
	if (mode && put_user(told, mode))
		return -EFAULT;
	return mask ? write_nodes(mask, maxnode, policy & POLICY_HAS_NODE) : 0;
}
