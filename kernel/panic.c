/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panic, warnings and backtraces. Panic is for our own broken promises: it prints the reason,
 * registers and a symbolised backtrace, stops the other CPUs and then does what panic= says:
 * 0 stays, N > 0 resets after N seconds, N < 0 resets at once.
 */
#include <arch/boot.h>
#include <kernel/attack.h>
#include <kernel/boot.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/power.h>
#include <kernel/symbols.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/string.h>

#define FRAMES_MAX 24u

static u32 panic_owner;			/* [a] CPU id + 1 of the first to panic */

const char *symbol_lookup(vaddr_t pc, u64 *offset)
{
	const struct symbol_table *t = &kernel_symbols;
	u32 low = 0, high = t->count;
	vaddr_t base = t->base + image_slide;

	if (!t->count || pc < base + t->offsets[0] || pc >= (vaddr_t)__image_end)
		return NULL;
	while (high - low > 1) {		/* offsets[low] <= pc < offsets[high] */
		u32 mid = low + (high - low) / 2;

		if (base + t->offsets[mid] <= pc)
			low = mid;
		else
			high = mid;
	}
	*offset = pc - base - t->offsets[low];
	return t->names + t->name_offsets[low];
}

void backtrace_print_pcs(const vaddr_t *pcs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		/* A return address may lie behind its function, when the call never returns. */
		unsigned back = i > 0;
		u64 offset = 0;
		const char *name = symbol_lookup(pcs[i] - back, &offset);

		offset += back;
		if (name)
			log_write(LOG_EMERG, "  #%u 0x%016llx %s+0x%llx", i, (unsigned long long)pcs[i],
				  name, (unsigned long long)offset);
		else
			log_write(LOG_EMERG, "  #%u 0x%016llx", i, (unsigned long long)pcs[i]);
	}
}

void backtrace_print(const struct arch_regs *regs)
{
	vaddr_t pcs[FRAMES_MAX];

	backtrace_print_pcs(pcs, arch_backtrace(regs, pcs, FRAMES_MAX));
}

void warn_report(const char *cond, const char *file, int line)
{
	log_warn("warning: %s at %s:%d", cond, file, line);
	backtrace_print(NULL);
}

static __noreturn void panic_end(void)
{
	const char *word = cmdline_get("panic");
	bool negative = word && word[0] == '-';
	u64 seconds = 0;

	if (word && parse_u64(word + negative, 10, &seconds))
		seconds = 0;
	if (!seconds)
		for (;;)
			arch_cpu_stop();
	if (!negative)
		delay_us(seconds * 1000000);
	arch_machine_reset();
}

static __noreturn void panic_v(const struct arch_regs *regs, const char *fmt, va_list ap)
{
	struct thread *t;
	char reason[256];
	u32 none = 0, me;

	attack_caught(fmt, ap);
	(void)arch_irq_save();
	me = arch_cpu_self()->id + 1;
	if (!atomic_cmpxchg(&panic_owner, &none, me)) {
		if (none == me) {		/* a fault inside the panic: say so and stop */
			static const char again[] = "\r\npanic while panicking\r\n";

			for (size_t i = 0; i < sizeof(again) - 1; i++)
				arch_early_putc(again[i]);
		}
		arch_cpu_stop();
	}
	log_panic_mode();
	ipi_stop_others();
	vsnprintf(reason, sizeof(reason), fmt, ap);
	t = current;
	log_write(LOG_EMERG, "Kernel panic - not syncing: %s", reason);
	log_write(LOG_EMERG, "cpu %u, thread %s (%d)", me - 1, t ? t->name : "none", t ? (int)t->tid : 0);
	if (regs)
		arch_regs_print(regs);
	backtrace_print(regs);
	if (image_slide)
		log_write(LOG_EMERG, "Kernel Offset: 0x%llx from 0x%llx", (unsigned long long)image_slide,
			  (unsigned long long)((vaddr_t)__image_start - image_slide));
	else
		log_write(LOG_EMERG, "Kernel Offset: disabled");
	log_write(LOG_EMERG, "---[ end Kernel panic - not syncing: %s ]---", reason);
	panic_end();
}

__noreturn void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_v(NULL, fmt, ap);
}

__noreturn void panic_regs(const struct arch_regs *regs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_v(regs, fmt, ap);
}

/* Called by compiled code when a stack canary was overwritten. */
__noreturn void __stack_chk_fail(void);
__noreturn void __stack_chk_fail(void)
{
	panic("stack canary of thread %s overwritten", current->name);
}
