/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs: announcing them, their blocks and per-CPU data, starting them, and the scheduler's set-up on
 * each. The boot CPU's block and thread exist in the image. Per-CPU data of the others is a copy
 * of the template as it was before anybody used it, taken when the first CPU is announced.
 * No locks: all of this runs on the boot CPU, except sched_cpu_init's own part.
 */
#include "runq.h"
#include <arch/boot.h>
#include <kernel/boot.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/time.h>
#include <lib/format.h>
#include <lib/string.h>
#include <uapi/errno.h>
#include <uapi/sched.h>

#define PERCPU_MAX 65536u
#define START_TIMEOUT_NS NSEC_PER_SEC

struct cpu cpu_boot = { .running = &boot_thread, .self = &cpu_boot };
struct thread boot_thread = {
	.cpu = &cpu_boot,
	.name = "boot",
	.state = THREAD_RUNNABLE,
	.on_cpu = 1,
	.wake_lock = SPINLOCK_INIT("thread wake", LOCK_THREAD),
	.rq_link = LIST_INIT(boot_thread.rq_link),
	.refs = REFCOUNT_INIT(2),	/* never freed: its stack belongs to the image */
	.all_link = LIST_INIT(boot_thread.all_link),
	.process_link = LIST_INIT(boot_thread.process_link),
	.sig_pending = { .queue = LIST_INIT(boot_thread.sig_pending.queue) },
	.exited = { .q = WAITQ_INIT(boot_thread.exited.q) },
	.affinity = ~0ull,
	.allowed = ~0ull,
	.sched_slot = SLOT_SYSTEM,
	.group = &group_root,
	.cred = &cred_init,
};

struct cpu *cpu_table[MAX_CPUS] = { &cpu_boot };
unsigned cpu_count = 1;
cpumask_t cpu_online_mask;
static bool is_running;		/* [a] */
static u8 percpu_pristine[PERCPU_MAX] __aligned(4096);
static size_t percpu_size;
static u64 announced[MAX_CPUS];	/* hardware ids by index; 0 is the boot CPU */
static struct cpu_topology topology[MAX_CPUS];	/* by index, as announced */
static unsigned nr_announced, nr_ignored;

bool sched_is_running(void)
{
	return atomic_load(&is_running);
}

static void save_template(void)
{
	percpu_size = (size_t)(__percpu_end - __percpu_start);
	assert(percpu_size <= sizeof(percpu_pristine));
	memcpy(percpu_pristine, __percpu_start, percpu_size);
	announced[0] = cpu_boot.hwid = boot_info.boot_hwid;
	nr_announced = 1;
}

void cpu_register(u64 hwid)
{
	if (nr_announced == 0)
		save_template();
	for (unsigned i = 0; i < nr_announced; i++)
		if (announced[i] == hwid)
			return;
	if (nr_announced == MAX_CPUS) {
		nr_ignored++;
		return;
	}
	topology[nr_announced] = (struct cpu_topology){ .core = nr_announced };
	announced[nr_announced++] = hwid;
}

void cpu_set_topology(u64 hwid, const struct cpu_topology *t)
{
	for (unsigned i = 0; i < nr_announced; i++)
		if (announced[i] == hwid)
			topology[i] = *t;
}

const struct cpu_topology *cpu_topology(unsigned id) { return &topology[id]; }

static bool cpu_prepare(unsigned id)
{
	size_t size = align_up(percpu_size, (size_t)PAGE_SIZE);
	struct cpu *cpu = kzalloc(sizeof(*cpu), 0);
	char *area = kmalloc(size, 0), name[THREAD_NAME_MAX];
	struct thread *idle;

	snprintf(name, sizeof(name), "idle/%u", id);
	idle = cpu && area ? thread_alloc(name) : NULL;
	if (idle == NULL) {
		kfree(area);
		kfree(cpu);
		log_err("cpu%u: no memory", id);
		return false;
	}
	memcpy(area, percpu_pristine, percpu_size);
	cpu->self = cpu;
	cpu->id = id;
	cpu->hwid = announced[id];
	cpu->percpu_offset = (vaddr_t)area - (vaddr_t)__percpu_start;
	cpu->idle = cpu->running = idle;
	idle->cpu = cpu;
	idle->affinity = idle->allowed = cpu_mask(id);
	idle->state = THREAD_RUNNABLE;
	idle->on_cpu = 1;
	cpu->canary = idle->canary;
	cpu_table[id] = cpu;
	return true;
}

int cpu_start(unsigned id)
{
	struct cpu *cpu = cpu_table[id];
	u64 give_up = time_ns() + START_TIMEOUT_NS;
	int err = arch_cpu_start(cpu);

	if (err) {
		log_err("cpu%u (hardware id %#llx): firmware does not start it: error %d", id,
			(unsigned long long)cpu->hwid, err);
		return err;
	}
	while (!(atomic_load(&cpu_online_mask) & cpu_mask(id))) {
		if (time_ns() > give_up) {
			log_err("cpu%u (hardware id %#llx) did not come up within 1 s", id,
				(unsigned long long)cpu->hwid);
			return -EIO;
		}
		arch_cpu_relax();
	}
	return 0;
}

/* Threads may run on CPUs that came, or must leave one that goes. */
static int refresh_one(struct thread *t, void *arg)
{
	sched_refresh_allowed(t);
	return 0;
}

void sched_refresh_all(void) { (void)thread_for_each(refresh_one, NULL); }

void cpu_start_all(void)
{
	u64 limit = cmdline_u64("maxcpus", MAX_CPUS);
	unsigned wanted;

	wanted = (unsigned)clamp(limit, (u64)1, (u64)nr_announced);
	if (nr_ignored)
		log_warn("smp: %u CPUs beyond the %u this kernel can use", nr_ignored, MAX_CPUS);
	for (unsigned id = 1; id < wanted; id++) {
		if (!cpu_prepare(id))
			break;
		cpu_count = id + 1;
		(void)cpu_start(id);
	}
	sched_refresh_all();
	log_info("smp: %u of %u CPUs online", popcount64(atomic_load(&cpu_online_mask)),
		 nr_announced);
}

void sched_cpu_init(struct cpu *cpu)
{
	struct runq *rq = runq_of(cpu);

	spin_init(&rq->lock, "run queue", LOCK_RUNQ);
	rq->cpu = cpu;
	rq->idle = cpu->idle;
	rq->running = cpu->running ? cpu->running : cpu->idle;
	rq->running->exec_start_ns = time_ns();
	rq->running->mode_stamp = arch_clock_read();
	rq->event_ns = rq->release_ns = U64_MAX;
	overdue_init(rq);
	settings_install(rq);
}

/* The boot thread becomes the boot CPU's idle thread: kernel_main ends in sched_idle_loop. */
void sched_init(void)
{
	if (nr_announced == 0)
		save_template();
	mutex_init(&sched_admin_lock, "scheduler settings", LOCK_SCHED_ADMIN);
	settings_read_cmdline();
	cpu_boot.idle = &boot_thread;
	boot_thread.start_ns = time_ns();
	sched_cpu_init(&cpu_boot);
}

void cpu_mark_online(struct cpu *cpu)
{
	atomic_store(&is_running, true);
	atomic_store(&cpu->is_online, true);
	/* Release: whoever sees the bit may use the CPU's run queue; pairs with cpu_start and placement. */
	atomic_fetch_or(&cpu_online_mask, cpu_mask(cpu->id));
	atomic_fetch_or(&cpu_active_mask, cpu_mask(cpu->id));
}
