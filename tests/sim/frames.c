/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the core and its page_put (the linker's --wrap): a page whose last reference goes must be out of every TLB
 * that a program uses at that moment (arch/sim/tlb.c). Part of the machine: no other CPU comes in between.
 */
#include <kernel/mm.h>
#include <native/sim.h>

void __real_page_put(struct page *p);
void __wrap_page_put(struct page *p);

void __wrap_page_put(struct page *p)
{
	if (p->refs.n == 1)
		sim_frame_freed(page_to_phys(p));
	__real_page_put(p);
}
