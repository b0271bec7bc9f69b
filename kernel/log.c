/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel log: records in a ring of bytes, printed to consoles as they come. Records are
 * stored under log_lock and printed under console_lock by whoever gets it, so that a writer
 * never waits for a slow console that another CPU is feeding. Not for user programs' output.
 */
#include <arch/boot.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/string.h>

#define RING_SIZE (64u * 1024)
#define RECORDS_MAX 1024u	/* a power of two */
#define TEXT_MAX 480u

struct record {			/* in the ring, 8-byte aligned, never wrapping */
	u64 time_ns;
	u16 len;		/* of the text */
	u8 level, cpu;
	u32 size;		/* of the record */
	char text[];
};

static u8 ring[RING_SIZE] __aligned(8);		/* log_lock guards all down to log_lock itself */
static u32 offset_of[RECORDS_MAX];		/* of record seq, at seq % RECORDS_MAX */
static u64 head_seq, tail_seq;			/* next to write; oldest kept */
static u32 head;				/* where the next record goes if it fits */
static struct spinlock log_lock = SPINLOCK_INIT("log", LOCK_LOG);

static struct list consoles = LIST_INIT(consoles);	/* whoever set console_busy */
static u64 console_seq;				/* the same; next record to print */
static u32 console_busy;			/* [a] 1: somebody prints */
static bool panicking;
static unsigned console_level = 7;

static u32 *offset_slot(u64 seq) { return &offset_of[seq % RECORDS_MAX]; }
static struct record *record_at(u64 seq) { return (struct record *)(ring + *offset_slot(seq)); }

/* Room for size bytes at head without wrapping; drops old records in the way. */
static struct record *reserve(u32 size)
{
	if (RING_SIZE - head < size) {
		/* Those that lie between head and the end are older than those at the start. */
		while (tail_seq != head_seq && *offset_slot(tail_seq) >= head)
			tail_seq++;
		head = 0;
	}
	while (tail_seq != head_seq &&
	       ((*offset_slot(tail_seq) >= head && *offset_slot(tail_seq) < head + size) ||
		head_seq - tail_seq == RECORDS_MAX))
		tail_seq++;
	*offset_slot(head_seq) = head;
	return record_at(head_seq);
}

static unsigned long ring_lock(void)
{
	return panicking ? arch_irq_save() : spin_lock_irqsave(&log_lock);
}

static void ring_unlock(unsigned long flags)
{
	if (panicking)
		arch_irq_restore(flags);
	else
		spin_unlock_irqrestore(&log_lock, flags);
}

static void store(enum log_level level, const char *text, size_t len)
{
	u32 size = align_up((u32)(sizeof(struct record) + len), 8u);
	u64 now = time_ns();
	unsigned long flags = ring_lock();
	struct record *r = reserve(size);

	r->time_ns = now;
	r->level = (u8)level;
	r->cpu = (u8)arch_cpu_self()->id;
	r->len = (u16)len;
	r->size = size;
	memcpy(r->text, text, len);
	head += size;
	atomic_store_release(&head_seq, head_seq + 1);	/* pairs with the acquire in print_pending */
	ring_unlock(flags);
}

/* The next record at or after *seq as "[sec.usec] text\n", with "<level>" in front if raw; 0: none. */
static size_t fetch(u64 *seq, char *buf, size_t size, bool raw, unsigned *level)
{
	unsigned long flags = ring_lock();
	size_t n = 0;

	if (*seq < tail_seq)
		*seq = tail_seq;
	if (*seq < head_seq) {
		const struct record *r = record_at((*seq)++);

		*level = r->level;
		if (raw)
			n = (size_t)scnprintf(buf, size, "<%u>", r->level);
		n += (size_t)scnprintf(buf + n, size - n, "[%5llu.%06llu] %.*s\n",
				       (unsigned long long)(r->time_ns / NSEC_PER_SEC),
				       (unsigned long long)(r->time_ns % NSEC_PER_SEC / 1000),
				       (int)r->len, r->text);
	}
	ring_unlock(flags);
	return n;
}

static void write_early(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			arch_early_putc('\r');
		arch_early_putc(text[i]);
	}
}

/* Prints everything not yet printed. One CPU at a time; a loser's record is printed by the winner. */
static void print_pending(void)
{
	char line[TEXT_MAX + 64];
	struct log_console *con;
	unsigned long flags;
	unsigned level = 0;
	size_t n;

	flags = arch_irq_save();
	while (!atomic_xchg(&console_busy, 1u) || panicking) {
		while ((n = fetch(&console_seq, line, sizeof(line), false, &level))) {
			if (level >= console_level && !panicking)
				continue;
			if (list_empty(&consoles))
				write_early(line, n);
			list_for_each(con, &consoles, link)
				con->write(con, line, n);
		}
		atomic_store_release(&console_busy, 0u);	/* pairs with the exchange above */
		/* A record stored after the last fetch but before the release has no other printer. */
		if (panicking || atomic_load_acquire(&head_seq) == console_seq)
			break;			/* acquire pairs with store() */
	}
	arch_irq_restore(flags);
}

static void log_vwrite(enum log_level level, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = min((size_t)n, sizeof(text) - 1);

	if (len && text[len - 1] == '\n')
		len--;
	store(level, text, len);
	print_pending();
}

void log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vwrite(level, fmt, ap);
	va_end(ap);
}

/* Keeps printers out while the list changes. */
static unsigned long consoles_freeze(void)
{
	unsigned long flags = arch_irq_save();

	while (atomic_xchg(&console_busy, 1u))
		arch_cpu_relax();
	return flags;
}

void log_console_register(struct log_console *con)
{
	unsigned long flags = consoles_freeze();

	/* The first console goes on where the early output stopped: mostly it is the same device. */
	if (!list_empty(&consoles))
		console_seq = 0;
	list_push_back(&consoles, &con->link);
	atomic_store_release(&console_busy, 0u);
	arch_irq_restore(flags);
	print_pending();
}

void log_console_unregister(struct log_console *con)
{
	unsigned long flags = consoles_freeze();

	list_remove(&con->link);
	atomic_store_release(&console_busy, 0u);
	arch_irq_restore(flags);
}

void log_set_console_level(unsigned level) { console_level = level; }
unsigned log_console_level(void) { return console_level; }

void log_panic_mode(void)
{
	panicking = true;
	atomic_store(&console_busy, 0u);
}

u64 log_seq_first(void) { return atomic_load(&tail_seq); }
u64 log_seq_next(void) { return atomic_load(&head_seq); }

size_t log_read(u64 *seq, char *buf, size_t size)
{
	char line[TEXT_MAX + 64];
	unsigned level;
	size_t n = min(fetch(seq, line, sizeof(line), true, &level), size);

	memcpy(buf, line, n);
	return n;
}
