/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP's periodic work, in a thread of its own: TCP every 40 ms while a connection waits for an answer or owes one, once
 * a second while there are only others (keep-alive, TIME_WAIT), the rest (ARP, neighbours, reassembly, group membership, DHCP) once
 * a second while an interface other than loopback is up or fragments wait. Without work nothing wakes up.
 */
#include <kernel/panic.h>
#include <kernel/thread.h>
#include <kernel/time.h>
#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include "glue.h"

#define TCP_NS (TCP_TMR_INTERVAL * NSEC_PER_MSEC)
#define SLOW_NS (TCP_SLOW_INTERVAL * NSEC_PER_MSEC)
#define MAKE_UP_NS (3 * NSEC_PER_SEC)
#define DHCP_COARSE_S 60u
#define GROUP_TICKS (1000 / IGMP_TMR_INTERVAL)

static struct waitq wait = WAITQ_INIT(wait);
/* net_lock to set; read without. hurry: at 40 ms, needed: at a second */
static bool tcp_hurry, tcp_needed, others_needed;
static u64 tcp_at = U64_MAX, others_at = U64_MAX;	/* the thread's */

void sys_timeouts_init(void) {}

/* lwIP: there is a connection, or one begins to wait for something. */
void tcp_timer_needed(void)
{
	if (atomic_load(&tcp_hurry))
		return;
	atomic_store_release(&tcp_hurry, true);
	waitq_wake_all(&wait);
}

/* An answer is due within milliseconds. What is not here may be a second late: keep-alive, the ends of dying connections. */
static bool is_waiting(const struct tcp_pcb *p)
{
	return p->rtime >= 0 || p->persist_backoff || p->refused_data || p->ooseq || p->state == SYN_RCVD ||
	       (p->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR));
}

static bool some_wait(void)
{
	for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
		if (is_waiting(p))
			return true;
	return false;
}

/*
 * Both of lwIP's timers; the slow one's clock makes up for ticks that nobody needed, but not for the time when there was no
 * connection: one that is new must not look old.
 */
static void run_tcp(u64 now)
{
	static u64 slow_at;
	u64 ticks;

	if (now - slow_at > MAKE_UP_NS)
		slow_at = now - SLOW_NS;
	ticks = (now - slow_at) / SLOW_NS;

	lwip_reclaim();
	tcp_fasttmr();
	if (ticks) {
		slow_at += ticks * SLOW_NS;
		tcp_ticks += (u32)ticks - 1;
		tcp_slowtmr();
	}
	atomic_store(&tcp_needed, tcp_active_pcbs || tcp_tw_pcbs);
	atomic_store(&tcp_hurry, some_wait());
}

/* Group timers count in tenths of a second: they are given ten at once. */
static void run_others(void)
{
	static unsigned seconds;

	etharp_tmr();
	nd6_tmr();
	ip_reass_tmr();
	ip6_reass_tmr();
	for (unsigned i = 0; i < GROUP_TICKS; i++) {
		igmp_tmr();
		mld6_tmr();
	}
	dhcp_fine_tmr();
	dhcp_fine_tmr();
	if (++seconds % DHCP_COARSE_S == 0)
		dhcp_coarse_tmr();
}

/* A deadline for work that is needed; none for other. */
static void plan(u64 *at, bool needed, u64 now, u64 interval)
{
	if (!needed)
		*at = U64_MAX;
	else if (*at == U64_MAX || *at <= now)
		*at = now + interval;
}

static void timers_run(void *unused)
{
	while (1) {
		u64 now = time_ns();
		bool tcp = now >= tcp_at, others = now >= others_at, hurry;

		if (tcp || others) {
			net_lock();
			if (tcp)
				run_tcp(now);
			if (others)
				run_others();
			net_unlock();
		}
		hurry = atomic_load_acquire(&tcp_hurry);
		if (hurry && tcp_at > now + TCP_NS)
			tcp_at = now + TCP_NS;
		plan(&tcp_at, hurry || atomic_load(&tcp_needed), now, hurry ? TCP_NS : NSEC_PER_SEC);
		plan(&others_at, atomic_load(&others_needed), now, NSEC_PER_SEC);
		(void)waitq_wait_until(&wait, (!hurry && atomic_load_acquire(&tcp_hurry)) ||
				       (others_at == U64_MAX && atomic_load(&others_needed)),
				       SLEEP_UNINTERRUPTIBLE, min(tcp_at, others_at), false);
	}
}

void lwip_timers_others(bool needed)
{
	atomic_store(&others_needed, needed);
	waitq_wake_all(&wait);
}

void lwip_timers_start(void)
{
	struct thread *t = thread_create("net-timer", timers_run, NULL, -1);

	if (!t)
		panic("no memory for the network timers");
	thread_start(t);
	thread_put(t);
}
