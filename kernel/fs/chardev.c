/* SPDX-License-Identifier: BSD-2-Clause */
/* Character devices by number: opening a node finds the driver's operations here. */
#include "vfs.h"

struct chardev {
	struct list link;
	dev_t dev;
	const char *class, *name;	/* [b] of /sys/class; as /dev has it */
	mode_t mode;
	const struct file_ops *ops;
	void *private;
};
static struct list chardevs = LIST_INIT(chardevs);	/* lock; entries stay for ever */
static struct spinlock lock = SPINLOCK_INIT("chardev", LOCK_MISC);

static struct chardev *find(dev_t dev)
{
	struct chardev *c;

	list_for_each(c, &chardevs, link)
		if (c->dev == dev)
			return c;
	return NULL;
}

/* Registers the number and makes /dev/NAME. private becomes file->private before ops->open. -EEXIST, -ENOMEM. */
int chardev_register(dev_t dev, const char *class, const char *name, mode_t mode, const struct file_ops *ops, void *private)
{
	struct chardev *c = kzalloc(sizeof(*c), 0);
	bool taken;

	if (!c)
		return -ENOMEM;
	*c = (struct chardev){ .dev = dev, .class = class, .name = name, .mode = mode, .ops = ops, .private = private };
	spin_lock(&lock);
	taken = find(dev) != NULL;
	if (!taken)
		list_push_back(&chardevs, &c->link);
	spin_unlock(&lock);
	if (taken) {
		kfree(c);
		return -EEXIST;
	}
	return dev_node_add(name, S_IFCHR | (mode & S_IALLUGO), dev);
}

int chardev_open(struct inode *inode, struct file *file)
{
	struct chardev *c;

	spin_lock(&lock);
	c = find(inode->rdev);
	spin_unlock(&lock);
	if (!c)
		return -ENXIO;
	file->ops = c->ops;
	file->private = c->private;
	if (!c->ops->seek)
		file->mode |= FMODE_NOSEEK;
	return c->ops->open ? c->ops->open(inode, file) : 0;
}

int chardev_for_each(int (*fn)(const char *class, const char *name, mode_t mode, dev_t dev, void *arg), void *arg)
{
	struct chardev *c;
	int r = 0;

	/* Entries are only ever added at the end, and never go: the list can be read while others add. */
	for (struct list *l = READ_ONCE(chardevs.next); l != &chardevs && !r; l = READ_ONCE(l->next)) {
		c = list_entry(l, struct chardev, link);
		r = fn(c->class, c->name, c->mode, c->dev, arg);
	}
	return r;
}
