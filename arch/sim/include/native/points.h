/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before every file of the core in the simulation: each atomic operation is a place where
 * another CPU may go on, and plain atomic stores pass through a model of a store buffer
 * (arch/sim/storebuf.c), so that a full fence that is missing shows. A macro that names itself is
 * not expanded again: the compiler's own operation remains.
 */
#ifndef NATIVE_POINTS_H
#define NATIVE_POINTS_H
#ifndef __ASSEMBLER__

extern int sim_budget;			/* steps until another CPU may run */
void sim_step(void);
void sim_store_note(void *p, unsigned long size);	/* about to store there: others see it later */
void sim_store_drain(void);				/* what was stored is seen by all */

static inline void sim_point(void)
{
	if (__builtin_expect(--sim_budget <= 0, 0))
		sim_step();
}

#define __atomic_load_n(p, o) (sim_point(), __atomic_load_n(p, o))
#define __atomic_store_n(p, v, o) \
	({ \
		__typeof__(*(p)) *sim_p_ = (p); \
		__typeof__(*(p)) sim_v_ = (v); \
		sim_point(); \
		if ((o) == __ATOMIC_SEQ_CST) \
			sim_store_drain(); \
		else \
			sim_store_note((void *)sim_p_, sizeof(*sim_p_)); \
		__atomic_store_n(sim_p_, sim_v_, o); \
	})
#define __atomic_exchange_n(p, v, o) (sim_point(), sim_store_drain(), __atomic_exchange_n(p, v, o))
#define __atomic_fetch_add(p, v, o) (sim_point(), sim_store_drain(), __atomic_fetch_add(p, v, o))
#define __atomic_fetch_sub(p, v, o) (sim_point(), sim_store_drain(), __atomic_fetch_sub(p, v, o))
#define __atomic_fetch_or(p, v, o) (sim_point(), sim_store_drain(), __atomic_fetch_or(p, v, o))
#define __atomic_fetch_and(p, v, o) (sim_point(), sim_store_drain(), __atomic_fetch_and(p, v, o))
#define __atomic_compare_exchange_n(p, e, v, w, s, f) \
	(sim_point(), sim_store_drain(), __atomic_compare_exchange_n(p, e, v, w, s, f))
#define __atomic_thread_fence(o) \
	do { \
		sim_point(); \
		if ((o) != __ATOMIC_ACQUIRE)	/* release: later plain stores, too, come after */ \
			sim_store_drain(); \
		__atomic_thread_fence(o); \
	} while (0)

#endif
#endif
