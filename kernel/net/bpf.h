/* SPDX-License-Identifier: BSD-2-Clause */
/* Classic BPF (McCanne and Jacobson 1993) as SO_ATTACH_FILTER takes it. Private to kernel/net. */
#ifndef KERNEL_NET_BPF_H
#define KERNEL_NET_BPF_H

#include <kernel/usercopy.h>

struct bpf_program;

/* Copies and checks n instructions; *out is freed by kfree. 0, -EINVAL, -EFAULT, -ENOMEM. */
int bpf_load(const void __user *insns, u32 n, struct bpf_program **out);
/* The same from SO_ATTACH_FILTER's struct sock_fprog. */
int bpf_load_option(const void __user *val, u32 len, struct bpf_program **out);
/* How many bytes of the packet are wanted; 0: none. type: its EtherType. Never fails, never loops. */
u32 bpf_run(const struct bpf_program *p, const u8 *data, u32 len, u16 type);

#endif
