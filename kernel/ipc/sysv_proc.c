/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/sysvipc and the limits of System V IPC in /proc/sys/kernel (proc(5), sysvipc(7)). */
#include "sysv.h"
#include <kernel/ipc.h>
#include <kernel/log.h>
#include <lib/format.h>
#include <lib/string.h>

struct sysv_limits sysv_limits = {
	.shmmax = SHMMAX, .shmall = SHMALL, .shmmni = SHMMNI,
	.msgmax = MSGMAX, .msgmnb = MSGMNB, .msgmni = MSGMNI,
	.semmsl = SEMMSL, .semmns = SEMMNS, .semopm = SEMOPM, .semmni = SEMMNI,
};

/* The four of "sem", in its order. */
static u64 *const sem_words[] = { &sysv_limits.semmsl, &sysv_limits.semmns, &sysv_limits.semopm, &sysv_limits.semmni };

static int sem_show(struct text *t, void *arg)
{
	for (unsigned i = 0; i < ARRAY_LEN(sem_words); i++)
		text_printf(t, "%llu%c", (unsigned long long)READ_ONCE(*sem_words[i]), i + 1 < ARRAY_LEN(sem_words) ? '\t' : '\n');
	return 0;
}

/* As many as are given, from the first; all are looked at before one is set. */
static int sem_store(const char *text, size_t len, void *arg)
{
	u64 v[ARRAY_LEN(sem_words)];
	unsigned n = 0;

	for (const char *at = text, *end;; at = end) {
		while (*at == ' ' || *at == '\t' || *at == '\n')
			at++;
		if (!*at)
			break;
		if (n == ARRAY_LEN(v) || parse_u64_prefix(at, 10, &v[n], &end) || v[n] > 0x7fffffff)
			return -EINVAL;
		if (*end && *end != ' ' && *end != '\t' && *end != '\n')
			return -EINVAL;
		n++;
	}
	if (n == ARRAY_LEN(v) && v[3] > SYSV_SLOTS)
		return -ERANGE;
	for (unsigned i = 0; i < n; i++)
		WRITE_ONCE(*sem_words[i], v[i]);
	return n ? 0 : -EINVAL;
}

#define NUMBER(word, high) procfs_number_show, procfs_number_store, &(struct procfs_number){ &sysv_limits.word, 0, high, 1 }

static const struct virtual_file files[] = {
	{ "sysvipc/shm", 0444, sysv_shm_list },
	{ "sysvipc/msg", 0444, sysv_msg_list },
	{ "sysvipc/sem", 0444, sysv_sem_list },
	{ "sys/kernel/shmmax", 0644, NUMBER(shmmax, U64_MAX) },
	{ "sys/kernel/shmall", 0644, NUMBER(shmall, U64_MAX) },
	{ "sys/kernel/shmmni", 0644, NUMBER(shmmni, SYSV_SLOTS) },
	{ "sys/kernel/msgmax", 0644, NUMBER(msgmax, 0x7fffffff) },
	{ "sys/kernel/msgmnb", 0644, NUMBER(msgmnb, 0x7fffffff) },
	{ "sys/kernel/msgmni", 0644, NUMBER(msgmni, SYSV_SLOTS) },
	{ "sys/kernel/sem", 0644, sem_show, sem_store },
};

void sysv_init(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		if (procfs_add(&files[i]))
			log_warn("procfs: %s cannot be shown", files[i].path);
}
