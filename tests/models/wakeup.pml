/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wake-up protocol of kernel/sched (wake.c, core.c, idle.c), for Spin. One sleeper waits for a
 * condition; two wakers (on other CPUs, or an interrupt) make it true and wake; the sleeper's CPU
 * goes idle when it has nothing to run; a woken thread is handed over on that CPU's wake list.
 * Checked: the sleeper always gets on (no lost wake-up), never runs on two CPUs, is never queued twice,
 * and an idle CPU that stopped polling gets its interrupt.
 * Memory is sequentially consistent here: the full fences of the code (thread_prepare_sleep, thread_wake,
 * push_remote, poll_for_work) make the four store-load pairs so.
 *
 * tests/models/run checks that no assertion fails and no end state is invalid, that under fairness the
 * sleeper finishes (gets_on), and that each planted fault is found:
 *
 * MUTANT 1: the condition is tested before the state is published.
 * MUTANT 2: the waker does not wait for on_cpu to fall.
 * MUTANT 3: the idle CPU does not look at its list after it stopped polling.
 * MUTANT 4: two wakers do not exclude each other (no wake_lock).
 */
#ifndef MUTANT
#define MUTANT 0
#endif
#define WAKERS 2

mtype = { RUNNABLE, ASLEEP };
mtype state = RUNNABLE;
bool on_rq = true;	/* the scheduler counts the thread as runnable */
bool on_cpu = true;	/* its registers are live */
bool cond = false;	/* what it waits for */
bool done = false;

byte rq_lock = 0, wake_lock = 0;
byte in_list = 0;	/* copies of the thread on its CPU's wake list */
bool polling = false;	/* the idle loop watches the list */
bool irq = false;	/* an inter-processor interrupt is pending */
byte running = 1;	/* contexts that execute the thread */

inline lock(l) { atomic { l == 0 -> l = 1 } }
inline unlock(l) { l = 0 }

/* thread_wake() from another CPU */
inline wake()
{
#if MUTANT != 4
	lock(wake_lock);
#endif
	if
	:: state == ASLEEP ->
		if
		:: on_rq ->
			lock(rq_lock);
			if
			:: on_rq -> state = RUNNABLE; unlock(rq_lock); goto out
			:: else -> unlock(rq_lock)
			fi
		:: else
		fi;
#if MUTANT != 2
		!on_cpu;	/* waits for the switch away to end */
#endif
		state = RUNNABLE;
		/* push_remote: list, then look at polling */
		atomic {
			in_list++;
			assert(in_list == 1);	/* never queued twice */
			assert(!on_cpu)		/* never handed over while its registers are live */
		};
		if
		:: !polling -> irq = true
		:: else
		fi
	:: else
	fi;
out:
#if MUTANT != 4
	unlock(wake_lock);
#endif
	skip
}

active [WAKERS] proctype waker()
{
	cond = true;
	wake()
}

/* The sleeper's CPU: the thread, then schedule(), then the idle loop until the thread is back. */
active proctype cpu()
{
thread:
	assert(running == 1);
#if MUTANT == 1
	if
	:: cond -> goto finished
	:: else
	fi;
	state = ASLEEP;
#else
	state = ASLEEP;			/* thread_prepare_sleep */
	if
	:: cond -> state = RUNNABLE; goto finished
	:: else
	fi;
#endif
	/* schedule() */
	lock(rq_lock);
	if
	:: state == RUNNABLE -> unlock(rq_lock); goto thread	/* woken on the way */
	:: else -> on_rq = false
	fi;
	running--;			/* arch_thread_switch to idle */
	on_cpu = false;
	unlock(rq_lock);

idle:
	polling = true;
	if
	:: in_list > 0
	:: true				/* polled long enough */
	fi;
	polling = false;
#if MUTANT != 3
	if
	:: in_list > 0 -> goto drain
	:: else
	fi;
#endif
	/* arch_cpu_wait: interrupts are taken without a gap */
end_wait:
	atomic { irq -> irq = false };
	if
	:: in_list > 0
	:: else -> goto idle
	fi;

drain:
	lock(rq_lock);
	in_list--;
	on_rq = true;
	unlock(rq_lock);
	/* schedule() picks it */
	on_cpu = true;
	running++;
	goto thread;

finished:
	done = true
}

/* No end state in which the sleeper waits although the condition is true: a lost wake-up would end in end_wait. */
active proctype watch()
{
	timeout -> assert(done || !cond)
}

ltl gets_on { <>[] cond -> <> done }
