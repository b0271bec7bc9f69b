/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel attacks itself: with the word `attack` every function below is called at the end of boot, in a thread of its
 * own, and does what a defence is there against. The panic it runs into is caught here: its reason is logged and
 * its thread ends. A function that comes back was not stopped, unless it says what stopped it (a call refused). Before an
 * access the rights of its target in the tables are logged, so that "nothing mapped" is not taken for "not allowed".
 * ci/suites/attacks.py knows what must be said of each. Attacks that spoil more than their thread are in plant.c: one boot each.
 */
#include <arch/boot.h>
#include <arch/user.h>
#include <kernel/aspace.h>
#include <kernel/attack.h>
#include <kernel/boot.h>
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/pgtable.h>
#include <kernel/power.h>
#include <kernel/sched.h>
#include <kernel/usercopy.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/mman.h>

#define keep(x) __asm__ volatile("" : "+r"(x) : : "memory")

static struct thread *attacker;		/* [a] whose panics are caught; NULL: nobody's */
static char reason[200];		/* the attacker's, until it has ended */
static char aimed[24];			/* what the tables say of its target */
static struct aspace *user_space;	/* of the attacks that use a program's memory */

/* A defence without a panic: the attacker tells of it itself. */
static void __printf(1, 2) stopped(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
}

static __noreturn void end_attacker(void)
{
	preempt_disable();
	current->aspace = NULL;
	preempt_enable();
	thread_exit(0);
}

void attack_caught(const char *fmt, va_list ap)
{
	struct thread *self = arch_current();

	if (!self || atomic_load(&attacker) != self)
		return;
	vsnprintf(reason, sizeof(reason), fmt, ap);
	/* Whatever it held belongs to nobody but it. */
	self->preempt_count = 0;
#if CONFIG_DEBUG
	self->nr_held = 0;
#endif
	arch_irq_enable();
	end_attacker();
}

/* ---- targets ------------------------------------------------------------------------------------ */

/* Notes what the tables say of the address: "r-x", "rw-u" for a program's, "none". */
static void aim(const volatile void *p)
{
	vaddr_t va = (vaddr_t)p;
	paddr_t root = va < arch_layout.user_end && current->aspace ? current->aspace->root : kernel_root;
	unsigned level, prot;
	pte_t *e;

	epoch_enter();
	e = pgtable_lookup(root, va, &level);
	prot = e ? pte_prot(pte_load(e)) : 0;
	epoch_exit();
	if (e)
		snprintf(aimed, sizeof(aimed), "%c%c%c%s", prot & PGPROT_READ ? 'r' : '-', prot & PGPROT_WRITE ? 'w' : '-',
			 prot & PGPROT_EXEC ? 'x' : '-', prot & PGPROT_USER ? "u" : "");
	else
		strlcpy(aimed, "none", sizeof(aimed));
}

static void write_to(volatile void *p)
{
	volatile u8 *at = p;

	aim(p);
	keep(at);
	*at = 0x5a;
}

static void read_from(volatile void *p)
{
	volatile u8 *at = p;

	aim(p);
	keep(at);
	(void)*at;
}

static void call(const volatile void *p)
{
	void (*fn)(void) = (void (*)(void))(vaddr_t)p;

	aim(p);
	keep(fn);
	fn();
	keep(fn);
}

/* Comes back at once: what would run if nothing stopped a call of data. */
static void __noinline landing(void) { barrier(); }
#define LANDING_BYTES 32u

static void *place_code(void *at)
{
	memcpy(at, (void *)(vaddr_t)landing, LANDING_BYTES);
	arch_icache_sync(at, LANDING_BYTES);
	return at;
}

static void *alias_of(const void *image) { return phys_to_virt(image_to_phys(image)); }

/* An address in kernel virtual space that nothing is mapped at. */
static void *hole(void) { return (void *)(arch_layout.vmap_end - 2 * PAGE_SIZE); }

/* Canonical nowhere: bit 55 is clear, some of the bits between it and the last that is translated are set. */
static void *nowhere(void) { return (void *)0x0040000000001000ull; }

/* A page of a program, readable, writable and executable there, in this thread's space, with code in it. */
static void *user_page(void)
{
	struct aspace *as = user_space ? user_space : aspace_create();
	s64 at = as ? aspace_mmap(as, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0) : 0;
	u8 code[LANDING_BYTES];

	if (at <= 0)
		panic("attack: no page of a program");
	user_space = as;
	preempt_disable();
	current->aspace = as;
	aspace_switch(current, current);
	preempt_enable();
	memcpy(code, (void *)(vaddr_t)landing, sizeof(code));
	if (copy_to_user((void __user *)at, code, sizeof(code)))
		panic("attack: no code in a program's page");
	return (void *)at;
}

/* ---- writes to what is constant ------------------------------------------------------------------ */

static const u64 constant = 42;
static u64 sealed __ro_after_init = 1;

static void text_write(void) { write_to((void *)(vaddr_t)landing); }
static void text_alias_write(void) { write_to(alias_of((void *)(vaddr_t)landing)); }
static void rodata_write(void) { write_to((void *)&constant); }
static void rodata_alias_write(void) { write_to(alias_of(&constant)); }
static void sealed_write(void) { write_to(&sealed); }
static void sealed_alias_write(void) { write_to(alias_of(&sealed)); }
static void vdso_write(void) { write_to((void *)arch_vdso_start); }
static void vdso_alias_write(void) { write_to(alias_of(arch_vdso_start)); }

/* ---- calls of what is not code ------------------------------------------------------------------- */

static u8 data_bytes[LANDING_BYTES] __aligned(64) = { 1 };
static u8 bss_bytes[LANDING_BYTES] __aligned(64);
static DEFINE_PERCPU(u64, percpu_bytes[LANDING_BYTES / 8]);

static void data_call(void) { call(place_code(data_bytes)); }
static void bss_call(void) { call(place_code(bss_bytes)); }
static void rodata_call(void) { call(&constant); }
static void sealed_call(void) { call(&sealed); }
static void text_alias_call(void) { call(alias_of((void *)(vaddr_t)landing)); }
static void vdso_call(void) { call(arch_vdso_start); }
static void heap_call(void) { call(place_code(kmalloc(64, 0))); }
static void page_call(void) { call(place_code(page_to_virt(page_alloc(0, 0)))); }
static void vmap_call(void) { call(place_code(vmap_alloc(PAGE_SIZE, 0))); }
static void init_call(void) { call(__init_start); }

static void stack_call(void)
{
	u8 code[LANDING_BYTES] __aligned(64);

	call(place_code(code));
}

static void percpu_call(void)
{
	void *at;

	preempt_disable();
	at = percpu(percpu_bytes[0]);
	call(place_code(at));
	preempt_enable();
}

/* ---- a program's memory -------------------------------------------------------------------------- */

static void user_read(void) { read_from(user_page()); }
static void user_write(void) { write_to(user_page()); }
static void user_call(void) { call(user_page()); }

static void null_read(void) { read_from(NULL); }
static void null_write(void) { write_to(NULL); }
static void null_call(void) { call(NULL); }
static void null_member(void) { read_from((void *)0x828); }
static void low_read(void) { read_from((void *)0xf000); }

/* ---- nothing there ------------------------------------------------------------------------------- */

static void hole_read(void) { read_from(hole()); }
static void hole_write(void) { write_to(hole()); }
static void hole_call(void) { call(hole()); }
static void nowhere_read(void) { read_from(nowhere()); }
static void nowhere_write(void) { write_to(nowhere()); }
static void nowhere_call(void) { call(nowhere()); }

static void *own_guard(void) { return (void *)((vaddr_t)current->kstack - 8); }
static void stack_guard_read(void) { read_from(own_guard()); }
static void stack_guard_write(void) { write_to(own_guard()); }
static void stack_end_write(void) { write_to((void *)((vaddr_t)current->kstack + KSTACK_SIZE)); }
static void vmap_guard_write(void) { write_to((u8 *)vmap_alloc(2 * PAGE_SIZE, 0) + 2 * PAGE_SIZE); }

static void __noinline smash(size_t n)
{
	char text[16];

	keep(n);
	memset(text, 'x', n);
	__asm__ volatile("" : : "r"(text) : "memory");
}
static void stack_smash(void) { smash(48); }

/* Two threads' canaries are different, and neither is 0. */
static void canary_per_thread(void)
{
	struct thread *t = thread_create("canary", NULL, NULL, -1);

	if (t && t->canary && current->canary && t->canary != current->canary && boot_thread.canary != current->canary)
		stopped("every thread has its own canary");
}

/* ---- the heap ------------------------------------------------------------------------------------ */

static struct kmem_cache *victims;	/* objects of 72 bytes: slots are longer */
#define VICTIM 72u

static u8 *victim(void)
{
	if (!victims)
		victims = kmem_cache_create("victims", VICTIM, 8, NULL);
	return kmem_cache_alloc(victims, 0);
}

static void slab_overrun(void)
{
	u8 *p = victim();

	keep(p);
	p[VICTIM] = 0;
	kmem_cache_free(victims, p);
}

static void slab_write_after_free(void)
{
	u8 *p = victim();

	kmem_cache_free(victims, p);
	keep(p);
	p[16] = 1;
	p = victim();
}

static void slab_double_free(void)
{
	u8 *p = victim(), *q = p;

	keep(q);
	kmem_cache_free(victims, p);
	kmem_cache_free(victims, q);
}

static void slab_wrong_cache(void)
{
	u8 *p = kmalloc(VICTIM, 0);

	victim();
	keep(p);
	kmem_cache_free(victims, p);
}

/* The link in a free object becomes a pointer of the attacker's choice. */
static u64 *broken_link, link_was;
static void free_list_overwritten(void)
{
	u8 *a = victim(), *b = victim();
	u64 *link;

	kmem_cache_free(victims, a);
	kmem_cache_free(victims, b);
	link = (u64 *)b;
	keep(link);
	broken_link = link;
	link_was = *link;
	*link = (u64)&sealed;
	(void)victim();
	(void)victim();
}

static void kfree_of_page_inside(void)
{
	u8 *p = page_to_virt(page_alloc(0, 0));

	p += 64;
	keep(p);
	kfree(p);
}

static void kfree_inside_object(void)
{
	u8 *p = kmalloc(256, 0);

	p += 16;
	keep(p);
	kfree(p);
}

static void kfree_of_stack(void)
{
	u64 word[2];
	void *p = word;

	keep(p);
	kfree(p);
}

static void page_double_free(void)
{
	struct page *p = page_alloc(0, 0);

	page_put(p);
	keep(p);
	page_put(p);
}

static void page_free_while_used(void)
{
	struct page *p = page_alloc(0, 0);

	ref_get(&p->refs);
	page_free(p, 0);
}

/* ---- copies from and to programs ------------------------------------------------------------------ */

/* More than the object has, its length known at run time only. */
static void copy_out(const void *p, size_t n)
{
	void *to = user_page();

	keep(n);
	if (!copy_to_user((void __user *)to, p, n))
		return;
	stopped("EFAULT");
}

static void copy_in(void *p, size_t n)
{
	void *from = user_page();

	keep(n);
	if (!copy_from_user(p, (void __user *)from, n))
		return;
	stopped("EFAULT");
}

static void copy_out_slab(void) { copy_out(victim(), VICTIM + 1); }
static void copy_in_slab(void) { copy_in(victim(), VICTIM + 8); }
static void copy_out_slab_inside(void) { copy_out(victim() + 64, 16); }
static void copy_out_kmalloc(void) { copy_out(kmalloc(96, 0), 97); }
static void copy_out_text(void) { copy_out((void *)(vaddr_t)landing, 64); }
static void copy_out_text_alias(void) { copy_out(alias_of((void *)(vaddr_t)landing), 64); }
static void copy_in_text(void) { copy_in((void *)(vaddr_t)landing, 64); }

static void copy_out_stack(void)
{
	void *frame = __builtin_frame_address(0);

	copy_out(frame, KSTACK_SIZE);
}

static void uio_out_slab(void)
{
	struct uio u;
	size_t n = VICTIM + 1;

	keep(n);
	uio_init_user(&u, (void __user *)user_page(), n);
	if (uio_copy_out(&u, victim(), n) < n)
		stopped("EFAULT");
}

#define REFUSED(call) do { if ((call) == -EFAULT) stopped("EFAULT"); } while (0)
static u64 word;

static void kernel_as_user_write(void) { user_page(); REFUSED(copy_to_user((void __user *)&word, &constant, sizeof(word))); }
static void kernel_as_user_read(void) { user_page(); REFUSED(copy_from_user(&word, (void __user *)&constant, sizeof(word))); }
static void linear_as_user_read(void) { REFUSED(copy_from_user(&word, (void __user *)arch_layout.linear_base, sizeof(word))); }
static void nowhere_as_user_read(void) { REFUSED(copy_from_user(&word, (void __user *)nowhere(), sizeof(word))); }
static void last_bytes_as_user_read(void)
{
	REFUSED(copy_from_user(&word, (void __user *)(arch_layout.user_end - 4), sizeof(word)));
}
static void wrapping_user_read(void)
{
	size_t n = ~0ull - 0x1000;

	keep(n);
	REFUSED(copy_from_user(&word, (void __user *)0x10000, n));
}
static void kernel_as_user_string(void)
{
	char text[16];

	REFUSED(copy_string_from_user(text, (const char __user *)arch_platform, sizeof(text)));
}

/* ---- reference counts ------------------------------------------------------------------------------ */

static void ref_overflow(void)
{
	struct refcount r;

	ref_set(&r, REFCOUNT_SATURATED - 1);
	for (unsigned i = 0; i < 8; i++)
		ref_get(&r);
	for (unsigned i = 0; i < 16; i++)
		if (ref_put(&r))
			return;
	if (ref_read(&r) == REFCOUNT_SATURATED)
		stopped("saturated");
}

static void ref_of_the_dead(void)
{
	struct refcount r;

	ref_set(&r, 0);
	if (!ref_get_not_zero(&r) && ref_read(&r) == 0)
		stopped("not taken");
}

static void ref_below_zero(void)
{
	struct refcount r;

	ref_set(&r, 1);
	if (!ref_put(&r) || ref_put(&r) || ref_put(&r))
		return;
	if (ref_read(&r) >= REFCOUNT_SATURATED)
		stopped("saturated");
}

/* ---- kernel mappings ------------------------------------------------------------------------------- */

/* Ordinary memory through a device's mapping, as /dev/mem would. */
static void memory_as_device(void)
{
	if (!mmio_map(image_to_phys(__text_start), PAGE_SIZE) && !mmio_map(virt_to_phys(kmalloc(64, 0)), PAGE_SIZE))
		stopped("refused");
}

static const struct {
	const char *name;
	void (*fn)(void);
} attacks[] = {
#define A(n) { #n, n }
	A(text_write), A(text_alias_write), A(rodata_write), A(rodata_alias_write), A(sealed_write), A(sealed_alias_write),
	A(vdso_write), A(vdso_alias_write),
	A(data_call), A(bss_call), A(rodata_call), A(sealed_call), A(text_alias_call), A(vdso_call), A(heap_call), A(page_call),
	A(vmap_call), A(init_call), A(stack_call), A(percpu_call),
	A(user_read), A(user_write), A(user_call), A(null_read), A(null_write), A(null_call), A(null_member), A(low_read),
	A(hole_read), A(hole_write), A(hole_call), A(nowhere_read), A(nowhere_write), A(nowhere_call),
	A(stack_guard_read), A(stack_guard_write), A(stack_end_write), A(vmap_guard_write), A(stack_smash), A(canary_per_thread),
	A(slab_overrun), A(slab_write_after_free), A(slab_double_free), A(slab_wrong_cache), A(free_list_overwritten),
	A(kfree_of_page_inside), A(kfree_inside_object), A(kfree_of_stack), A(page_double_free), A(page_free_while_used),
	A(copy_out_slab), A(copy_in_slab), A(copy_out_slab_inside), A(copy_out_kmalloc), A(copy_out_text), A(copy_out_text_alias),
	A(copy_in_text), A(copy_out_stack), A(uio_out_slab),
	A(kernel_as_user_write), A(kernel_as_user_read), A(linear_as_user_read), A(nowhere_as_user_read),
	A(last_bytes_as_user_read), A(wrapping_user_read), A(kernel_as_user_string),
	A(ref_overflow), A(ref_of_the_dead), A(ref_below_zero), A(memory_as_device),
};

static void attack_thread(void *arg)
{
	atomic_store(&attacker, current);
	((void (*)(void))(vaddr_t)arg)();
	end_attacker();
}

static void attack(const char *name, void (*fn)(void))
{
	struct thread *t = thread_create("attacker", attack_thread, (void *)(vaddr_t)fn, -1);

	reason[0] = aimed[0] = '\0';
	if (!t) {
		log_err("attack: %s: no thread", name);
		return;
	}
	thread_start(t);
	thread_join(t);
	atomic_store(&attacker, NULL);
	if (broken_link)
		*broken_link = link_was;
	broken_link = NULL;
	log_notice("attack: %s: target %s: %s%s", name, aimed[0] ? aimed : "-", reason[0] ? "stopped: " : "NOT STOPPED", reason);
}

void attack_if_asked(void)
{
	const char *name = cmdline_get("attack");

	if (!cmdline_has("attack"))
		return;
	for (unsigned i = 0; i < ARRAY_LEN(attacks); i++)
		if (!name || !*name || !strcmp(attacks[i].name, name))
			attack(attacks[i].name, attacks[i].fn);
	log_notice("attack: all %u done", (unsigned)ARRAY_LEN(attacks));
	power_off();
}
