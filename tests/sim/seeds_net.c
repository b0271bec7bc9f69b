/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Well-formed frames of every kind that the stack looks into, addressed to the machine (10.9.0.1, fd09::1 or a
 * group), to be cut short and changed by work_net.c. Lengths and checksums are filled in here.
 */
#include <lib/compiler.h>
#include <lib/string.h>
#include "seeds_net.h"
#include "wire.h"

#define BYTES(s) s, sizeof(s) - 1

enum { LAYER2, V4, V4_OPTIONS, V4_MORE, V4_LATER, V4_GROUP, V4_BROADCAST, V6, V6_GROUP, V6_LOCAL };
static const struct seed {
	u8 kind, protocol;		/* LAYER2: bytes begin with the Ethernet type */
	const char *bytes;
	u8 len;
} seeds[] = {
	/* TCP: request with options, data, end, reset, everything set, answer to nothing */
	{ V4, 6, BYTES("\x80\x01\x1b\x58\0\0\0\1\0\0\0\0\xa0\x02\xff\xff\0\0\0\0\2\4\5\xb4\4\2\x08\x0a\0\0\0\1\0\0\0\0\1\3\3\7") },
	{ V4, 6, BYTES("\x80\x02\x1b\x58\0\0\0\2\0\0\0\1\x50\x18\xff\xff\0\0\0\0hello") },
	{ V4, 6, BYTES("\x80\x02\x1b\x58\0\0\0\7\0\0\0\1\x50\x11\xff\xff\0\0\0\0") },
	{ V4, 6, BYTES("\x80\x02\x1b\x58\0\0\0\7\0\0\0\1\x50\x04\xff\xff\0\0\0\0") },
	{ V4, 6, BYTES("\x80\x03\x1b\x58\0\0\0\7\0\0\0\1\x50\xff\xff\xff\0\0\0\x10urgent") },
	{ V4, 6, BYTES("\x1b\x58\x80\x04\0\0\0\7\0\0\0\1\x80\x12\xff\xff\0\0\0\0\5\x0a\0\0\0\3\0\0\0\5\0\0") },
	{ V6, 6, BYTES("\x80\x01\x1b\x58\0\0\0\1\0\0\0\0\x60\x02\xff\xff\0\0\0\0\2\4\5\xa0") },
	/* UDP: to nobody, without checksum, name server's and address server's answers */
	{ V4, 17, BYTES("\x80\x01\x1b\x59\0\x0d\0\0query") },
	{ V4_BROADCAST, 17, BYTES("\0\x89\0\x89\0\x0d\0\0names") },
	{ V4, 17, BYTES("\0\x43\0\x44\0\x28\0\0\2\1\6\0\1\2\3\4\0\0\0\0\0\0\0\0\x0a\x09\0\5\x0a\x09\0\2\0\0\0\0\x63\x82\x53\x63") },
	{ V4_GROUP, 17, BYTES("\x14\xe9\x14\xe9\0\x10\0\0mdns....") },
	{ V6, 17, BYTES("\x80\x01\x1b\x59\0\x0d\0\0query") },
	/* ICMP: echo, answer, unreachable and too big about TCP and UDP, time exceeded, redirect, timestamp, address mask */
	{ V4, 1, BYTES("\x08\0\0\0\x12\x34\0\1payload") },
	{ V4, 1, BYTES("\0\0\0\0\x12\x34\0\1payload") },
	{ V4, 1, BYTES("\3\3\0\0\0\0\0\0\x45\0\0\x28\0\1\0\0\x40\x11\0\0\x0a\x09\0\1\x0a\x09\0\2\x80\1\x1b\x59\0\x0d\0\0") },
	{ V4, 1, BYTES("\3\4\0\0\0\0\2\0\x45\0\0\x28\0\1\0\0\x40\6\0\0\x0a\x09\0\1\x0a\x09\0\2\x80\1\x1b\x58\0\0\0\1") },
	{ V4, 1, BYTES("\x0b\0\0\0\0\0\0\0\x45\0\0\x28\0\1\0\0\1\x11\0\0\x0a\x09\0\1\x0a\x09\0\2\x80\1\x1b\x59\0\x0d\0\0") },
	{ V4, 1, BYTES("\5\1\0\0\x0a\x09\0\7\x45\0\0\x28\0\1\0\0\x40\x11\0\0\x0a\x09\0\1\x0a\x09\0\2\x80\1\x1b\x59\0\x0d\0\0") },
	{ V4, 1, BYTES("\x0d\0\0\0\0\1\0\1\0\0\0\1\0\0\0\0\0\0\0\0") },
	{ V4_BROADCAST, 1, BYTES("\x08\0\0\0\x12\x34\0\1all") },
	/* IPv4 itself: options, fragments, groups, unknown protocol, tunnel */
	{ V4_OPTIONS, 1, BYTES("\x08\0\0\0\x12\x34\0\1route") },
	{ V4_MORE, 17, BYTES("\x80\1\x1b\x59\0\x20\0\0first of two....") },
	{ V4_LATER, 17, BYTES("the second") },
	{ V4_GROUP, 2, BYTES("\x11\x64\0\0\0\0\0\0") },
	{ V4_GROUP, 2, BYTES("\x11\x64\0\0\xe0\0\0\xfb\2\x7d\0\1\x0a\x09\0\2") },
	{ V4, 41, BYTES("\x60\0\0\0\0\0\x3b\x40") },
	{ V4, 253, BYTES("experiment") },
	/* ARP: question, answer, announcement, another hardware */
	{ LAYER2, 0, BYTES("\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\2\x0a\x09\0\2\0\0\0\0\0\0\x0a\x09\0\1") },
	{ LAYER2, 0, BYTES("\x08\6\0\1\x08\0\6\4\0\2\2\0\0\0\0\2\x0a\x09\0\2\2\0\0\0\0\1\x0a\x09\0\1") },
	{ LAYER2, 0, BYTES("\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\2\x0a\x09\0\2\0\0\0\0\0\0\x0a\x09\0\2") },
	{ LAYER2, 0, BYTES("\x08\6\0\6\x86\xdd\x08\x10\0\1\2\0\0\0\0\2\x0a\x09\0\2\0\0\0\0\0\0\x0a\x09\0\1") },
	/* Ethernet: a tag, a length, an unknown type */
	{ LAYER2, 0, BYTES("\x81\0\0\1\x08\0\x45\0\0\x1c\0\1\0\0\x40\x11\0\0\x0a\x09\0\2\x0a\x09\0\1\0\7\0\7\0\x08\0\0") },
	{ LAYER2, 0, BYTES("\0\6\xaa\xaa\3\0\0\0") },
	{ LAYER2, 0, BYTES("\x88\xb5test") },
	/* ICMPv6: echo, who has it, I have it, router and its answer, redirect, too big, unreachable */
	{ V6, 58, BYTES("\x80\0\0\0\x12\x34\0\1payload") },
	{ V6, 58, BYTES("\x87\0\0\0\0\0\0\0\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\1\2\0\0\0\0\2") },
	{ V6, 58, BYTES("\x88\0\0\0\x60\0\0\0\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\2\1\2\0\0\0\0\2") },
	{ V6_LOCAL, 58, BYTES("\x86\0\0\0\x40\0\7\x08\0\0\0\0\0\0\0\0\1\1\2\0\0\0\0\2\5\1\0\0\0\0\5\xdc"
			      "\3\4\x40\xc0\0\1\0\0\0\1\0\0\0\0\0\0\xfd\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "\x19\3\0\0\0\0\7\x08\xfd\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x53") },
	{ V6_GROUP, 58, BYTES("\x85\0\0\0\0\0\0\0\1\1\2\0\0\0\0\2") },
	{ V6_LOCAL, 58, BYTES("\x89\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xfd\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\2") },
	{ V6, 58, BYTES("\2\0\0\0\0\0\5\0\x60\0\0\0\0\x14\6\x40\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
			"\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\x80\1\x1b\x58\0\0\0\1") },
	{ V6, 58, BYTES("\1\4\0\0\0\0\0\0\x60\0\0\0\0\x0d\x11\x40\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
			"\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\x80\1\x1b\x59\0\x0d\0\0") },
	/* IPv6 itself: hop-by-hop with a listener query, destination options, routing, fragments, nothing, unknown */
	{ V6_GROUP, 0, BYTES("\x3a\0\5\2\0\0\1\0\x82\0\0\0\x03\xe8\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ V6, 60, BYTES("\x11\0\1\4\0\0\0\0\x80\1\x1b\x59\0\x0d\0\0query") },
	{ V6, 43, BYTES("\x11\2\0\1\0\0\0\0\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\2\x80\1\x1b\x59\0\x0d\0\0query") },
	{ V6, 44, BYTES("\x11\0\0\1\0\0\0\7\x80\1\x1b\x59\0\x20\0\0first of two....") },
	{ V6, 44, BYTES("\x11\0\0\x18\0\0\0\7the second") },
	{ V6, 44, BYTES("\x3a\0\0\0\0\0\0\x08\x80\0\0\0\x12\x34\0\1atomic") },
	{ V6, 59, BYTES("") },
	{ V6, 253, BYTES("experiment") },
};

unsigned seed_count(void) { return ARRAY_LEN(seeds); }

static u32 make4(const struct seed *s, u8 *f)
{
	static const u8 plain[20] = { 0x45, [4] = 1, 2, [8] = 64, [12] = 10, 9, 0, 2, 10, 9, 0, 1 };
	u32 head = s->kind == V4_OPTIONS ? 32 : 20;
	u8 *ip = f + 14;

	memset(ip, 0, head);
	memcpy(ip, plain, 20);
	ip[0] = (u8)(0x40 | head / 4);
	ip[3] = (u8)(head + s->len);
	ip[9] = s->protocol;
	if (s->kind == V4_OPTIONS)
		memcpy(ip + 20, "\7\7\4\0\0\0\0\1\x83\3\4\0", 12);	/* record route, loose source route */
	if (s->kind == V4_MORE)
		ip[6] = 0x20;
	if (s->kind == V4_LATER)
		ip[7] = 3;
	if (s->kind == V4_GROUP)
		memcpy(ip + 16, "\xe0\0\0\1", 4);
	if (s->kind == V4_BROADCAST)
		memcpy(ip + 16, "\xff\xff\xff\xff", 4);
	memcpy(ip + head, s->bytes, s->len);
	return 14 + head + s->len;
}

static u32 make6(const struct seed *s, u8 *f)
{
	static const u8 plain[40] = { 0x60, [7] = 255, 0xfd, 9, [23] = 2, 0xfd, 9, [39] = 1 };
	u8 *ip = f + 14;

	memcpy(ip, plain, 40);
	ip[5] = s->len;
	ip[6] = s->protocol;
	if (s->kind != V6)
		memcpy(ip + 8, "\xfe\x80", 2);
	if (s->kind != V6)
		memcpy(ip + 24, "\xff\2", 2);
	memcpy(ip + 40, s->bytes, s->len);
	return 54 + s->len;
}

u32 seed_make(unsigned which, u8 *f)
{
	static const u8 macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	const struct seed *s = &seeds[which];
	u32 len;

	memcpy(f, macs, 12);
	if (s->kind == LAYER2) {
		memcpy(f + 12, s->bytes, s->len);
		return 12 + s->len;
	}
	memcpy(f + 12, s->kind >= V6 ? "\x86\xdd" : "\x08\0", 2);
	len = s->kind >= V6 ? make6(s, f) : make4(s, f);
	wire_seal(f, len);
	return len;
}
