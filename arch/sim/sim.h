/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of arch/sim share. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/thread.h>
#include <native/sim.h>

#define SIM_CPUS_MAX 8

/* One virtual CPU. While it runs, what changes often lies in sim_cpu, sim_current and sim_irq_off. */
struct sim_vcpu {
	unsigned id;
	struct cpu *cpu;		/* NULL: not started */
	u64 sp;				/* of a CPU that does not run */
	struct thread *thread;
	bool irq_off;
	bool is_waiting;		/* for an interrupt, or until busy_until */
	u64 busy_until;			/* U64_MAX: idle */
	bool is_stopped;		/* for good */
	bool is_spinning;		/* said so since it last ran */
	bool in_ipi;
	bool ipi_due;
	u32 lines_due;			/* device interrupts */
	u64 deadline;			/* of its timer; U64_MAX: off */
};
extern struct sim_vcpu sim_vcpus[SIM_CPUS_MAX];
extern struct sim_vcpu *sim_v;		/* the one that runs */
extern unsigned sim_nr_cpus;		/* announced */
extern bool sim_hold;			/* no other CPU may run now: host code works on the machine */
extern u64 sim_steps;
extern u32 sim_step_ns;			/* virtual time per edge of compiled code: how slow the CPUs are */
extern u64 sim_steps_max, sim_time_max;	/* beyond: the run fails */
extern int sim_budget;		/* native/points.h has these for the core */
void sim_store_note(void *p, unsigned long size);
void sim_store_drain(void);

/* switch.S */
void sim_switch(u64 *save_sp, u64 load_sp);
__noreturn void sim_enter(vaddr_t stack_top, void (*fn)(void));
void sim_on_stack(vaddr_t stack_top, void (*fn)(void));	/* calls fn there and comes back */
__noreturn void sim_rewind(vaddr_t stack_top, void (*fn)(void));
void sim_thread_start(void);	/* where a new thread's first switch returns to */
/* thread.c, called by sim_thread_start with what arch_thread_init left */
__noreturn void sim_thread_main(void (*fn)(void *), void *arg);

/* vcpu.c */
void sim_vcpu_boot(struct thread *boot, struct cpu *cpu);
void sim_step(void);
void sim_irq_take(struct arch_regs *regs);	/* cpu.c */
void sim_yield(void);			/* lets others run, this CPU stays runnable */
void sim_wait(void);			/* until an interrupt is due for this CPU */
bool sim_irq_due(const struct sim_vcpu *v);
/* schedule.c */
void sim_schedule_init(void);
struct sim_vcpu *sim_schedule_pick(struct sim_vcpu *now);	/* one that can run; NULL: none */
int sim_schedule_budget(void);
/* storebuf.c */
void sim_storebuf_switch(unsigned from, unsigned to);
void sim_storebuf_enable(bool on);
/* stream.c */
void sim_streams_init(u64 seed);
void sim_settings_init(int argc, char **argv);
bool sim_settings_add(const char *word, size_t len);	/* name=value */
/* watch.c */
void sim_watch_waiting(void);		/* all CPUs wait: fails the run if a thread that could run does not */
/* event.c */
u64 sim_event_next(void);		/* U64_MAX: none */
void sim_events_run(void);
/* memory.c */
int sim_fault(unsigned long address);
/* tlb.c */
void sim_tlb_reset(void);
/* user.c */
void sim_user_first_run(void *unused);	/* a forked thread's first code */
/* devicetree.c, initrd.c: fill RAM, return the size */
size_t sim_devicetree(void *blob, size_t room, const char *bootargs, u64 ram_base, u64 ram_size, u64 initrd,
		      u64 initrd_size);
size_t sim_initrd(void *at, size_t room);
u64 sim_program_entry(unsigned index);

#endif
