/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Noise sources: who they are, their health tests, what they are credited. A source is believed
 * after its start-up test and as long as no test fails; failing data is still mixed in (it
 * cannot harm) but credited nothing. Sources: the CPU's instruction, the firmware's seed (the
 * loader's conditioned output: no start-up test possible), clock jitter, interrupt arrival
 * times, and what drivers hand to random_add.
 * Lock: source_lock guards the table of drivers' sources; the event state is per CPU.
 */
#include <arch/boot.h>
#include <arch/clock.h>
#include <arch/random.h>
#include <kernel/cpu.h>
#include <kernel/daemon.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <lib/bits.h>
#include <lib/string.h>
#include "health.h"
#include "pool.h"

#define SOURCES_MAX 8
#define EVENTS_PER_FLUSH 64u
#define EVENT_BITS_PER_FLUSH 8u		/* an eighth of a bit an interrupt */
#define JITTER_BITS_SHIFT 3		/* an eighth of a bit a sample */

struct source {
	char name[16];
	struct health health;
	bool is_reported;
};
static struct spinlock source_lock = SPINLOCK_INIT("random sources", LOCK_RANDOM);
static struct source sources[SOURCES_MAX];	/* source_lock */

struct events {			/* own CPU, interrupts off */
	u64 mix[4];
	u64 last;
	u32 count;
	struct health health;
};
static DEFINE_PERCPU(struct events, random_events) = { .health = { .bits_per_sample = 1 } };

/* With source_lock held. */
static struct source *source_find(const char *name)
{
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		struct source *s = &sources[i];

		if (s->name[0] == '\0') {
			strlcpy(s->name, name, sizeof(s->name));
			health_init(&s->health, 4);
			return s;
		}
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* Runs the tests over all bytes; true: may be credited. *report: say once that it failed. */
static bool source_judge(const char *name, const u8 *p, size_t n, bool *report)
{
	unsigned long flags = spin_lock_irqsave(&source_lock);
	struct source *s = source_find(name);
	bool good = s != NULL;

	*report = false;
	for (size_t i = 0; s && i < n; i++)
		good &= health_sample(&s->health, p[i]);
	if (s && !good && !s->is_reported)
		*report = s->is_reported = true;
	good = good && health_is_good(&s->health);
	spin_unlock_irqrestore(&source_lock, flags);
	return good;
}

void random_add(const char *source, const void *data, size_t n, u32 bits)
{
	bool report, good = source_judge(source, data, n, &report);

	if (report)
		log_warn("random: source %s failed a health test, no entropy credited", source);
	pool_add(data, n, good ? (u32)min((size_t)bits, n * 8) : 0);
}

static void events_flush(struct events *e)
{
	u32 bits = health_is_good(&e->health) ? EVENT_BITS_PER_FLUSH : 0;

	e->count = 0;
	pool_add(e->mix, sizeof(e->mix), bits);
}

void __hot random_add_event(u64 value)
{
	struct events *e = percpu(random_events);
	u64 ticks = arch_clock_read(), delta = ticks - e->last;
	unsigned i = e->count & 3;

	e->last = ticks;
	e->mix[i] = (e->mix[i] << 19 | e->mix[i] >> 45) ^ (ticks + value * 0x9e3779b97f4a7c15ull);
	(void)health_sample(&e->health, (u8)delta);	/* a failure restarts the start-up count */
	if (++e->count >= EVENTS_PER_FLUSH)
		events_flush(e);
}

void jitter_collect(u32 max_samples)
{
	static const char name[] = "jitter";
	u8 samples[64];
	u64 last = arch_clock_read();
	u32 fill = 0;

	while (max_samples-- > 0 && !random_is_ready()) {
		u64 now, work = last;

		/* Work whose time depends on caches, pipelines and whatever else the machine does. */
		for (unsigned i = 0; i < 16 + (last & 15); i++) {
			work = work * 6364136223846793005ull + 1442695040888963407ull;
			WRITE_ONCE(samples[work >> 58], samples[work >> 58]);
		}
		now = arch_clock_read();
		samples[fill++] = (u8)(now - last);
		last = now;
		if (fill == sizeof(samples)) {
			random_add(name, samples, fill, fill >> JITTER_BITS_SHIFT);
			fill = 0;
		}
	}
}

/* Bits credited for a byte: seed sources in full, generators behind them by half. */
static u32 cpu_source_bits(const char *name)
{
	return strcmp(name, "rdseed") == 0 || strcmp(name, "rndrrs") == 0 ? 8 : 4;
}

static void add_cpu_source(void)
{
	const char *name = arch_random_name();
	u8 buf[64];
	u32 bits = 0;

	if (name == NULL)
		return;
	/* The start-up test's samples, then what is credited. */
	for (unsigned done = 0; done < HEALTH_STARTUP + 2 * sizeof(buf); done += sizeof(buf)) {
		size_t n = arch_random_bytes(buf, sizeof(buf));

		if (n == 0)
			break;
		random_add(name, buf, n, (u32)n * cpu_source_bits(name));
		bits += (u32)n;
	}
	log_info("random: CPU source %s, %u bytes taken", name, bits);
	wipe(buf, sizeof(buf));
}

#define REFILL_BYTES 64u
#define REFILL_NS (60 * NSEC_PER_SEC)
#define JITTER_ROUND 512u	/* samples */

/* New input for a generator that runs; until it is ready, what the clock's jitter gives too. */
static u64 entropy_round(void)
{
	const char *name = arch_random_name();
	u8 buf[REFILL_BYTES];

	if (name) {
		size_t n = arch_random_bytes(buf, sizeof(buf));

		if (n)
			random_add(name, buf, n, (u32)n * cpu_source_bits(name));
		wipe(buf, sizeof(buf));
	}
	if (random_is_ready())
		return REFILL_NS;
	jitter_collect(JITTER_ROUND);
	return NSEC_PER_SEC;
}

const struct daemon daemon_entropy = {
	.name = "entropy", .description = "feeds the random generator",
	.round = entropy_round, .watchdog_ns = 10 * NSEC_PER_SEC,
};

void random_init(void)
{
	u64 clock = arch_clock_read();

	pool_add(&clock, sizeof(clock), 0);
	pool_add(&boot_info.entry_ticks, sizeof(boot_info.entry_ticks), 0);
	if (boot_info.seed_len) {
		u32 n = min(boot_info.seed_len, (u32)sizeof(boot_info.seed));

		log_info("random: %u bytes of firmware seed", n);
		pool_add(boot_info.seed, n, n * 8);
		wipe(boot_info.seed, sizeof(boot_info.seed));
		boot_info.seed_len = 0;
	}
	add_cpu_source();
}
