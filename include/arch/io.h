/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port space and ordering of memory against devices. <native/io.h>: ARCH_HAS_PORTS,
 * port_read8..32, port_write8..32 (without ports: all ones / nothing), dma_wmb, dma_rmb, dma_mb.
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <native/io.h>

#endif
