/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduling trace: a ring per CPU of what happened there, switches and wake-ups, as text in
 * /proc/sched_trace. Off it costs a test per switch; /proc/sys/kernel/sched_trace turns it on, with rings of so many
 * records (0: off; the records stay until it is turned on again). ci/boot --trace makes pictures of it.
 *
 * A line: time in ns, CPU, then
 *	S LEFT STATE CAME CLASS NICE PRIORITY LEVEL DEADLINE	a switch; STATE as in /proc, P: parked until its next
 *							period; DEADLINE absolute, 0 none
 *	W WHO TO						a wake-up or a period's begin, on that CPU
 *	P NAME							another system policy
 * A thread is "TID:NAME" (0 for the kernel's).
 * Locks: a ring is its CPU's, interrupts off. Turning on, off and reading, which only happens when it is off, exclude each
 * other by a flag, not a lock: the reader comes with its file's lock and allocates.
 */
#include "runq.h"
#include <kernel/epoch.h>
#include <kernel/mm.h>
#include <kernel/procfs.h>
#include <lib/string.h>
#include <uapi/errno.h>

#define RECORDS_MAX 32768u	/* the page allocator's largest block holds them */

enum record_kind { RECORD_SWITCH, RECORD_WAKE, RECORD_POLICY };

struct trace_who {
	s32 tid;
	char name[THREAD_NAME_MAX];
};
struct trace_record {
	u64 ns;
	u64 deadline_ns;
	struct trace_who left, came;
	u8 kind, cpu;			/* cpu: where a woken thread goes */
	char state;
	u8 sched_class;
	s8 nice;
	u8 priority, level;
};
struct trace_ring {
	u64 count;			/* written so far */
	u32 size;
	struct trace_record *records;	/* changed while off */
};
static DEFINE_PERCPU(struct trace_ring, trace_rings);
static bool is_taken;			/* [a] somebody turns it on or off, or reads */
bool sched_trace_on;			/* [a] */

static struct trace_record *next_record(enum record_kind kind, u64 ns)
{
	struct trace_ring *ring = percpu_of(trace_rings, arch_cpu_self());
	struct trace_record *r;

	if (!ring->size)
		return NULL;		/* a CPU that came up since */
	r = &ring->records[ring->count++ % ring->size];
	*r = (struct trace_record){ .ns = ns, .kind = (u8)kind };
	return r;
}

static void set_who(struct trace_who *w, const struct thread *t)
{
	w->tid = t->tid;
	memcpy(w->name, t->name, sizeof(w->name));
}

void trace_switch(u64 ns, const struct thread *left, const struct thread *came)
{
	struct trace_record *r = next_record(RECORD_SWITCH, ns);

	if (!r)
		return;
	set_who(&r->left, left);
	set_who(&r->came, came);
	r->state = left->sched_slot == SLOT_DEADLINE && left->deadline.is_parked ? 'P' : thread_state_letter(left);
	r->sched_class = (u8)came->sched_class;
	r->nice = (s8)came->nice;
	r->priority = (u8)came->rt_priority;
	r->level = (u8)came->level;
	r->deadline_ns = came->sched_slot == SLOT_DEADLINE ? came->deadline.absolute_ns : 0;
}

void trace_wake(const struct thread *t, const struct cpu *to)
{
	struct trace_record *r = next_record(RECORD_WAKE, time_ns());

	if (!r)
		return;
	set_who(&r->came, t);
	r->cpu = (u8)to->id;
}

void trace_policy(const char *name)
{
	unsigned long flags = arch_irq_save();
	struct trace_record *r = next_record(RECORD_POLICY, time_ns());

	if (r)
		strlcpy(r->came.name, name, sizeof(r->came.name));
	arch_irq_restore(flags);
}

static void free_rings(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		struct trace_ring *ring = percpu_of(trace_rings, cpu_table[i]);

		kfree(ring->records);
		*ring = (struct trace_ring){ 0 };
	}
}

static int make_rings(u32 size)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		struct trace_ring *ring = percpu_of(trace_rings, cpu_table[i]);

		ring->records = kcalloc(size, sizeof(*ring->records), 0);
		if (!ring->records) {
			free_rings();
			return -ENOMEM;
		}
		ring->size = size;
	}
	return 0;
}

int sched_trace_set(u32 size)
{
	int err = 0;

	if (size > RECORDS_MAX)
		return -EINVAL;
	if (atomic_xchg(&is_taken, true))
		return -EBUSY;
	atomic_store(&sched_trace_on, false);
	epoch_wait();			/* nobody writes any more */
	if (size) {
		free_rings();
		err = make_rings(size);
		/* Release: whoever sees it on sees the rings. */
		if (!err)
			atomic_store_release(&sched_trace_on, true);
	}
	atomic_store_release(&is_taken, false);		/* pairs with the exchange that takes it */
	return err;
}

u32 sched_trace_size(void) { return atomic_load(&sched_trace_on) ? percpu_of(trace_rings, &cpu_boot)->size : 0; }

/* Names may hold anything: what would cut the line into other fields becomes '_'. */
static void print_who(struct text *t, const struct trace_who *w)
{
	char name[THREAD_NAME_MAX];

	for (unsigned i = 0; i < sizeof(name); i++)
		name[i] = w->name[i] == '\0' || (w->name[i] > ' ' && w->name[i] < 0x7f) ? w->name[i] : '_';
	name[sizeof(name) - 1] = '\0';
	text_printf(t, " %d:%s", (int)w->tid, name[0] ? name : "_");
}

static void print_record(struct text *t, unsigned cpu, const struct trace_record *r)
{
	text_printf(t, "%llu %u", (unsigned long long)r->ns, cpu);
	switch (r->kind) {
	case RECORD_SWITCH:
		text_printf(t, " S");
		print_who(t, &r->left);
		text_printf(t, " %c", r->state);
		print_who(t, &r->came);
		text_printf(t, " %u %d %u %u %llu\n", r->sched_class, r->nice, r->priority, r->level,
			    (unsigned long long)r->deadline_ns);
		break;
	case RECORD_WAKE:
		text_printf(t, " W");
		print_who(t, &r->came);
		text_printf(t, " %u\n", r->cpu);
		break;
	default:
		text_printf(t, " P %s\n", r->came.name);
	}
}

int sched_trace_show(struct text *t, void *arg)
{
	int err = 0;

	if (atomic_xchg(&is_taken, true))
		return -EBUSY;
	if (atomic_load(&sched_trace_on))
		err = -EBUSY;
	for (unsigned i = 0; !err && i < cpu_count; i++) {
		const struct trace_ring *ring = percpu_of(trace_rings, cpu_table[i]);
		u64 first = ring->count > ring->size ? ring->count - ring->size : 0;

		for (u64 n = first; n < ring->count; n++)
			print_record(t, i, &ring->records[n % ring->size]);
	}
	atomic_store_release(&is_taken, false);
	return err;
}
