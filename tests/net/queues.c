/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went through each pair of queues of a network card, in packets, by ethtool's ioctl, with the names that Linux's virtio_net had until it told
 * them by netlink only.
 * With two numbers as further arguments: `ok` if so many pairs have received and sent so many packets each, else `not ok`.
 */
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define QUEUES 16

/* linux/ethtool.h, which the C library does not bring. */
#define SIOCETHTOOL 0x8946
#define ETHTOOL_GSTRINGS 0x1b
#define ETHTOOL_GSTATS 0x1d
#define ETHTOOL_GSSET_INFO 0x37
#define ETHTOOL_GCHANNELS 0x3c
#define ETH_SS_STATS 1
#define ETH_GSTRING_LEN 32
struct set_info { uint32_t cmd, reserved; uint64_t mask; uint32_t n; };
struct strings { uint32_t cmd, set, len; char data[]; };
struct stats { uint32_t cmd, n; uint64_t data[]; };
struct channels { uint32_t cmd, max_rx, max_tx, max_other, max_combined, rx, tx, other, combined; };

static int sock;
static struct ifreq request;

static int ask(void *what)
{
	request.ifr_data = what;
	return ioctl(sock, SIOCETHTOOL, &request);
}

/* How many strings the card's figures have. */
static unsigned count(void)
{
	struct set_info i = { .cmd = ETHTOOL_GSSET_INFO, .mask = 1ull << ETH_SS_STATS };

	return ask(&i) || !i.mask ? 0 : i.n;
}

int main(int argc, char **argv)
{
	unsigned long long rx[QUEUES] = { 0 }, tx[QUEUES] = { 0 };
	struct channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct strings *names;
	struct stats *stats;
	unsigned n, q, busy = 0;

	sock = socket(AF_INET, SOCK_DGRAM, 0);
	strncpy(request.ifr_name, argc > 1 ? argv[1] : "eth0", IFNAMSIZ - 1);
	if (ask(&channels)) {
		perror("not ok channels");
		return 1;
	}
	n = count();
	names = calloc(1, sizeof *names + n * ETH_GSTRING_LEN);
	stats = calloc(1, sizeof *stats + n * sizeof(unsigned long long));
	names->cmd = ETHTOOL_GSTRINGS;
	names->set = ETH_SS_STATS;
	names->len = n;
	stats->cmd = ETHTOOL_GSTATS;
	stats->n = n;
	if (!n || ask(names) || ask(stats)) {
		perror("not ok figures");
		return 1;
	}
	for (unsigned i = 0; i < n; i++) {
		const char *name = names->data + i * ETH_GSTRING_LEN;

		/* Or, for some releases, rx0_packets. */
		if ((sscanf(name, "rx_queue_%u_", &q) == 1 || sscanf(name, "rx%u_", &q) == 1) && q < QUEUES && strstr(name, "_packets"))
			rx[q] = stats->data[i];
		if ((sscanf(name, "tx_queue_%u_", &q) == 1 || sscanf(name, "tx%u_", &q) == 1) && q < QUEUES && strstr(name, "_packets"))
			tx[q] = stats->data[i];
	}
	for (q = 0; q < channels.combined && q < QUEUES; q++) {
		printf("# pair %u: %llu received, %llu sent\n", q, rx[q], tx[q]);
		busy += argc > 3 && rx[q] >= strtoull(argv[3], NULL, 0) && tx[q] >= strtoull(argv[3], NULL, 0);
	}
	if (argc > 3)
		printf("%s pairs-used %u of %u\n", busy >= strtoul(argv[2], NULL, 0) ? "ok" : "not ok", busy, channels.combined);
	return 0;
}
