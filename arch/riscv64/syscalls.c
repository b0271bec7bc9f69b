/* SPDX-License-Identifier: BSD-2-Clause */
/* The two system calls that only RISC-V has: riscv_hwprobe and riscv_flush_icache (Linux arch/riscv/hwprobe, cachectl). */
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <kernel/cpu.h>
#include <arch/mmu.h>
#include <arch/sbi.h>
#include <kernel/syscall.h>
#include <kernel/usercopy.h>
#include <uapi/errno.h>

#include "riscv.h"

struct hwprobe {
	s64 key;
	u64 value;
};
enum hwprobe_key {
	KEY_MVENDORID, KEY_MARCHID, KEY_MIMPID, KEY_BASE_BEHAVIOR, KEY_IMA_EXT_0, KEY_CPUPERF_0,
	KEY_ZICBOZ_BLOCK_SIZE, KEY_HIGHEST_VIRT_ADDRESS, KEY_TIME_CSR_FREQ, KEY_MISALIGNED_SCALAR_PERF,
};
#define BASE_BEHAVIOR_IMA 1
#define PAIRS_MAX 1024u
#define FLUSH_ICACHE_LOCAL 1u

static u64 ima_extensions(void)
{
	static const struct {
		char name[8];
		u64 bit;
	} known[] = {
		{ "zba", BIT(3) }, { "zbb", BIT(4) }, { "zbs", BIT(5) }, { "zbc", BIT(7) },
	};
	u64 v = 0;

	if (arch_hwcap() & BIT('d' - 'a'))
		v |= BIT(0);
	if (arch_hwcap() & BIT('c' - 'a'))
		v |= BIT(1);
	for (unsigned i = 0; i < ARRAY_LEN(known); i++)
		if (riscv_isa_has(known[i].name))
			v |= known[i].bit;
	return v;
}

static void probe(struct hwprobe *p)
{
	p->value = 0;
	switch (p->key) {
	case KEY_MVENDORID:
		p->value = (u64)sbi_call(SBI_EXT_BASE, SBI_BASE_MVENDORID, 0, 0, 0, 0).value;
		break;
	case KEY_MARCHID:
		p->value = (u64)sbi_call(SBI_EXT_BASE, SBI_BASE_MARCHID, 0, 0, 0, 0).value;
		break;
	case KEY_MIMPID:
		p->value = (u64)sbi_call(SBI_EXT_BASE, SBI_BASE_MIMPID, 0, 0, 0, 0).value;
		break;
	case KEY_BASE_BEHAVIOR:
		p->value = BASE_BEHAVIOR_IMA;
		break;
	case KEY_IMA_EXT_0:
		p->value = ima_extensions();
		break;
	case KEY_HIGHEST_VIRT_ADDRESS:
		p->value = arch_layout.user_end - 1;
		break;
	case KEY_TIME_CSR_FREQ:
		p->value = arch_clock_hz();
		break;
	case KEY_CPUPERF_0:			/* unknown: nobody measured */
	case KEY_MISALIGNED_SCALAR_PERF:
	case KEY_ZICBOZ_BLOCK_SIZE:		/* not enabled for programs */
		break;
	default:
		p->key = -1;
	}
}

/* All harts are alike as far as we look, so the set of CPUs only has to have one that is there. */
long sys_riscv_hwprobe(void __user *pairs, u64 count, size_t cpusetsize, u64 __user *cpus, u32 flags)
{
	struct hwprobe __user *at = pairs;
	struct hwprobe p;
	u64 set = 0;

	if (flags || count > PAIRS_MAX || (!cpus && cpusetsize))
		return -EINVAL;
	if (cpus && cpusetsize && copy_from_user(&set, cpus, min(cpusetsize, sizeof(set))))
		return -EFAULT;
	if (cpus && !(set & atomic_load(&cpu_online_mask)))
		return -EINVAL;
	for (u64 i = 0; i < count; i++, at++) {
		if (copy_from_user(&p, at, sizeof(p)))
			return -EFAULT;
		probe(&p);
		if (copy_to_user(at, &p, sizeof(p)))
			return -EFAULT;
	}
	return 0;
}

long sys_riscv_flush_icache(u64 start, u64 end, u64 flags)
{
	if (flags & ~(u64)FLUSH_ICACHE_LOCAL)
		return -EINVAL;
	/* "This thread only" means wherever it will run, hence all harts; and fence.i knows no ranges. */
	arch_icache_sync(NULL, 0);
	return 0;
}
