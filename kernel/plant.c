/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults planted on purpose: with the word `plant=NAME` one of them is committed at the end of boot, and the defence that
 * is there against it must panic with its own words and a trace that names the function. ci/suites/planted.py boots
 * each and knows the words. In builds with tests only. What checkers report without panicking is in the suites' own tests.
 */
#include <kernel/aspace.h>
#include <kernel/boot.h>
#include <kernel/cpu.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/plant.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/usercopy.h>
#include <kernel/waitq.h>
#include <lib/string.h>
#include <uapi/mman.h>

#define keep(x) __asm__ volatile("" : "+r"(x) : : "memory")

static struct spinlock low = SPINLOCK_INIT("planted low", LOCK_MISC);
static struct spinlock lower = SPINLOCK_INIT("planted lower", LOCK_FILES);
static struct spinlock from_irq = SPINLOCK_INIT("planted interrupt's", LOCK_IRQ_CHIP);
static struct mutex a, b;

static void __noinline plant_assertion(void)
{
	unsigned two = 2;

	keep(two);
	assert(two + two == 5);
}

static void __noinline plant_null_read(void)
{
	volatile int *p = NULL;

	keep(p);
	(void)p[4];
}

static void __noinline plant_null_call(void)
{
	void (*fn)(void) = NULL;

	keep(fn);
	fn();
	keep(fn);	/* not a tail call: this function stays in the trace */
}

/* Below the linear map's and the image's regions, above every program's. */
static void __noinline plant_wild_write(void)
{
	volatile u64 *p = (u64 *)~0xffffull;

	keep(p);
	*p = 1;
}

static void __noinline plant_text_write(void)
{
	volatile u32 *p = (u32 *)(vaddr_t)plant_assertion;

	keep(p);
	*p = 0;
}

static const u64 constant = 42;

static void __noinline plant_constant_write(void)
{
	volatile u64 *p = (u64 *)&constant;

	keep(p);
	*p = 43;
}

static void __noinline plant_heap_call(void)
{
	void (*fn)(void) = kzalloc(64, 0);

	keep(fn);
	fn();
	keep(fn);
}

static unsigned __noinline plant_stack_overflow_deeper(unsigned n)
{
	u8 space[512];

	memset(space, (int)n, sizeof(space));
	__asm__ volatile("" : : "r"(space) : "memory");
	return n ? plant_stack_overflow_deeper(n - 1) + space[n % sizeof(space)] : 0;
}

static void __noinline plant_stack_overflow(void)
{
	unsigned n = plant_stack_overflow_deeper(1000);

	keep(n);
}

static void __noinline plant_stack_smash(void)
{
	char text[16];
	size_t n = 48;

	keep(n);
	memset(text, 'x', n);
	__asm__ volatile("" : : "r"(text) : "memory");
}

static void __noinline plant_trap(void) { __builtin_trap(); }

/* A page of a program, mapped in this thread's space and touched; 0: no memory. */
static s64 user_page(void)
{
	struct aspace *as = aspace_create();
	s64 at = as ? aspace_mmap(as, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) : 0;

	if (at <= 0)
		return 0;
	preempt_disable();
	current->aspace = as;
	aspace_switch(current, current);
	preempt_enable();
	return clear_user((void __user *)at, PAGE_SIZE) ? 0 : at;
}

static void __noinline plant_user_read(void)
{
	volatile u64 *p = (u64 *)user_page();

	(void)p[8];
}

static void __noinline plant_user_call(void)
{
	void (*fn)(void) = (void (*)(void))user_page();

	keep(fn);
	fn();
	keep(fn);
}

static void __noinline plant_lock_twice(void)
{
	spin_lock(&low);
	spin_lock(&low);
	barrier();
}

static void __noinline plant_lock_rank(void)
{
	spin_lock(&low);
	spin_lock(&lower);
	barrier();
}

static void __noinline plant_lock_order(void)
{
	mutex_init(&a, "planted first", LOCK_UNRANKED);
	mutex_init(&b, "planted second", LOCK_UNRANKED);
	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	barrier();
}

static void __noinline plant_lock_irq(void) { spin_lock(&from_irq); keep(from_irq.locked); }

static void __noinline plant_unlock_unheld(void) { spin_unlock(&low); keep(low.locked); }

static void __noinline plant_sleep_in_spinlock(void)
{
	spin_lock(&low);
	(void)sleep_until(time_ns() + NSEC_PER_MSEC, false);
	spin_unlock(&low);
}

static void __noinline plant_schedule_in_spinlock(void)
{
	spin_lock(&low);
	preempt_disable();
	schedule();
	spin_unlock(&low);
}

static void plant_lock_at_exit_thread(void *unused)
{
	mutex_init(&a, "planted", LOCK_UNRANKED);
	mutex_lock(&a);
	thread_exit(0);
}

static void __noinline plant_lock_at_exit(void)
{
	struct thread *t = thread_create("planted", plant_lock_at_exit_thread, NULL, -1);

	if (!t)
		return;
	thread_start(t);
	thread_join(t);
}

static DEFINE_PERCPU(u64, planted_word);

static void __noinline plant_percpu(void) { *percpu(planted_word) = 1; keep(planted_word); }

static void __noinline plant_slab_overrun(void)
{
	struct kmem_cache *c = kmem_cache_create("planted", 40, 8, NULL);
	u8 *p = kmem_cache_alloc(c, 0);

	keep(p);
	p[40] = 0;
	kmem_cache_free(c, p);
	barrier();
}

static void __noinline plant_slab_use_after_free(void)
{
	struct kmem_cache *c = kmem_cache_create("planted", 40, 8, NULL);
	u8 *p = kmem_cache_alloc(c, 0);

	kmem_cache_free(c, p);
	keep(p);
	p[16] = 1;
	p = kmem_cache_alloc(c, 0);
	keep(p);
}

static void __noinline plant_slab_double_free(void)
{
	u8 *p = kmalloc(256, 0), *q = p;

	keep(q);
	kfree(p);
	kfree(q);
	barrier();
}

static void __noinline plant_slab_wrong_cache(void)
{
	struct kmem_cache *c = kmem_cache_create("planted", 40, 8, NULL);
	u8 *p = kmalloc(40, 0);

	keep(p);
	kmem_cache_free(c, p);
	barrier();
}

static void __noinline plant_kfree_of_stack(void)
{
	struct page *page = page_alloc(0, 0);
	u8 *p = page ? (u8 *)page_to_virt(page) + 64 : NULL;

	keep(p);
	kfree(p);
	barrier();
}

static void __noinline plant_page_double_free(void)
{
	struct page *p = page_alloc(0, 0);

	page_put(p);
	keep(p);
	page_put(p);
	keep(p);
}

static void __noinline plant_page_free_while_used(void)
{
	struct page *p = page_alloc(0, 0);

	ref_get(&p->refs);
	page_free(p, 0);
	barrier();
}

static void __noinline plant_preemption_left_off(void) { preempt_disable(); }

static const struct {
	const char *name;
	void (*fn)(void);
} plants[] = {
#define PLANT(n) { #n, plant_##n }
	PLANT(assertion), PLANT(null_read), PLANT(null_call), PLANT(wild_write), PLANT(text_write), PLANT(constant_write),
	PLANT(heap_call), PLANT(stack_overflow), PLANT(stack_smash), PLANT(trap), PLANT(user_read), PLANT(user_call),
	PLANT(lock_twice), PLANT(lock_rank), PLANT(lock_order), PLANT(lock_irq), PLANT(unlock_unheld),
	PLANT(sleep_in_spinlock), PLANT(schedule_in_spinlock), PLANT(lock_at_exit), PLANT(percpu), PLANT(slab_overrun),
	PLANT(slab_use_after_free), PLANT(slab_double_free), PLANT(slab_wrong_cache), PLANT(kfree_of_stack),
	PLANT(page_double_free), PLANT(page_free_while_used), PLANT(preemption_left_off),
};

void plant_if_asked(void)
{
	const char *name = cmdline_get("plant");

	if (!name)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(plants); i++) {
		if (strcmp(plants[i].name, name))
			continue;
		log_notice("plant: %s", name);
		plants[i].fn();
		log_err("plant: %s was not noticed", name);
		return;
	}
	log_err("plant: there is no %s", name);
}
