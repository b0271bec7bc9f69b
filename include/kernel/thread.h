/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: what the scheduler runs. A user thread also belongs to a struct process
 * (kernel/process.h); a kernel thread's process is NULL.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <arch/thread.h>
#include <kernel/cpu.h>
#include <kernel/cred.h>
#include <kernel/epoch.h>
#include <kernel/group.h>
#include <kernel/lock.h>
#include <kernel/waitq.h>
#include <lib/rbtree.h>

#define KSTACK_SIZE 16384u		/* below it lies an unmapped guard page */
#define THREAD_NAME_MAX 16

enum thread_state {
	THREAD_NEW,		/* not yet started */
	THREAD_RUNNABLE,	/* running or in a run queue */
	THREAD_SLEEPING,	/* interruptible: S */
	THREAD_BLOCKED,		/* uninterruptible: D */
	THREAD_STOPPED,		/* job control: T */
	THREAD_TRACED,		/* stopped for its tracer: t */
	THREAD_DEAD,		/* will not run again; waits for its last reference */
};

/* thread.exit_work: why to call user_return_work before going back to user mode. */
#define WORK_RESCHED BIT(0)
#define WORK_SIGNAL BIT(1)	/* look for signals, stops, exit requests */
#define WORK_FPU BIT(2)		/* the CPU's FPU registers are not this thread's */
#define WORK_TRACE BIT(3)	/* debug registers are to be loaded */
#define WORK_THROTTLE BIT(4)	/* group is out of CPU time */
#define WORK_SIGMASK BIT(5)	/* put back saved_sigmask when no handler runs */
#define WORK_BEAT BIT(7)	/* set with WORK_RESCHED by the watchdog, and cleared with it: by schedule() alone */
#define WORK_CPU_TIMER BIT(8)	/* the process has deadlines on CPU time, and slept */
#define WORK_RSEQ BIT(6)	/* the rseq area is out of date, or its section was cut */

struct process;
struct tracee;
struct arch_debug;
struct aspace;
struct sched_policy;
struct robust_list_head;

/* A SCHED_DEADLINE thread's contract and where it stands (constant-bandwidth server; kernel/sched/deadline.c). ns. */
struct sched_deadline {
	u64 runtime_ns, relative_ns, period_ns;	/* relative_ns: the deadline after release */
	u64 flags;			/* SCHED_FLAG_DL_OVERRUN */
	u64 absolute_ns;		/* of the running job */
	u64 replenish_ns;		/* parked until then */
	s64 budget_ns;			/* what is left of runtime_ns */
	u32 bandwidth;			/* runtime / period, 20 fraction bits; 0: none admitted */
	u32 cpu;			/* the one that admitted it */
	bool is_parked;			/* budget used up, waits for replenish_ns */
	u64 overruns, misses;		/* budget used up before the job's end; ran past absolute_ns */
};

/*
 * Marks: [o] owner thread only, [q] its run queue's lock, [w] wake_lock, [s] process
 * signal lock, [a] atomic, [b] set at creation. The first line is read by assembly.
 */
struct thread {
	vaddr_t kstack_top;		/* [b] initial kernel stack pointer; arch_regs just below */
	u64 canary;			/* [b] */
	struct cpu *cpu;		/* [q] where it runs or last ran */
	u32 preempt_count;		/* [o] 0: may be preempted */
	u32 exit_work;			/* [a] WORK_* */
	u64 scratch;			/* [o] the architecture's entry code */
	struct arch_thread arch;	/* [o] */

	/* scheduling */
	u32 state;			/* [w] enum thread_state, read without */
	u32 on_cpu;			/* [a] 1 while its registers are live on a CPU; released by the switch */
	u32 on_rq;			/* [q] */
	struct cpu *fpu_cpu;		/* [o] CPU whose registers hold this thread's FPU state, if its fpu_owner agrees */
	struct spinlock wake_lock;
	struct thread *wake_next;	/* [a] link of a CPU's remote wake list */
	u32 sched_slot;			/* [q] which kind of policy orders it: enum sched_slot */
	u32 policy_seq;			/* [q] of the policy that the numbers below belong to */
	struct list rq_link;		/* [q] for list-based policies */
	struct list wait_link;		/* [q] of runq.waiting */
	struct rb_node rq_node;		/* [q] for tree-based policies */
	u64 vruntime, slice_ns;		/* [q] policy's numbers */
	u32 level, boost_seq;		/* [q] multi-level policies */
	u32 turn_share;			/* [q] its group's part in the length of its turns; SHARE_ONE: as long as nice says */
	u64 turn_ns;			/* [q] a whole turn by nice value and turn_share, as of when it came into the queue */
	struct group *load_group;	/* [q] whose load it counts in while queued or running; NULL: root or none */
	u32 sched_class;		/* [q] SCHED_* of the ABI */
	s32 nice;			/* [q] -20..19 */
	u32 rt_priority;		/* [q] 1..99 for FIFO/RR */
	u32 lent_priority;		/* [q] what waiters of its PI futexes lend: 1..99, 0 nothing */
	bool reset_on_fork;		/* [q] children start in the normal class */
	bool has_woken;			/* [o] woke somebody since it got the CPU */
	u8 handoffs;			/* [o] how often it lately slept right after waking somebody; 0..HANDOFF_MAX */
	struct sched_deadline deadline;	/* [q] SCHED_DEADLINE */
	cpumask_t affinity;		/* [q] as asked for */
	cpumask_t allowed;		/* [q] of these, where it may run now: never empty */
	u64 wait_start_ns;		/* [q] runnable, not running since; 0 none */
	u64 waited_ns, wait_max_ns, slept_since_ns;	/* [q] for /proc */
	u64 migrations, wakeups;	/* [q] */
	u64 exec_start_ns;		/* [q] when it got the CPU */
	u64 runtime_ns;			/* [q] total CPU time */
	u64 user_ticks, system_ticks;	/* [q] of the counter: time_span_ns makes nanoseconds; see stats_settle */
	u64 mode_stamp;			/* [q] tick up to which they count, while it runs */
	bool sampled_user;		/* [q] the mode in which it was last found: what it runs counts as that */
	u64 told_user, told_system;	/* [q] how much of them is in the CPUs' sums */
	u64 voluntary_switches, involuntary_switches;	/* [q] */
	u64 start_ns;			/* [b] monotonic */
	u64 slack_ns, default_slack_ns;	/* [o] how much later than asked its sleeps may end: prctl(PR_SET_TIMERSLACK) */

	struct refcount refs;
	struct epoch_head epoch;
	void *kstack;			/* [b] lowest mapped byte */
	char name[THREAD_NAME_MAX];	/* [o] comm; always NUL-terminated */
	struct list all_link;		/* thread list of the system, thread_list_lock */
	struct group *group;		/* [s] reference; moves under the tree lock too. Others: group_of_thread */
	struct group *memory_group;	/* [b] charged for its stack, reference; NULL: not counted */
	bool in_group, is_frozen;	/* [s] counted in the group; stands still because of it */
	struct aspace *aspace;		/* [o] NULL for kernel threads */
	u32 fault_disabled;		/* [o] > 0: page faults fail at once */
	u32 alloc_context;		/* [o] ALLOC_NO_FS / ALLOC_NO_IO / ALLOC_NO_FAIL scopes */
	int exit_code;			/* kernel threads: thread_join's answer */
	struct completion exited;	/* kernel threads */
	void *fs_private;		/* [o] a file system's running transaction */
#if CONFIG_DEBUG
	u32 fail_nth;			/* [o] which allocation from now on is to fail; 0 none */
	bool is_stack_painted;		/* [b] */
	u32 nr_held;			/* [o] locks held, for the rank checker */
	const void *held[16];		/* [o] */
	u8 held_rank[16];		/* [o] */
	u16 held_class[16];		/* [o] */
#endif

	/* user threads */
	struct process *process;	/* [b] */
	struct list process_link;	/* process.threads, process signal lock */
	pid_t tid;			/* [b] */
	struct cred *cred;		/* [o] reference; others read it in an epoch section */
	u64 sig_mask;			/* [s] blocked signals, bit n-1 */
	u64 saved_sigmask;		/* [o] with WORK_SIGMASK */
	struct sig_pending {
		u64 set;
		struct list queue;	/* struct sig_info */
	} sig_pending;			/* [s] */
	u64 altstack_sp, altstack_size;	/* [o] */
	u32 altstack_flags;
	u64 clear_tid;			/* [o] user address, CLONE_CHILD_CLEARTID */
	u64 robust_list;		/* [o] user address */
	struct pi_lock *pi_owned;	/* pi_spin (kernel/ipc/futex_pi.c): PI futexes it holds and others wait for */
	struct pi_waiter *pi_blocked;	/* pi_spin: where it waits for one */
	bool pi_over;			/* pi_spin: it may own none any more */
	u64 rseq;			/* [o] user address; 0 none */
	u32 rseq_sig, rseq_len;
	u32 rseq_cpu;			/* [o] the CPU number that was written there last */
	u32 rseq_cid, cid;		/* [o] the concurrency id written there; that which it holds while it runs. 1 more than it; 0 none */
	struct restart_block {		/* [o] for -ERESTART_RESTARTBLOCK */
		long (*fn)(struct restart_block *r);
		u64 arg[4];
	} restart;
	u64 rt_switches, rt_since_ns;	/* [s] RLIMIT_RTTIME: switches and CPU time when it last slept */
	struct completion *vfork_done;	/* parent waits here until exec or exit */
	u64 min_faults, maj_faults;	/* [o] */
	u32 io_stalled;			/* [o] > 0: waits for a disk (io_stall_begin) */
	u32 memory_stalled;		/* [o] > 0: waits for memory (memory_stall_begin); others look */
	u8 memory_heap_pages;		/* [b] charged to memory_group besides the stack */
	bool memory_over_high;		/* [o] with WORK_THROTTLE: pays for it on the way to user mode */
	u64 io_read_bytes, io_write_bytes, io_read_ops, io_write_ops;	/* [o] */
	u32 mempolicy;			/* [o] set_mempolicy: kernel/mm/policy.c */
	u32 syscall_nr;			/* [o] for diagnosis */
	u64 hung_switches, hung_since_ns;	/* the watchdog's last look */
	bool is_user;			/* [b] */
	struct arch_debug *debug;	/* [b] once made: what a debugger set in debug registers; by its tracer while it stops */
	u16 ioprio;			/* [a] ioprio_set: class and level */
	u8 trace_calls;			/* [o], or by its tracer while it stops: TRACE_CALLS_* of <kernel/trace_stop.h> */
	u8 trace_traps;			/* [s] TRACE_TRAP_* */
	struct tracee *tracee;		/* process tree lock and [s]: it is traced (kernel/proc/trace/) */
	bool job_counted;		/* [s] it took note of the stop of its process */
	void (*on_free)(struct thread *t);	/* [b] kernel/proc's part of the last thread_put, may sleep; NULL: none */
	bool exiting;			/* [s] */
	bool sig_exit_pending;		/* [s] group exit or exec asks this thread to go */
};

/* Runs kernel_main on the boot stack (its kstack_top is set by the boot code); .cpu is &cpu_boot in the image. */
extern struct thread boot_thread;

static inline struct thread *current_thread(void) { return arch_current(); }
#define current current_thread()

/*
 * Kernel thread, THREAD_NEW, one reference for the caller. fn's return ends it. NULL without
 * memory. cpu: index it is bound to, or -1. Sleeps.
 */
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg, int cpu);
/* Bare thread (stack, accounting, defaults inherited from current) for process creation; kernel/proc fills the rest. */
struct thread *thread_alloc(const char *name);
void thread_start(struct thread *t);
/* Ends the current thread (kernel threads: code for thread_join). */
__noreturn void thread_exit(int code);
/* Waits for a kernel thread to end, drops the caller's reference, returns its code. */
int thread_join(struct thread *t);
static inline struct thread *thread_get(struct thread *t) { ref_get(&t->refs); return t; }
void thread_put(struct thread *t);
/*
 * Makes t runnable if it sleeps in one of the states of mask (BIT(THREAD_SLEEPING) | …). Any
 * context. True if it was this call that woke it.
 */
bool thread_wake(struct thread *t, u32 state_mask);
/* t's debug registers, made at the first use; NULL without memory. */
struct arch_debug *thread_debug(struct thread *t);
/* Sets a WORK_ bit on t and makes sure t notices soon (IPI if it runs elsewhere). */
void thread_notify(struct thread *t, u32 work);
/* One letter for /proc: R S D T Z X I. */
char thread_state_letter(const struct thread *t);
/* Walks all threads under the list lock; fn must not sleep. Stops when fn returns nonzero and returns that. */
int thread_for_each(int (*fn)(struct thread *t, void *arg), void *arg);

#define PREEMPT_IRQ_SHIFT 16
static inline void preempt_disable(void)
{
	WRITE_ONCE(current->preempt_count, current->preempt_count + 1);
	barrier();
}
void preempt_resched(void);	/* the rare part of preempt_enable */
/* Switches now if a reschedule is due. */
static inline void preempt_enable(void)
{
	struct thread *t = current;

	barrier();
	WRITE_ONCE(t->preempt_count, t->preempt_count - 1);
	if (unlikely(atomic_load(&t->exit_work) & WORK_RESCHED))
		preempt_resched();
}
static inline void preempt_enable_no_resched(void)
{
	barrier();
	WRITE_ONCE(current->preempt_count, current->preempt_count - 1);
}
/* A hard interrupt is being served on this CPU. */
static inline bool irq_in_context(void) { return current->preempt_count >= BIT(PREEMPT_IRQ_SHIFT); }
static inline bool preemptible(void)
{
	return current->preempt_count == 0 && !arch_irq_disabled();
}
/* Debug builds: complains when the caller may not sleep. */
#if CONFIG_DEBUG
void might_sleep(void);
#else
static inline void might_sleep(void) {}
#endif

#endif
