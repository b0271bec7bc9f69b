/* SPDX-License-Identifier: BSD-2-Clause */
/* How a program's file says which one it is: initrd.c writes it, user.c reads it. */
#ifndef SIM_PROGRAM_H
#define SIM_PROGRAM_H

#define SIM_PROGRAM_TEXT 0x400000ull
#define SIM_PROGRAM_MAGIC 0x54726976657400ull << 8	/* low 16 bits: index of sim_programs */

#endif
