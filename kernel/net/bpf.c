/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF: a checked program of forward jumps over a packet. What the checker lets through ends within its own length and
 * touches nothing but its 16 words and the packet's bytes. No locks.
 */
#include <kernel/mm.h>
#include <lib/compiler.h>
#include <uapi/errno.h>
#include <uapi/netlink.h>
#include "bpf.h"

#define INSNS_MAX 4096u
#define WORDS 16u
#define AUX_BASE 0xfffff000u		/* SKF_AD_OFF */
#define AUX_PROTOCOL 0u
#define AUX_PKTTYPE 4u

enum { LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, RET = 6, MISC = 7 };
enum { IMM = 0, ABS = 0x20, IND = 0x40, MEM = 0x60, LEN = 0x80, MSH = 0xa0 };

struct bpf_program {
	u32 n;
	struct user_sock_filter insns[];
};

static bool alu_is_known(const struct user_sock_filter *f)
{
	u32 op = f->code & 0xf0;

	if (op > 0xa0)
		return false;
	/* Division and shift by a constant that makes no sense. */
	if (!(f->code & 8) && ((op == 0x30 || op == 0x90) ? f->k == 0 : (op == 0x60 || op == 0x70) ? f->k > 31 : false))
		return false;
	return true;
}

static bool load_is_known(const struct user_sock_filter *f, bool is_x)
{
	u32 mode = f->code & 0xe0, size = f->code & 0x18;

	if (mode == MEM)
		return f->k < WORDS;
	if (mode == IMM || mode == LEN)
		return true;
	if (is_x)
		return mode == MSH && size == 0x10;
	return (mode == ABS || mode == IND) && size != 0x18;
}

static bool insn_is_good(const struct user_sock_filter *f, u32 left)
{
	switch (f->code & 7) {
	case LD: return load_is_known(f, false);
	case LDX: return load_is_known(f, true);
	case ST:
	case STX: return f->k < WORDS;
	case ALU: return alu_is_known(f);
	case JMP:
		if ((f->code & 0xf0) == 0)
			return f->k < left;
		return (f->code & 0xf0) <= 0x40 && f->jt < left && f->jf < left;
	case RET: return (f->code & 0x18) != 0x18;
	default: return (f->code & 0xf8) == 0 || (f->code & 0xf8) == 0x80;
	}
}

int bpf_load(const void __user *insns, u32 n, struct bpf_program **out)
{
	struct bpf_program *p;
	int err = 0;

	if (n == 0 || n > INSNS_MAX)
		return -EINVAL;
	p = kmalloc(sizeof(*p) + n * sizeof(p->insns[0]), 0);
	if (!p)
		return -ENOMEM;
	p->n = n;
	if (copy_from_user(p->insns, insns, n * sizeof(p->insns[0])))
		err = -EFAULT;
	for (u32 i = 0; i < n && !err; i++)
		if (!insn_is_good(&p->insns[i], n - i - 1))
			err = -EINVAL;
	if (!err && (p->insns[n - 1].code & 7) != RET)
		err = -EINVAL;
	if (err) {
		kfree(p);
		return err;
	}
	*out = p;
	return 0;
}

int bpf_load_option(const void __user *val, u32 len, struct bpf_program **out)
{
	struct user_sock_fprog f;

	if (len < sizeof(f))
		return -EINVAL;
	if (copy_from_user(&f, val, sizeof(f)))
		return -EFAULT;
	return bpf_load((const void __user *)f.filter, f.len, out);
}

static bool load(const u8 *data, u32 len, u64 at, u32 size, u32 *v)
{
	u32 n = size == 0 ? 4 : size == 8 ? 2 : 1;

	if (at + n > len)
		return false;
	*v = 0;
	for (u32 i = 0; i < n; i++)
		*v = *v << 8 | data[at + i];
	return true;
}

static u32 alu(u32 op, u32 a, u32 v)
{
	switch (op) {
	case 0x00: return a + v;
	case 0x10: return a - v;
	case 0x20: return a * v;
	case 0x30: return v ? a / v : 0;
	case 0x40: return a | v;
	case 0x50: return a & v;
	case 0x60: return v < 32 ? a << v : 0;
	case 0x70: return v < 32 ? a >> v : 0;
	case 0x80: return 0 - a;
	case 0x90: return v ? a % v : 0;
	default: return a ^ v;
	}
}

static bool jump_is_taken(u32 op, u32 a, u32 v)
{
	return op == 0x10 ? a == v : op == 0x20 ? a > v : op == 0x30 ? a >= v : (a & v) != 0;
}

u32 bpf_run(const struct bpf_program *p, const u8 *data, u32 len, u16 type)
{
	u32 a = 0, x = 0, mem[WORDS] = { 0 }, v;

	for (u32 pc = 0; pc < p->n; pc++) {
		const struct user_sock_filter *f = &p->insns[pc];
		u32 mode = f->code & 0xe0, size = f->code & 0x18;

		switch (f->code & 7) {
		case LD:
			if (mode == ABS && f->k >= AUX_BASE)
				a = f->k - AUX_BASE == AUX_PROTOCOL ? type : 0;
			else if ((mode == ABS || mode == IND) && !load(data, len, (u64)f->k + (mode == IND ? x : 0), size, &a))
				return 0;
			else if (mode == IMM || mode == LEN || mode == MEM)
				a = mode == IMM ? f->k : mode == LEN ? len : mem[f->k];
			break;
		case LDX:
			if (mode == MSH) {
				if (f->k >= len)
					return 0;
				x = (data[f->k] & 15u) * 4;
			} else {
				x = mode == IMM ? f->k : mode == LEN ? len : mem[f->k];
			}
			break;
		case ST: mem[f->k] = a; break;
		case STX: mem[f->k] = x; break;
		case ALU: a = alu(f->code & 0xf0, a, f->code & 8 ? x : f->k); break;
		case JMP:
			v = f->code & 8 ? x : f->k;
			if ((f->code & 0xf0) == 0)
				pc += f->k;
			else
				pc += jump_is_taken(f->code & 0xf0, a, v) ? f->jt : f->jf;
			break;
		case RET: return (f->code & 0x18) == 0x10 ? a : (f->code & 0x18) == 8 ? x : f->k;
		default:
			if (f->code & 0x80)
				a = x;
			else
				x = a;
		}
	}
	return 0;
}
