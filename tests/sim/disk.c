/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk with a volatile write cache. Requests take random times, so they overtake each other. A write is in
 * the cache when it ends, stable after a flush that began later; until then it stands in a log of
 * sectors, from which a power cut keeps any part. Beside that: failing requests, flipped bits.
 */
#include <arch/mmu.h>
#include <lib/string.h>
#include <native/sim.h>
#include <uapi/errno.h>
#include "disk.h"

#define SECTOR 512u
#define LOG_MAX 16384u		/* unflushed sector writes; more: the oldest are written back */
#define DELAY_MIN_NS 2000u
#define DELAY_SHIFT_MAX 13u	/* up to half a millisecond more */

struct log_entry {
	u64 sector;
	u64 order;		/* of completion */
	u8 data[SECTOR];
};
static struct {
	u8 *now, *stable;	/* what reads see; what survives */
	u64 sectors;
	struct log_entry *log;
	unsigned nr_log;
	u64 order;
	struct slot {
		struct disk_request r;
		u64 started;	/* order when it began */
		bool busy;
	} slot[DISK_SLOTS];
	struct { unsigned slot; int status; } done[DISK_SLOTS];
	unsigned nr_done;
	u64 eio_one_in, flip_one_in, faults;
	const u8 *image;	/* of disk_restore */
	bool *is_touched;	/* by sector: perhaps not as in the image */
	u32 *touched;		/* their list */
	u32 nr_touched;
} d;

void sim_disk_load(const void *image, u64 size)
{
	d.sectors = size / SECTOR;
	d.now = sim_host_alloc(size);
	d.stable = sim_host_alloc(size);
	d.log = sim_host_alloc(LOG_MAX * sizeof(struct log_entry));
	memcpy(d.now, image, size);
	memcpy(d.stable, image, size);
}

u64 disk_sectors(void) { return d.sectors; }
u64 disk_faults(void) { return d.faults; }

void disk_set_faults(u64 eio_one_in, u64 flip_one_in)
{
	d.eio_one_in = eio_one_in;
	d.flip_one_in = flip_one_in;
}

static void make_stable(const struct log_entry *e) { memcpy(d.stable + e->sector * SECTOR, e->data, SECTOR); }

/* Everything that was in the cache when the flush began; what came later stays in the log. */
static void flush(u64 before)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < d.nr_log; i++) {
		if (d.log[i].order <= before)
			make_stable(&d.log[i]);
		else if (kept++ != i)
			d.log[kept - 1] = d.log[i];
	}
	d.nr_log = kept;
}

static void touch(u64 sector)
{
	if (!d.image || d.is_touched[sector])
		return;
	d.is_touched[sector] = true;
	d.touched[d.nr_touched++] = (u32)sector;
}

static void write_sector(u64 sector, const u8 *data)
{
	struct log_entry *e;

	if (d.nr_log == LOG_MAX)
		flush(d.log[LOG_MAX / 2].order);
	e = &d.log[d.nr_log++];
	e->sector = sector;
	e->order = d.order;
	memcpy(e->data, data, SECTOR);
	memcpy(d.now + sector * SECTOR, data, SECTOR);
	touch(sector);
}

static void read_sector(u64 sector, u8 *data)
{
	memcpy(data, d.now + sector * SECTOR, SECTOR);
	if (d.flip_one_in && sim_chance(SIM_DISK, d.flip_one_in)) {
		data[sim_below(SIM_DISK, SECTOR)] ^= (u8)(1u << sim_below(SIM_DISK, 8));
		d.faults++;
	}
}

static int transfer(const struct disk_request *r, u64 started)
{
	u64 sector = r->sector;

	if (d.eio_one_in && sim_chance(SIM_DISK, d.eio_one_in)) {
		d.faults++;
		return -EIO;
	}
	if (r->flush_before)
		flush(started);
	for (unsigned i = 0; i < r->nr; i++) {
		u8 *p = phys_to_virt(r->segment[i].phys);

		for (u32 at = 0; at < r->segment[i].len; at += SECTOR, sector++) {
			if (sector >= d.sectors)
				sim_fail("disk: sector %llu is beyond the end", (unsigned long long)sector);
			if (r->op == DISK_READ)
				read_sector(sector, p + at);
			else
				write_sector(sector, p + at);
		}
	}
	if (r->stable_after)
		flush(d.order);
	return 0;
}

static void complete(void *arg)
{
	struct slot *s = arg;
	unsigned n = (unsigned)(s - d.slot);
	int status = 0;

	d.order++;
	if (s->r.op == DISK_FLUSH) {
		if (d.eio_one_in && sim_chance(SIM_DISK, d.eio_one_in)) {
			d.faults++;
			status = -EIO;
		} else {
			flush(s->started);
		}
	} else {
		status = transfer(&s->r, s->started);
	}
	s->busy = false;
	d.done[d.nr_done].slot = n;
	d.done[d.nr_done++].status = status;
	sim_trace(5, (u64)n << 32 ^ s->r.sector);
	sim_irq_raise(DISK_LINE);
}

void disk_start(unsigned slot, const struct disk_request *r)
{
	struct slot *s = &d.slot[slot];

	if (s->busy)
		sim_fail("disk: slot %u is busy", slot);
	*s = (struct slot){ .r = *r, .started = d.order, .busy = true };
	sim_event_add(sim_now + DELAY_MIN_NS + sim_below(SIM_DISK, 1ull << (6 + sim_below(SIM_DISK, DELAY_SHIFT_MAX))), complete, s);
}

bool disk_finished(unsigned *slot, int *status)
{
	if (!d.nr_done)
		return false;
	d.nr_done--;
	*slot = d.done[d.nr_done].slot;
	*status = d.done[d.nr_done].status;
	return true;
}

void disk_power_cut(void)
{
	u64 keep = sim_below(SIM_DISK, 5);	/* of 4: from nothing to all */

	for (unsigned i = 0; i < d.nr_log; i++) {
		u8 *old = d.stable + d.log[i].sector * SECTOR;

		if (sim_below(SIM_DISK, 4) >= keep)
			continue;
		memcpy(old, d.log[i].data, sim_chance(SIM_DISK, 16) ? sim_below(SIM_DISK, SECTOR) : SECTOR);
	}
	d.nr_log = 0;
	memcpy(d.now, d.stable, d.sectors * SECTOR);
}

/* Only what changed since the last time is put back: harnesses do this thousands of times a second. */
void disk_restore(const u8 *image)
{
	if (!d.image) {
		d.is_touched = sim_host_alloc(d.sectors * sizeof(*d.is_touched));
		d.touched = sim_host_alloc(d.sectors * sizeof(*d.touched));
	}
	if (d.image != image)
		memcpy(d.now, image, d.sectors * SECTOR);
	d.image = image;
	d.nr_log = 0;
	while (d.nr_touched) {
		u64 sector = d.touched[--d.nr_touched];

		d.is_touched[sector] = false;
		memcpy(d.now + sector * SECTOR, image + sector * SECTOR, SECTOR);
	}
}

void disk_put(u64 at, const void *data, u32 n)
{
	memcpy(d.now + at, data, n);
	for (u64 sector = at / SECTOR; sector <= (at + n - 1) / SECTOR; sector++)
		touch(sector);
}

int disk_check(void) { return sim_host_check_disk(d.now, d.sectors * SECTOR); }
