/* SPDX-License-Identifier: BSD-2-Clause */
/* PID 1 of a fuzzing machine: asks libFuzzer for an input, works on it, again and again. sim.fuzz= names the harness. */
#include <lib/string.h>
#include <native/sim.h>
#include "../sim/calls.h"
#include "fuzz.h"

static const struct fuzz_target *const targets[] = {
	&fuzz_fdt, &fuzz_acpi, &fuzz_elf, &fuzz_cpio, &fuzz_ext4, &fuzz_cmdline,
};

struct job {
	const struct fuzz_target *target;
	const u8 *data;
	size_t size;
};

static void in_kernel(void *arg)
{
	struct job *j = arg;

	j->target->run_in_kernel(j->data, j->size);
}

static void fuzz_init(void)
{
	struct job j = { .target = NULL };

	if (CALL0(getpid) != 1)		/* a mutated program that names this one */
		return;
	for (unsigned i = 0; i < ARRAY_LEN(targets); i++)
		if (sim_setting_is("fuzz", targets[i]->name))
			j.target = targets[i];
	if (!j.target)
		sim_fail("sim.fuzz= names no harness");
	if (j.target->set_up)
		j.target->set_up();
	sim_mute(true);
	while (1) {
		sim_fuzz_next(&j.data, &j.size);
		if (j.target->run)
			j.target->run(j.data, j.size);
		else
			sim_in_kernel(in_kernel, &j);
	}
}

static void just_exit(void) {}

const struct sim_program sim_programs[] = {
	{ "init", fuzz_init },
	{ "true", just_exit },
};
const unsigned sim_nr_programs = ARRAY_LEN(sim_programs);
