/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring against a device that behaves and against devices that lie. The test plays the device in shared memory. */
#include <kernel/mm.h>
#include <kernel/test.h>
#include <lib/bits.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "ring.h"

#define SIZE 8u

static u8 fake_status;
static unsigned notified;
static u8 status_get(struct virtio_device *vd) { return fake_status; }
static void status_set(struct virtio_device *vd, u8 v) { fake_status = v; }
static void notify(struct virtio_device *vd, struct virtq *q) { notified++; }
static const struct virtio_transport fake = { .name = "test", .status = status_get, .set_status = status_set, .notify = notify };
static struct device fake_device = { .name = "virtq-test" };
static struct virtio_device vd;
static struct virtq *q;
static int tokens[SIZE + 1];

static bool set_up(void)
{
	vd = (struct virtio_device){ .transport = &fake, .parent = &fake_device };
	notified = 0;
	q = virtq_create(&vd, 0, SIZE);
	return q != NULL;
}

/* The device: finishes chain id with len bytes. */
static void finish(u32 id, u32 len)
{
	u16 at = le16_to_cpu(q->used->idx);

	q->used->ring[at & (SIZE - 1)].id = cpu_to_le32(id);
	q->used->ring[at & (SIZE - 1)].len = cpu_to_le32(len);
	q->used->idx = cpu_to_le16((u16)(at + 1));
}

static u32 last_head(void)
{
	return le16_to_cpu(q->avail->ring[(le16_to_cpu(q->avail->idx) - 1) & (SIZE - 1)]);
}

static int add(u32 out, u32 in, void *token)
{
	struct virtq_seg s[SIZE + 1];

	for (u32 i = 0; i < SIZE + 1; i++)
		s[i] = (struct virtq_seg){ 0x1000 * (i + 1), 16 };
	return virtq_add(q, s, out, in, token);
}

static void test_chain_layout(void)
{
	u32 head, second;

	test_check(set_up());
	test_equal(add(1, 2, &tokens[0]), 0);
	head = last_head();
	test_equal(le16_to_cpu(q->desc[head].flags), VIRTQ_DESC_NEXT);
	second = le16_to_cpu(q->desc[head].next);
	test_equal(le16_to_cpu(q->desc[second].flags), VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE);
	test_equal(le16_to_cpu(q->desc[le16_to_cpu(q->desc[second].next)].flags), VIRTQ_DESC_WRITE);
	test_equal(le64_to_cpu(q->desc[second].addr), 0x2000);
	test_equal(virtq_room(q), SIZE - 3);
	virtq_destroy(q);
}

static void test_full_and_wrap(void)
{
	u32 len;

	test_check(set_up());
	test_equal(add(0, 0, &tokens[0]), -EINVAL);
	test_equal(add(SIZE, 1, &tokens[0]), -EINVAL);
	for (unsigned round = 0; round < 70000 / SIZE; round++) {	/* the 16-bit indices wrap */
		for (u32 i = 0; i < SIZE; i++)
			test_equal(add(0, 1, &tokens[i]), 0);
		test_equal(add(1, 0, &tokens[0]), -EAGAIN);
		for (u32 i = 0; i < SIZE; i++)
			finish(le16_to_cpu(q->avail->ring[i]), 16);
		for (u32 i = 0; i < SIZE; i++)
			test_check(virtq_take(q, &len) && len == 16);
		test_check(!virtq_take(q, &len));
	}
	test_check(!virtio_is_broken(&vd));
	test_equal(virtq_room(q), SIZE);
	virtq_destroy(q);
}

/* Descriptors rewritten by the device change nothing on our side. */
static void test_rewritten_descriptors(void)
{
	u32 len, head;

	test_check(set_up());
	test_equal(add(2, 2, &tokens[0]), 0);
	head = last_head();
	memset(q->desc, 0xff, sizeof(struct vring_desc) * SIZE);
	memset(q->avail, 0xff, sizeof(struct vring_avail) + 2 * SIZE);
	finish(head, 32);
	test_check(virtq_take(q, &len) == &tokens[0]);
	test_equal(virtq_room(q), SIZE);
	test_equal(add(4, 4, &tokens[1]), 0);
	test_check(!virtio_is_broken(&vd));
	virtq_destroy(q);
}

/* One lie each; afterwards adds fail and cancel gives the chain back once. */
static void lie(void (*tell)(u32 head))
{
	u32 len;

	test_check(set_up());
	test_equal(add(1, 1, &tokens[3]), 0);
	tell(last_head());
	test_check(!virtq_take(q, &len));
	test_check(virtio_is_broken(&vd));
	test_equal(add(1, 1, &tokens[4]), -EIO);
	test_check(virtq_cancel(q) == &tokens[3]);
	test_check(!virtq_cancel(q));
	virtq_destroy(q);
}

static void lie_id_range(u32 head) { finish(SIZE, 0); }
static void lie_id_huge(u32 head) { finish(0xffffffff, 0); }
static void lie_id_free(u32 head) { finish((head + 1) % SIZE, 0); }	/* second of the chain, not a head */
static void lie_len(u32 head) { finish(head, 17); }
static void lie_index_ahead(u32 head)
{
	finish(head, 0);
	finish(head, 0);
}
static void lie_index_jump(u32 head) { q->used->idx = cpu_to_le16(0x8000); }

static void test_lies(void)
{
	lie(lie_id_range);
	lie(lie_id_huge);
	lie(lie_id_free);
	lie(lie_len);
	lie(lie_index_ahead);
	lie(lie_index_jump);
}

/* The same chain finished twice while another one is out. */
static void test_used_twice(void)
{
	u32 len, head;

	test_check(set_up());
	test_equal(add(1, 1, &tokens[0]), 0);
	head = last_head();
	test_equal(add(1, 1, &tokens[1]), 0);
	finish(head, 0);
	test_check(virtq_take(q, &len) == &tokens[0]);
	finish(head, 0);
	test_check(!virtq_take(q, &len));
	test_check(virtio_is_broken(&vd));
	test_check(virtq_cancel(q) == &tokens[1]);
	virtq_destroy(q);
}

static void test_kick(void)
{
	test_check(set_up());
	test_equal(add(1, 0, &tokens[0]), 0);
	virtq_kick(q);
	test_equal(notified, 1);
	q->used->flags = cpu_to_le16(VIRTQ_USED_NO_NOTIFY);
	virtq_kick(q);
	test_equal(notified, 1);
	virtq_irq_off(q);
	test_equal(le16_to_cpu(q->avail->flags), VIRTQ_AVAIL_NO_INTERRUPT);
	finish(last_head(), 0);
	test_check(virtq_irq_on(q));
	virtq_destroy(q);
}

static u16 used_event(void) { return le16_to_cpu(q->avail->ring[SIZE]); }
static void avail_event(u16 v) { *(le16 *)&q->used->ring[SIZE] = cpu_to_le16(v); }

static bool set_up_with(unsigned feature)
{
	vd = (struct virtio_device){ .transport = &fake, .parent = &fake_device, .features = BIT(feature) };
	notified = 0;
	q = virtq_create(&vd, 0, SIZE);
	return q != NULL;
}

/* The device is told when the index passes what it waits for, also where both go round; never for what it was told of. */
static void test_event_kick(void)
{
	u32 len;

	test_check(set_up_with(VIRTIO_F_RING_EVENT_IDX));
	for (u32 i = 0; i < 0x10010; i++) {
		unsigned before = notified;
		bool wanted = i % 3 == 0;

		avail_event((u16)(wanted ? i : i - 1));
		test_equal(add(1, 0, &tokens[0]), 0);
		virtq_kick(q);
		test_equal(notified, before + wanted);
		avail_event((u16)i);
		virtq_kick(q);
		test_equal(notified, before + wanted);
		finish(last_head(), 0);
		test_check(virtq_take(q, &len));
	}
	avail_event((u16)(0x10010 + 1));
	test_equal(add(1, 0, &tokens[0]), 0);
	test_equal(add(1, 0, &tokens[1]), 0);
	notified = 0;
	virtq_kick(q);			/* two at once, the second is waited for */
	test_equal(notified, 1);
	virtq_destroy(q);
}

static void test_event_interrupt(void)
{
	u32 len;

	test_check(set_up_with(VIRTIO_F_RING_EVENT_IDX));
	for (u32 i = 0; i < 4; i++)
		test_equal(add(1, 0, &tokens[i]), 0);
	test_equal(used_event(), 0);	/* on from the start */
	finish(le16_to_cpu(q->avail->ring[0]), 0);
	test_check(virtq_take(q, &len));
	test_equal(used_event(), 1);	/* and for the next */
	virtq_irq_off(q);
	test_equal(used_event(), 0);	/* behind */
	test_equal(le16_to_cpu(q->avail->flags), 0);
	finish(le16_to_cpu(q->avail->ring[1]), 0);
	test_check(virtq_irq_on(q));	/* one came while it was off */
	test_check(virtq_take(q, &len));
	test_check(!virtq_irq_on(q));
	test_equal(used_event(), 2);
	test_equal(add(1, 0, &tokens[4]), 0);
	test_equal(add(1, 0, &tokens[5]), 0);
	test_check(!virtq_irq_on_later(q));
	test_equal(used_event(), 4);	/* two of the four that are out may come back in silence */
	finish(le16_to_cpu(q->avail->ring[2]), 0);
	test_check(virtq_take(q, &len));
	test_equal(used_event(), 4);
	virtq_destroy(q);
}

/* A chain in a table takes one descriptor; without tables left it lies in the ring. What the device writes there is not read. */
static void test_tables(void)
{
	struct vring_desc *t;
	u32 len, head;

	test_check(set_up_with(VIRTIO_F_RING_INDIRECT));
	virtq_make_tables(q);
	test_equal(add(1, 2, &tokens[0]), 0);
	head = last_head();
	test_equal(virtq_room(q), SIZE - 1);
	test_equal(le16_to_cpu(q->desc[head].flags), VIRTQ_DESC_INDIRECT);
	test_equal(le32_to_cpu(q->desc[head].len), 3 * sizeof(struct vring_desc));
	t = phys_to_virt(le64_to_cpu(q->desc[head].addr));
	test_equal(le16_to_cpu(t[0].flags), VIRTQ_DESC_NEXT);
	test_equal(le16_to_cpu(t[0].next), 1);
	test_equal(le16_to_cpu(t[1].flags), VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE);
	test_equal(le16_to_cpu(t[2].flags), VIRTQ_DESC_WRITE);
	test_equal(le64_to_cpu(t[2].addr), 0x3000);
	memset(t, 0xff, 3 * sizeof(*t));
	finish(head, 32);
	test_check(virtq_take(q, &len) == &tokens[0] && len == 32);
	for (u32 round = 0; round < 3 * VIRTQ_TABLES; round++) {	/* each table comes back */
		test_equal(add(2, 0, &tokens[1]), 0);
		test_equal(le16_to_cpu(q->desc[last_head()].flags), VIRTQ_DESC_INDIRECT);
		finish(last_head(), 0);
		test_check(virtq_take(q, &len));
	}
	q->table_free = 0xffff;
	test_equal(add(1, 2, &tokens[0]), 0);
	test_equal(le16_to_cpu(q->desc[last_head()].flags), VIRTQ_DESC_NEXT);
	test_equal(virtq_room(q), SIZE - 3);
	test_check(!virtio_is_broken(&vd));
	virtq_destroy(q);
}

static const struct test_case cases[] = {
	TEST_CASE(test_chain_layout), TEST_CASE(test_full_and_wrap), TEST_CASE(test_rewritten_descriptors),
	TEST_CASE(test_lies), TEST_CASE(test_used_twice), TEST_CASE(test_kick),
	TEST_CASE(test_event_kick), TEST_CASE(test_event_interrupt), TEST_CASE(test_tables), {},
};
const struct test_suite test_suite_virtq = { "virtq", cases };
