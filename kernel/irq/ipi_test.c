/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests: calls to other CPUs, also crossing each other; interrupt descriptors over a made-up chip. */
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/test.h>
#include <uapi/errno.h>

static void count_here(void *arg)
{
	atomic_fetch_or((u64 *)arg, cpu_mask(arch_cpu_self()->id));
}

static void test_call_all(void)
{
	u64 ran = 0;

	ipi_call(~0ull, count_here, &ran);
	test_equal(ran, atomic_load(&cpu_online_mask));
	ran = 0;
	ipi_call(0, count_here, &ran);
	test_equal(ran, 0);
}

static void test_call_each(void)
{
	struct cpu *cpu;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		u64 ran = 0;

		ipi_call(cpu_mask(cpu->id), count_here, &ran);
		test_equal(ran, cpu_mask(cpu->id));
	}
}

#define CROSS_ROUNDS 60u

static void cross_caller(void *arg)
{
	for (unsigned i = 0; i < CROSS_ROUNDS; i++) {
		u64 ran = 0;

		ipi_call(~0ull, count_here, &ran);
		if (ran != atomic_load(&cpu_online_mask))
			atomic_add((u32 *)arg, 1u);
	}
}

/* One thread per CPU, all calling all: nobody may wait for ever. */
static void test_call_crossing(void)
{
	struct thread *t[MAX_CPUS] = { NULL };
	struct cpu *cpu;
	u32 wrong = 0;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		t[cpu->id] = thread_create("cross", cross_caller, &wrong, (int)cpu->id);
		test_check(t[cpu->id] != NULL);
		thread_start(t[cpu->id]);
	}
	for (unsigned i = 0; i < MAX_CPUS; i++)
		if (t[i])
			thread_join(t[i]);
	test_equal(wrong, 0);
}

static u32 masks, unmasks, eois;

static void fake_mask(struct irq_domain *d, u32 hwirq) { masks++; }
static void fake_unmask(struct irq_domain *d, u32 hwirq) { unmasks++; }
static void fake_eoi(struct irq_domain *d, u32 hwirq) { eois++; }
static const struct irq_chip fake_chip = {
	.name = "fake", .mask = fake_mask, .unmask = fake_unmask, .eoi = fake_eoi,
};
static struct irq_domain fake = { .chip = &fake_chip, .nr_hwirq = 4, .phandle = 0xfa4e,
	.gsi_base = 0xffff0000 };

static bool take(void *arg)
{
	++*(u32 *)arg;
	return true;
}

static bool refuse(void *arg)
{
	++*(u32 *)arg;
	return false;
}

static void dispatch(u32 hwirq)
{
	unsigned long flags = arch_irq_save();

	irq_dispatch(&fake, hwirq);
	arch_irq_restore(flags);
}

static void test_desc(void)
{
	u32 a = 0, b = 0;
	int irq;

	if (fake.base == 0)
		test_equal(irq_domain_add(&fake), 0);
	masks = unmasks = eois = 0;
	test_check(irq_domain_by_phandle(0xfa4e) == &fake);
	test_equal(irq_map(&fake, 4, 0), -EINVAL);
	irq = irq_map(&fake, 2, 0);
	test_equal(irq, fake.base + 2);
	test_equal(irq_map(&fake, 2, 0), irq);
	test_equal(irq_request((u32)irq, NULL, &a, 0, "none"), -EINVAL);
	test_equal(irq_request(fake.base + 3, take, &a, 0, "unmapped"), -EINVAL);
	test_equal(irq_request((u32)irq, take, &a, IRQ_SHARED, "a"), 0);
	test_equal(unmasks, 1);
	test_equal(irq_request((u32)irq, take, &b, 0, "b"), -EBUSY);
	test_equal(irq_request((u32)irq, refuse, &b, IRQ_SHARED, "b"), 0);
	dispatch(2);
	test_check(a == 1 && b == 1 && eois == 1);
	irq_release((u32)irq, &a);
	test_equal(masks, 0);
	irq_release((u32)irq, &b);
	test_equal(masks, 1);
	dispatch(3);		/* nobody mapped it: masked, answered */
	test_check(masks == 2 && eois == 2 && a == 1);
}

static void test_desc_unclaimed(void)
{
	u32 n = 0;
	int irq = irq_map(&fake, 1, 0);

	masks = 0;
	test_equal(irq_request((u32)irq, refuse, &n, 0, "refuse"), 0);
	for (unsigned i = 0; i < 999; i++)
		dispatch(1);
	test_equal(masks, 0);
	dispatch(1);
	test_equal(masks, 1);
	irq_release((u32)irq, &n);
	test_equal(masks, 1);
}

const struct test_suite test_suite_irq = {
	"irq",
	(const struct test_case[]){
		TEST_CASE(test_call_all), TEST_CASE(test_call_each), TEST_CASE(test_call_crossing),
		TEST_CASE(test_desc), TEST_CASE(test_desc_unclaimed), {} },
	"an interrupt domain lives for ever",
};
