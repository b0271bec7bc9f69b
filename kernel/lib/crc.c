/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32C and CRC-16, table-driven; the tables are made at first use from the polynomial
 * (making them is idempotent, so a race only repeats the work).
 */
#include <lib/atomic.h>
#include <lib/bits.h>
#include <lib/hash.h>

#define CRC32C_POLY 0x82f63b78u		/* reflected, RFC 3720 §B.4 */
#define CRC16_POLY 0xa001u		/* reflected, ANSI */

static u32 crc32c_table[8][256];
static u16 crc16_table[256];
static bool tables_ready;		/* release/acquire: tables before flag */

static void tables_make(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 c = i;
		u16 d = (u16)i;

		for (int k = 0; k < 8; k++) {
			c = c & 1 ? c >> 1 ^ CRC32C_POLY : c >> 1;
			d = d & 1 ? d >> 1 ^ CRC16_POLY : d >> 1;
		}
		crc32c_table[0][i] = c;
		crc16_table[i] = d;
	}
	for (u32 i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++) {
			u32 c = crc32c_table[t - 1][i];

			crc32c_table[t][i] = c >> 8 ^ crc32c_table[0][c & 0xff];
		}
	atomic_store_release(&tables_ready, true);	/* pairs with the acquire in the users */
}

u32 crc32c(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;

	if (!atomic_load_acquire(&tables_ready))
		tables_make();
	for (; len >= 8; len -= 8, p += 8) {
		u64 w = get_le64(p) ^ crc;

		crc = crc32c_table[7][w & 0xff] ^ crc32c_table[6][w >> 8 & 0xff] ^
		      crc32c_table[5][w >> 16 & 0xff] ^ crc32c_table[4][w >> 24 & 0xff] ^
		      crc32c_table[3][w >> 32 & 0xff] ^ crc32c_table[2][w >> 40 & 0xff] ^
		      crc32c_table[1][w >> 48 & 0xff] ^ crc32c_table[0][w >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ crc32c_table[0][(crc ^ *p++) & 0xff];
	return crc;
}

u16 crc16(u16 crc, const void *data, size_t len)
{
	const u8 *p = data;

	if (!atomic_load_acquire(&tables_ready))
		tables_make();
	while (len--)
		crc = (u16)(crc >> 8 ^ crc16_table[(crc ^ *p++) & 0xff]);
	return crc;
}
