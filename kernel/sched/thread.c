/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a thread: allocation, kernel threads, the end, the system's list of threads. Running is
 * core.c's, waking wake.c's matter; processes are kernel/proc's.
 * Locks: thread_list_lock guards the list; the rest belongs to the creating thread until
 * thread_start.
 */
#include "runq.h"
#include <arch/trace.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <uapi/sched.h>

static struct spinlock thread_list_lock = SPINLOCK_INIT("thread list", LOCK_MISC);
static struct list thread_list = LIST_INIT(thread_list);
static struct kmem_cache *thread_cache;		/* set by the first thread_alloc, on the boot CPU */

static void inherit(struct thread *t, struct thread *from)
{
	t->sched_slot = from->sched_slot;
	t->sched_class = from->sched_class;
	t->nice = from->nice;
	t->rt_priority = from->rt_priority;
	t->affinity = from->affinity;
	if (t->sched_class == SCHED_DEADLINE) {	/* a contract is not inherited */
		t->sched_slot = SLOT_SYSTEM;
		t->sched_class = SCHED_OTHER;
	}
	thread_update_allowed(t);
	atomic_store(&t->cpu, atomic_load(&from->cpu));
	t->group = group_of_thread(from);
	t->cred = from->cred ? cred_get(from->cred) : NULL;
	if (from->lent_priority)
		t->sched_slot = sched_slot_of(from->sched_class);	/* a loan is not inherited */
}

struct thread *thread_alloc(const char *name)
{
	struct thread *t;

	if (thread_cache == NULL)
		thread_cache = kmem_cache_create("thread", sizeof(struct thread), 64, NULL);
	t = kmem_cache_alloc(thread_cache, ALLOC_ZERO);
	if (t == NULL)
		return NULL;
	t->kstack = kstack_alloc();
	if (t->kstack == NULL) {
		kmem_cache_free(thread_cache, t);
		return NULL;
	}
	stack_paint(t->kstack);
#if CONFIG_DEBUG
	t->is_stack_painted = true;
#endif
	t->kstack_top = (vaddr_t)t->kstack + KSTACK_SIZE;
	t->canary = random_u64();
	t->state = THREAD_NEW;
	ref_set(&t->refs, 1);
	spin_init(&t->wake_lock, "thread wake", LOCK_THREAD);
	list_init(&t->rq_link);
	list_init(&t->all_link);
	list_init(&t->process_link);
	list_init(&t->sig_pending.queue);
	completion_init(&t->exited);
	strlcpy(t->name, name, sizeof(t->name));
	inherit(t, current);
	t->start_ns = time_ns();
	spin_lock(&thread_list_lock);
	list_push_back(&thread_list, &t->all_link);
	spin_unlock(&thread_list_lock);
	return t;
}

struct kthread_start {
	void (*fn)(void *arg);
	void *arg;
};

static void kthread_main(void *arg)
{
	struct kthread_start start = *(struct kthread_start *)arg;

	start.fn(start.arg);
	thread_exit(0);
}

struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg, int cpu)
{
	struct thread *t = thread_alloc(name);
	struct kthread_start *start;

	if (t == NULL)
		return NULL;
	start = t->kstack;	/* the stack's far end; read before anything grows down to it */
	*start = (struct kthread_start){ .fn = fn, .arg = arg };
	/* A kernel thread is nobody's child: normal class and priority, any CPU. */
	t->sched_slot = SLOT_SYSTEM;
	t->sched_class = SCHED_OTHER;
	t->nice = 0;
	t->rt_priority = 0;
	t->affinity = cpu >= 0 ? cpu_mask((unsigned)cpu) : ~0ull;
	thread_update_allowed(t);
	arch_thread_init(t, kthread_main, start);
	return t;
}

__noreturn void thread_exit(int code)
{
	struct thread *t = current;

	might_sleep();
	sched_exit();
	lock_check_exit();
	t->exit_code = code;
	atomic_store(&t->exiting, true);
	spin_lock(&thread_list_lock);
	list_remove(&t->all_link);
	spin_unlock(&thread_list_lock);
	completion_signal(&t->exited);
	/* From here to the switch nobody may preempt us into "runnable" for ever: the state decides. */
	preempt_disable();
	atomic_store(&t->state, (u32)THREAD_DEAD);
	schedule();
	panic("thread %s ran after its end", t->name);
}

int thread_join(struct thread *t)
{
	int code;

	completion_wait(&t->exited);
	code = t->exit_code;
	thread_put(t);
	return code;
}

static void thread_free(struct epoch_head *h)
{
	struct thread *t = container_of(h, struct thread, epoch);

	arch_thread_destroy(t);
	kfree(t->debug);
	if (t->on_free)
		t->on_free(t);
	if (t->cred)
		cred_put(t->cred);
	if (t->group)
		group_put(t->group);
	stack_note(t);
	kstack_free(t->kstack);
	kmem_cache_free(thread_cache, t);
}

struct arch_debug *thread_debug(struct thread *t)
{
	if (!t->debug)
		t->debug = kzalloc(arch_debug_bytes, 0);
	return t->debug;
}

void thread_put(struct thread *t)
{
	if (!ref_put(&t->refs))
		return;
	if (!list_empty(&t->all_link)) {	/* never started */
		spin_lock(&thread_list_lock);
		list_remove(&t->all_link);
		spin_unlock(&thread_list_lock);
	}
	epoch_defer(&t->epoch, thread_free);
}

char thread_state_letter(const struct thread *t)
{
	switch (atomic_load(&t->state)) {
	case THREAD_SLEEPING:
		return 'S';
	case THREAD_BLOCKED:
		return t->process ? 'D' : 'I';	/* idle kernel threads do not count as load */
	case THREAD_STOPPED:
		return 'T';
	case THREAD_TRACED:
		return 't';
	case THREAD_DEAD:
		return 'X';
	default:
		return 'R';
	}
}

int thread_for_each(int (*fn)(struct thread *t, void *arg), void *arg)
{
	struct thread *t;
	int r = 0;

	spin_lock(&thread_list_lock);
	list_for_each(t, &thread_list, all_link) {
		r = fn(t, arg);
		if (r)
			break;
	}
	spin_unlock(&thread_list_lock);
	return r;
}
