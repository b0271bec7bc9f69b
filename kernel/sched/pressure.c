/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pressure stall information for the CPU (Linux, Documentation/accounting/psi): for what part of the time somebody who
 * could run had to wait. Each run queue notes when it begins and ceases to have waiting threads; over a
 * window the CPUs count by how busy they were. Averages are caught up every two seconds by whoever switches, or asks.
 * Nothing is ever "full": while threads wait for a CPU others run on it. Lock: pressure_lock, raw, for the sums.
 */
#include "runq.h"
#include <kernel/procfs.h>

#define WINDOW_NS (2 * NSEC_PER_SEC)
#define WINDOWS_MAX 1024u		/* after so many nothing of the past is left */
#define SHIFT 11
#define ONE (1u << SHIFT)

/* exp(-2 s / 10, 60, 300 s) * 2048 */
static const u32 decay[3] = { 1677, 1981, 2034 };
static struct spinlock pressure_lock = SPINLOCK_INIT("pressure", LOCK_RUNQ);
static struct {
	u64 waited_ns, idle_ns;
} seen[MAX_CPUS];			/* pressure_lock: at the last window's end */
static u64 window_start_ns;		/* [a] */
static u64 total_ns, average[3];	/* pressure_lock; averages in 1/2048 of a percent */

static u64 waited_until(struct runq *rq, u64 now)
{
	u64 since = atomic_load(&rq->waiting_since_ns);

	return atomic_load(&rq->waiting_ns) + (since && since < now ? now - since : 0);
}

static u64 idle_until(struct runq *rq, u64 now)
{
	u64 idle = atomic_load(&rq->stats.idle_ns), since = atomic_load(&rq->idle->exec_start_ns);

	return idle + (atomic_load(&rq->running) == rq->idle && since < now ? now - since : 0);
}

/* Stalled time since the window began; keeps: this is the window's end. */
static u64 stalled(u64 now, u64 length, bool keeps)
{
	u64 busy_sum = 0, stalled_sum = 0;
	struct cpu *cpu;

	cpu_for_each(cpu, atomic_load(&cpu_online_mask)) {
		struct runq *rq = runq_of(cpu);
		u64 waited = waited_until(rq, now), idle = idle_until(rq, now), busy, stall;

		stall = min(waited - min(waited, seen[cpu->id].waited_ns), length);
		busy = length - min(idle - min(idle, seen[cpu->id].idle_ns), length);
		busy_sum += busy >> 10;		/* about microseconds: the product fits */
		stalled_sum += (stall >> 10) * (busy >> 10);
		if (keeps) {
			seen[cpu->id].waited_ns = waited;
			seen[cpu->id].idle_ns = idle;
		}
	}
	return busy_sum ? (stalled_sum / busy_sum) << 10 : 0;
}

/* Interrupts off. */
static void end_window(u64 now)
{
	u64 length = now - window_start_ns, part = stalled(now, length, true), percent;

	total_ns += part;
	percent = min(part >> 10, length >> 10) * 100 * ONE / max(length >> 10, 1ull);
	for (u64 n = min(length / WINDOW_NS, (u64)WINDOWS_MAX); n > 0; n--)
		for (unsigned i = 0; i < 3; i++)
			average[i] = (average[i] * decay[i] + percent * (ONE - decay[i])) >> SHIFT;
	atomic_store(&window_start_ns, now);
}

void pressure_update(u64 now)
{
	unsigned long flags;

	if (now < atomic_load(&window_start_ns) + WINDOW_NS)
		return;
	flags = arch_irq_save();
	if (spin_trylock_raw(&pressure_lock)) {		/* else another one is at it */
		if (now >= window_start_ns + WINDOW_NS)
			end_window(now);
		spin_unlock_raw(&pressure_lock);
	}
	arch_irq_restore(flags);
}

int pressure_cpu_show(struct text *t, void *arg)
{
	unsigned long flags;
	u64 now = time_ns(), total, avg[3];

	pressure_update(now);
	flags = arch_irq_save();
	spin_lock_raw(&pressure_lock);
	total = total_ns + stalled(now, now - min(now, window_start_ns), false);
	for (unsigned i = 0; i < 3; i++)
		avg[i] = average[i];
	spin_unlock_raw(&pressure_lock);
	arch_irq_restore(flags);
	text_printf(t, "some avg10=%u.%02u avg60=%u.%02u avg300=%u.%02u total=%llu\n",
		    (unsigned)(avg[0] >> SHIFT), (unsigned)((avg[0] & (ONE - 1)) * 100 >> SHIFT),
		    (unsigned)(avg[1] >> SHIFT), (unsigned)((avg[1] & (ONE - 1)) * 100 >> SHIFT),
		    (unsigned)(avg[2] >> SHIFT), (unsigned)((avg[2] & (ONE - 1)) * 100 >> SHIFT),
		    (unsigned long long)(total / NSEC_PER_USEC));
	text_printf(t, "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	return 0;
}

u64 pressure_cpu_total(void *arg, unsigned kind)
{
	unsigned long flags;
	u64 now = time_ns(), total;

	(void)arg;
	if (kind)
		return 0;
	pressure_update(now);
	flags = arch_irq_save();
	spin_lock_raw(&pressure_lock);
	total = total_ns + stalled(now, now - min(now, window_start_ns), false);
	spin_unlock_raw(&pressure_lock);
	arch_irq_restore(flags);
	return total;
}
