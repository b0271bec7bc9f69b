/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How deep kernel stacks get (debug builds): a stack is painted before its thread starts, and what is no longer
 * painted when the thread ends, or when somebody asks, was used. The deepest of all is kept with its
 * thread's name, and one that came within an eighth of its end is told in the log.
 */
#include "runq.h"
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/paint.h>
#include <lib/string.h>

#if CONFIG_DEBUG

#define PAINT 0x7472697665747374ull
#define START_BYTES 64u		/* at the far end: thread_create's arguments, links of free stacks */

static struct spinlock deepest_lock = SPINLOCK_INIT("deepest stack", LOCK_MISC);
static size_t deepest;				/* deepest_lock */
static char deepest_name[THREAD_NAME_MAX];	/* deepest_lock */

/* What a thread that ended here left of the address sanitizer's marks is no matter. */
__attribute__((no_sanitize("address"))) void stack_paint(void *stack)
{
	u64 *word = stack;

	for (size_t i = START_BYTES / 8; i < KSTACK_SIZE / 8; i++)
		word[i] = PAINT;
}

/* The stack may be in use: what runs there now lies above what is looked at. */
__attribute__((no_sanitize("address"))) size_t thread_stack_used(const struct thread *t)
{
	const u64 *word = t->kstack;
	size_t i = START_BYTES / 8;

	while (i < KSTACK_SIZE / 8 && word[i] == PAINT)
		i++;
	return i == START_BYTES / 8 ? KSTACK_SIZE : KSTACK_SIZE - i * 8;
}

void stack_note(const struct thread *t)
{
	size_t used = thread_stack_used(t);
	bool is_new;

	if (paint_is_on())
		return;		/* another paint covers this one */

	spin_lock(&deepest_lock);
	is_new = used > deepest;
	if (is_new) {
		deepest = used;
		strlcpy(deepest_name, t->name, sizeof(deepest_name));
	}
	spin_unlock(&deepest_lock);
	if (is_new && used > KSTACK_SIZE - KSTACK_SIZE / 8)
		log_warn("sched: thread %s used %zu of its stack's %u bytes", t->name, used, KSTACK_SIZE);
}

static int note_painted(struct thread *t, void *unused)
{
	if (t->is_stack_painted)
		stack_note(t);
	return 0;
}

size_t stack_deepest(char name[THREAD_NAME_MAX])
{
	size_t n;

	(void)thread_for_each(note_painted, NULL);
	spin_lock(&deepest_lock);
	n = deepest;
	strlcpy(name, deepest_name, THREAD_NAME_MAX);
	spin_unlock(&deepest_lock);
	return n;
}

#endif
