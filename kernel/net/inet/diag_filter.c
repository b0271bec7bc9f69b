/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters of NETLINK_SOCK_DIAG: small programs of comparisons that only jump forward (`ss sport = :22`). A program is
 * checked once, so that running it needs no bounds: each jump lands on an instruction or just behind the end (no match).
 */
#include <kernel/process.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/capability.h>
#include "diag.h"

#define OP ((s32)sizeof(struct user_inet_diag_op))

static const struct user_inet_diag_op *op_at(const u8 *code, s32 at) { return (const void *)(code + at); }

/* A host condition's bytes; -EINVAL when it is cut off or odd. */
static s32 hostcond_bytes(const struct user_inet_diag_op *op, s32 left)
{
	const struct user_inet_hostcond *c = (const void *)(op + 1);
	s32 n = (s32)sizeof(*c), addr;

	if (left < OP + n)
		return -EINVAL;
	addr = c->family == AF_INET ? 4 : c->family == AF_INET6 ? 16 : c->family == AF_UNSPEC ? 0 : -1;
	if (addr < 0 || left < OP + n + addr || c->prefix_len > addr * 8)
		return -EINVAL;
	return n + addr;
}

/* Bytes of the instruction, its operands included. */
static s32 op_bytes(const struct user_inet_diag_op *op, s32 left)
{
	s32 n = 0;

	switch (op->code) {
	case INET_DIAG_BC_S_COND:
	case INET_DIAG_BC_D_COND:
		n = hostcond_bytes(op, left);
		break;
	case INET_DIAG_BC_DEV_COND:
		n = sizeof(u32);
		break;
	case INET_DIAG_BC_MARK_COND:
		n = capable(CAP_NET_ADMIN) ? 2 * (s32)sizeof(u32) : -EPERM;
		break;
	case INET_DIAG_BC_S_GE: case INET_DIAG_BC_S_LE: case INET_DIAG_BC_S_EQ:
	case INET_DIAG_BC_D_GE: case INET_DIAG_BC_D_LE: case INET_DIAG_BC_D_EQ:
		n = OP;
		break;
	case INET_DIAG_BC_AUTO: case INET_DIAG_BC_JMP: case INET_DIAG_BC_NOP:
		break;
	default:
		return -EINVAL;
	}
	return n < 0 ? n : left < OP + n ? -EINVAL : OP + n;
}

/* An instruction of the straight path (following yes) begins at place. */
static bool is_on_path(const u8 *code, s32 len, s32 place)
{
	s32 at = 0;

	while (at < place && len - at >= OP && op_at(code, at)->yes >= OP)
		at += op_at(code, at)->yes;
	return at == place;
}

static bool jump_ok(u32 jump, s32 bytes, s32 left) { return (s32)jump >= bytes && (s32)jump <= left + OP && !(jump & 3); }

int diag_filter_check(const u8 *code, s32 len)
{
	s32 at = 0, n;

	while (at < len) {
		const struct user_inet_diag_op *op = op_at(code, at);
		s32 left = len - at;

		if (left < OP)
			return -EINVAL;
		n = op_bytes(op, left);
		if (n < 0)
			return n;
		if (op->code != INET_DIAG_BC_NOP &&
		    (!jump_ok(op->no, n, left) || ((s32)op->no < left && !is_on_path(code, len, at + op->no))))
			return -EINVAL;
		if (!jump_ok(op->yes, n, left))
			return -EINVAL;
		at += op->yes;
	}
	return at == len ? 0 : -EINVAL;
}

static bool prefix_eq(const u32 *a, const u32 *b, u32 bits)
{
	u32 words = bits / 32, rest = bits % 32;

	if (memcmp(a, b, words * 4))
		return false;
	return !rest || !((a[words] ^ b[words]) & __builtin_bswap32(0xffffffffu << (32 - rest)));
}

/* addr: as told to the user, so IPv4 on an IPv6 socket is mapped. */
static bool host_matches(const struct user_inet_hostcond *c, u8 family, const u32 *addr, u16 port)
{
	if (c->port != -1 && c->port != port)
		return false;
	if (!c->prefix_len)
		return c->family == AF_UNSPEC || c->family == family || (c->family == AF_INET && family == AF_INET6);
	if (c->family == family)
		return prefix_eq(addr, c->addr, c->prefix_len);
	return family == AF_INET6 && c->family == AF_INET && !addr[0] && !addr[1] && addr[2] == __builtin_bswap32(0xffff) &&
	       prefix_eq(addr + 3, c->addr, c->prefix_len);
}

static bool op_holds(const struct user_inet_diag_op *op, const struct diag_entry *e)
{
	const u32 *word = (const void *)(op + 1);

	switch (op->code) {
	case INET_DIAG_BC_JMP: return false;
	case INET_DIAG_BC_S_GE: return e->sport >= op[1].no;
	case INET_DIAG_BC_S_LE: return e->sport <= op[1].no;
	case INET_DIAG_BC_S_EQ: return e->sport == op[1].no;
	case INET_DIAG_BC_D_GE: return e->dport >= op[1].no;
	case INET_DIAG_BC_D_LE: return e->dport <= op[1].no;
	case INET_DIAG_BC_D_EQ: return e->dport == op[1].no;
	case INET_DIAG_BC_AUTO: return e->is_auto;
	case INET_DIAG_BC_S_COND: return host_matches((const void *)(op + 1), e->family, e->src, e->sport);
	case INET_DIAG_BC_D_COND: return host_matches((const void *)(op + 1), e->family, e->dst, e->dport);
	case INET_DIAG_BC_DEV_COND: return e->ifindex == *word;
	case INET_DIAG_BC_MARK_COND: return (e->mark & word[1]) == word[0];
	default: return true;
	}
}

bool diag_filter_matches(const u8 *code, s32 len, const struct diag_entry *e)
{
	s32 at = 0;

	while (at < len) {
		const struct user_inet_diag_op *op = op_at(code, at);

		at += op_holds(op, e) ? op->yes : op->no;
	}
	return at == len;
}
