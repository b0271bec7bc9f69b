/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the vDSO's portable code (kernel/time/vdso/, user mode) needs of the architecture; <native/vdso.h>:
 *	VDSO(name)		the symbol's name: __vdso_name, __kernel_name
 *	vdso_counter()		the counter of arch_clock_read, ordered behind earlier loads
 *	vdso_call2(nr, a, b)	a system call; VDSO_NR_clock_gettime, _clock_getres, _gettimeofday
 *	vdso_getcpu(cpu, node)	both may be NULL
 *	VDSO_EXTRA		further functions, or nothing
 */
#ifndef ARCH_VDSO_H
#define ARCH_VDSO_H

#include <native/vdso.h>

#endif
