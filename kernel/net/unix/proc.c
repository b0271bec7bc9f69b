/* SPDX-License-Identifier: BSD-2-Clause */
/* AF_UNIX in /proc: net/unix, sys/net/unix/max_dgram_qlen. */
#include "unix.h"
#include <kernel/procfs.h>

/* Under unix_table_lock no memory may be asked for with sleep: lines go through one buffer per socket. */
static void show_one(struct text *t, const struct unix_socket *u)
{
	const struct socket *sk = &u->sk;
	const struct unix_addr *a = atomic_load_acquire(&u->addr);
	u32 state = atomic_load(&sk->state);
	u32 shown = state == SOCKET_CONNECTED ? 3 : state == SOCKET_CONNECTING ? 2 : 1;

	text_printf(t, "%016llx: %08X %08X %08X %04X %02X %5llu", 0ull, ref_read(&sk->refs), 0,
		    state == SOCKET_LISTENING ? 0x10000 : 0, sk->type, shown, (unsigned long long)sk->ino);
	if (a) {
		text_append(t, " ", 1);
		for (u32 i = 0; i < a->len - sizeof(a->name.family); i++) {
			char c = a->name.path[i];

			if (!c && a->name.path[0])
				break;
			text_append(t, c ? &c : "@", 1);
		}
	}
	text_append(t, "\n", 1);
}

static int show_all(struct text *t, void *arg)
{
	struct unix_socket *u = NULL;

	text_printf(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	while ((u = unix_next(u)))
		show_one(t, u);
	return 0;
}

static int show_qlen(struct text *t, void *arg)
{
	text_printf(t, "%u\n", atomic_load(&unix_max_dgram_qlen));
	return 0;
}

static int store_qlen(const char *text, size_t len, void *arg)
{
	u64 n = 0;

	for (; *text >= '0' && *text <= '9' && n < 1u << 30; text++)
		n = n * 10 + (u64)(*text - '0');
	if ((*text && *text != '\n') || n >= 1u << 30)
		return -EINVAL;
	atomic_store(&unix_max_dgram_qlen, (u32)n);
	return 0;
}

static const struct virtual_file proc_unix = { .path = "net/unix", .mode = 0444, .show = show_all };
static const struct virtual_file proc_qlen = { .path = "sys/net/unix/max_dgram_qlen", .mode = 0644, .show = show_qlen, .store = store_qlen };

void unix_proc_init(void)
{
	(void)procfs_add(&proc_unix);
	(void)procfs_add(&proc_qlen);
}
