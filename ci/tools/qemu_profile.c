/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU's TCG (interface version 1, QEMU 7.2): counts guest instructions by the address of their
 * block, and the events that cost more than an instruction, while the guest is between two marks. The marks are
 * instructions without effect that tests/bench executes around what it measures. Writes `block ADDRESS INSTRUCTIONS
 * TIMES` and `event NAME TIMES` to the file of the argument out=FILE. Used by ci/tools/item_profile.py; one virtual CPU.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of QEMU's interface is used here; see docs/devel/tcg-plugins.rst there. */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct info { const char *target_name; int version[2]; };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int, void *), int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *), int flags,
					    void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*cb)(plugin_id, void *), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

#define BLOCKS (1 << 17)	/* a hash table, open addressing */

struct block {
	uint64_t address, instructions, times;
};

enum event { EVENT_FLUSH, EVENT_ROOT, EVENT_FIRMWARE, EVENT_WAIT, EVENT_USER_ACCESS, EVENTS };

static const char *const event_name[EVENTS] = { "flush", "root", "firmware", "wait", "user-access" };
static struct block blocks[BLOCKS];
static uint64_t events[EVENTS];
static bool counting;
static char out_path[4096];
static int machine;	/* 'x', 'a' or 'r' */

static void on_block(unsigned int cpu, void *data)
{
	if (counting)
		((struct block *)data)->times++;
}

static void on_event(unsigned int cpu, void *data)
{
	if (counting)
		events[(intptr_t)data]++;
}

static void on_mark(unsigned int cpu, void *data)
{
	counting = (intptr_t)data;
}

static struct block *find(uint64_t address, uint64_t instructions)
{
	uint64_t at = (address * 0x9e3779b97f4a7c15 ^ instructions * 0x85ebca6b) % BLOCKS;

	while (blocks[at].instructions && (blocks[at].address != address || blocks[at].instructions != instructions))
		at = (at + 1) % BLOCKS;
	blocks[at].address = address;
	blocks[at].instructions = instructions;
	return &blocks[at];
}

/* -1, or which event the instruction is. */
static int event_of(const uint8_t *b, size_t size)
{
	uint32_t w = size >= 4 ? b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24 : 0;

	if (machine == 'x') {
		while (size > 2 && (b[0] == 0x66 || (b[0] & 0xf0) == 0x40))
			b++, size--;
		if (size >= 3 && b[0] == 0x0f && b[1] == 0x01 && (b[2] >> 3 & 7) == 7 && b[2] < 0xc0)
			return EVENT_FLUSH;			/* invlpg */
		if (size >= 3 && b[0] == 0x0f && b[1] == 0x22 && (b[2] >> 3 & 7) == 3)
			return EVENT_ROOT;			/* mov to cr3 */
		return size == 1 && b[0] == 0xf4 ? EVENT_WAIT : -1;	/* hlt */
	}
	if (machine == 'a') {
		if ((w & 0xfff8f000) == 0xd5088000)
			return EVENT_FLUSH;			/* tlbi */
		if ((w & 0xffffffe0) == 0xd5182000)
			return EVENT_ROOT;			/* msr ttbr0_el1 */
		if ((w & 0xffe0001f) == 0xd4000002 || (w & 0xffe0001f) == 0xd4000003)
			return EVENT_FIRMWARE;			/* hvc, smc */
		return w == 0xd503207f ? EVENT_WAIT : -1;	/* wfi */
	}
	if ((w & 0xfe007fff) == 0x12000073)
		return EVENT_FLUSH;				/* sfence.vma */
	if ((w & 0xfff0007f) == 0x18000073 && (w & 0x3000))
		return EVENT_ROOT;				/* a write of satp */
	if ((w & 0xfff0707f) == 0x10002073 || (w & 0xfff0707f) == 0x10003073)
		return EVENT_USER_ACCESS;			/* csrs or csrc of sstatus: SUM, at times SIE */
	return w == 0x10500073 ? EVENT_WAIT : -1;		/* wfi */
}

/* 1 for the mark that starts, 0 for the one that ends, -1 otherwise; see bench_mark in tests/bench/main.c. */
static int mark_of(const uint8_t *b, size_t size)
{
	uint32_t w = size >= 4 ? b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24 : 0;

	if (machine == 'x')
		return size == 7 && !memcmp(b, "\x0f\x1f\x80\x76\x69\x72", 6) ? b[6] - 0x74 : -1;
	if (machine == 'a')		/* movz xzr, #0x7472 or 0x7473 */
		return (w & 0xffffffdf) == 0xd28e8e5f ? (int)(w >> 5 & 1) : -1;
	return (w & 0xffffefff) == 0x74726037 ? (int)(w >> 12 & 1) : -1;	/* lui x0, 0x74726 or 7 */
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, find(qemu_plugin_tb_vaddr(tb), n));
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *data = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		int event = event_of(data, size), mark = mark_of(data, size);

		if (event >= 0)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_event, 0, (void *)(intptr_t)event);
		if (mark == 0 || mark == 1)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, 0, (void *)(intptr_t)mark);
	}
}

static void at_exit(plugin_id id, void *data)
{
	FILE *out = fopen(out_path, "w");

	if (!out)
		return;
	for (size_t i = 0; i < BLOCKS; i++) {
		if (blocks[i].times)
			fprintf(out, "block %#" PRIx64 " %" PRIu64 " %" PRIu64 "\n", blocks[i].address,
				blocks[i].instructions, blocks[i].times);
	}
	for (int i = 0; i < EVENTS; i++)
		fprintf(out, "event %s %" PRIu64 "\n", event_name[i], events[i]);
	fclose(out);
}

__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id id, const struct info *info, int argc, char **argv)
{
	machine = info->target_name[0];
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			snprintf(out_path, sizeof out_path, "%s", argv[i] + 4);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, at_exit, 0);
	return out_path[0] ? 0 : -1;
}
