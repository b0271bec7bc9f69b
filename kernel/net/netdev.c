/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interfaces there are, and the network threads: one per CPU polls the devices' queues assigned to it, a budget of frames
 * at a time, so that a flood of frames takes turns with programs by the scheduler's rules and never runs in interrupts.
 *
 * Locks: the list of interfaces is under net_lock (netdev.h); each thread's work list has a spinlock of its own that
 * interrupt handlers take.
 */
#include <kernel/cpu.h>
#include <kernel/log.h>
#include <kernel/netdev.h>
#include <kernel/netstack.h>
#include <kernel/sched.h>
#include <lib/format.h>
#include <lib/string.h>
#include "netproc.h"

#define POLL_BUDGET 64u

struct net_worker {
	struct spinlock lock;		/* LOCK_NET_WORK, interrupts off */
	struct list work;		/* struct netdev_queue.work_link */
	struct waitq wait;
};
static struct net_worker *workers[MAX_CPUS];	/* [b] */
static unsigned nr_workers, next_worker;
static struct list devices = LIST_INIT(devices);	/* net_lock */
static u32 last_index;
struct netdev *netdev_lo;

static struct netdev_queue *work_take(struct net_worker *w)
{
	unsigned long flags = spin_lock_irqsave(&w->lock);
	struct list *l = list_pop_front(&w->work);

	spin_unlock_irqrestore(&w->lock, flags);
	return l ? list_entry(l, struct netdev_queue, work_link) : NULL;
}

static void work_put(struct netdev_queue *q)
{
	struct net_worker *w = q->worker;
	unsigned long flags = spin_lock_irqsave(&w->lock);

	list_push_back(&w->work, &q->work_link);
	spin_unlock_irqrestore(&w->lock, flags);
	waitq_wake_one(&w->wait);
}

void netdev_schedule(struct netdev *dev, u32 queue)
{
	struct netdev_queue *q = &dev->queues[queue];

	if (!atomic_xchg(&q->is_scheduled, true))
		work_put(q);
}

/* The mark stays while the queue is in the list or being polled, so it is never in there twice. */
static void queue_poll(struct netdev_queue *q)
{
	struct netdev *dev = q->dev;
	unsigned n = dev->ops->poll(dev, q->index, POLL_BUDGET);

	if (n >= POLL_BUDGET) {
		work_put(q);
		return;
	}
	atomic_store_release(&q->is_scheduled, false);	/* before interrupts may come; pairs with netdev_schedule */
	if (dev->ops->poll_end(dev, q->index))
		netdev_schedule(dev, q->index);
}

static void worker_run(void *arg)
{
	struct net_worker *w = arg;

	while (1) {
		struct netdev_queue *q;

		waitq_wait(&w->wait, !list_empty(&w->work));
		q = work_take(w);
		if (q)
			queue_poll(q);
	}
}

static void worker_start(unsigned cpu)
{
	struct net_worker *w = kzalloc(sizeof(*w), 0);
	struct thread *t;
	char name[THREAD_NAME_MAX];

	snprintf(name, sizeof(name), "net/%u", cpu);
	t = w ? thread_create(name, worker_run, w, (int)cpu) : NULL;
	if (!t)
		panic("no memory for the network threads");
	spin_init(&w->lock, "net-work", LOCK_NET_WORK);
	list_init(&w->work);
	waitq_init(&w->wait);
	thread_start(t);
	thread_put(t);
	workers[nr_workers++] = w;
}

u32 netdev_queues_wanted(void) { return min(nr_workers, NETDEV_QUEUES_MAX); }

static bool name_taken(const char *name) { return netdev_by_name(name) != NULL; }

int netdev_register(struct netdev *dev)
{
	int err;

	list_init(&dev->packet_sockets);
	dev->nr_queues = clamp(dev->nr_queues, 1u, NETDEV_QUEUES_MAX);
	/* The first card's first is on the first CPU, where its interrupts come. */
	for (u32 i = 0; dev->ops && i < dev->nr_queues; i++) {
		dev->queues[i].dev = dev;
		dev->queues[i].index = i;
		dev->queues[i].worker = workers[(next_worker + i) % nr_workers];
	}
	next_worker += dev->ops != NULL;
	net_lock();
	for (unsigned i = 0; !dev->name[0] || (i && name_taken(dev->name)); i++)
		snprintf(dev->name, sizeof(dev->name), "eth%u", i);
	dev->index = ++last_index;
	err = netstack->attach(dev);
	if (!err)
		list_push_back(&devices, &dev->link);
	net_unlock();
	if (err)
		return err;
	net_sysfs_add(dev);
	if (dev->ops)
		log_info("%s: %02x:%02x:%02x:%02x:%02x:%02x, mtu %u%s%s", dev->name, dev->mac[0], dev->mac[1], dev->mac[2],
			 dev->mac[3], dev->mac[4], dev->mac[5], dev->mtu, dev->can_csum ? ", checksums" : "",
			 dev->can_tso4 ? ", segmentation" : "");
	if (dev->nr_queues > 1)
		log_info("%s: %u pairs of queues", dev->name, dev->nr_queues);
	return 0;
}

struct netdev *netdev_next(const struct netdev *dev)
{
	const struct list *l = dev ? dev->link.next : devices.next;

	return l == &devices ? NULL : list_entry(l, struct netdev, link);
}

struct netdev *netdev_by_index(u32 index)
{
	struct netdev *d = NULL;

	while ((d = netdev_next(d)))
		if (d->index == index)
			break;
	return d;
}

struct netdev *netdev_by_name(const char *name)
{
	struct netdev *d = NULL;

	while ((d = netdev_next(d)))
		if (!strcmp(d->name, name))
			break;
	return d;
}

void netdev_receive(struct netdev *dev, u32 queue, struct netbuf **frames, unsigned n)
{
	struct netdev_queue *q = &dev->queues[queue];
	u64 bytes = 0;

	for (unsigned i = 0; i < n; i++)
		for (const struct netbuf *b = frames[i]; b; b = b->next)
			bytes += b->len;
	atomic_add(&dev->stats.rx_packets, (u64)n);
	atomic_add(&dev->stats.rx_bytes, bytes);
	atomic_add(&q->rx_packets, (u64)n);
	atomic_add(&q->rx_bytes, bytes);
	net_lock();
	for (unsigned i = 0; i < n; i++)
		netstack->receive(dev, frames[i]);
	net_unlock();
}

void netdev_sent(void *token) { netstack->sent(token); }

void netdev_tx_ready(struct netdev *dev)
{
	net_lock();
	netstack->tx_ready(dev);
	net_unlock();
}

void netdev_carrier(struct netdev *dev, bool on)
{
	if (atomic_xchg(&dev->has_carrier, on) == on)
		return;
	net_lock();
	netstack->carrier_changed(dev);
	net_unlock();
}

/* ---- the lock -------------------------------------------------------------------------------------- */
static struct spinlock core_lock = SPINLOCK_INIT("net", LOCK_NET);

void __hot net_lock(void) { spin_lock(&core_lock); }

void __hot net_unlock(void)
{
	netstack->run_pending();
	for (struct netdev *d = netdev_next(NULL); d; d = netdev_next(d)) {
		if (d->needs_flush) {
			d->needs_flush = false;
			d->ops->flush(d);
		}
	}
	spin_unlock(&core_lock);
}

bool net_is_locked(void) { return spin_is_held(&core_lock); }

static struct netdev loopback = {
	.name = "lo", .mtu = 65535, .mtu_max = 65535, .flags = IFF_LOOPBACK, .has_carrier = true,
};

void net_init(void)
{
	unsigned n = cpu_count;

	for (unsigned i = 0; i < n; i++)
		if (cpu_table[i] && atomic_load(&cpu_table[i]->is_online))
			worker_start(i);
	netstack->init();
	netdev_lo = &loopback;
	if (netdev_register(&loopback))
		panic("no memory for the loopback interface");
	net_proc_init();
	inet_proc_init();
}
