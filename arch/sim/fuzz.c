/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer beside the machine: it runs on a stack of its own and is entered each time the init program asks
 * for the next input. So the kernel's code runs where it always does, on its threads' stacks, and may
 * sleep and switch. Built with -Dfuzz=true only. Neighbours: host_fuzz.c, tests/fuzz/init.c.
 */
#include <kernel/thread.h>
#include "host.h"
#include "sim.h"

#define FUZZ_STACK (1u << 20)
#define STEPS_MAX 200000000ull	/* of one input: more is a hang */

static u8 fuzz_stack[FUZZ_STACK] __aligned(4096);
static u64 fuzz_sp, machine_sp;
static const u8 *input;
static size_t input_size;

/* From libFuzzer, on its stack: let the machine work on it. */
static void run_one(const unsigned char *data, unsigned long size)
{
	input = data;
	input_size = size;
	sim_steps_max = sim_steps + STEPS_MAX;
	host_switch_begin(sim_current->kstack, KSTACK_SIZE);
	sim_switch(&fuzz_sp, machine_sp);
	host_switch_end();
}

static void fuzz_main(void)
{
	host_switch_end();
	host_fuzz(run_one);
}

void sim_fuzz_next(const u8 **data, size_t *size)
{
	if (!fuzz_sp) {
		u64 *sp = (u64 *)(fuzz_stack + sizeof(fuzz_stack) - 64);

		*--sp = 0;
		*--sp = (u64)fuzz_main;
		sp -= 6;	/* the registers that sim_switch restores */
		fuzz_sp = (u64)sp;
	}
	host_switch_begin(fuzz_stack, sizeof(fuzz_stack));
	sim_switch(&machine_sp, fuzz_sp);
	host_switch_end();
	*data = input;
	*size = input_size;
}

void sim_fuzz_guard(const void *p, size_t size, bool on) { host_guard(p, size, on); }
