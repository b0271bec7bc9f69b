/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's ABI of SIOCETHTOOL: the commands that are known. */
#ifndef UAPI_ETHTOOL_H
#define UAPI_ETHTOOL_H

#include <lib/types.h>

#define SIOCETHTOOL 0x8946
#define ETHTOOL_GDRVINFO 0x03
#define ETHTOOL_GLINK 0x0a
#define ETHTOOL_GSTRINGS 0x1b
#define ETHTOOL_GSTATS 0x1d
#define ETHTOOL_GSSET_INFO 0x37
#define ETHTOOL_GCHANNELS 0x3c
#define ETH_SS_STATS 1
#define ETH_GSTRING_LEN 32

struct user_ethtool_value {
	u32 cmd, data;
};
struct user_ethtool_drvinfo {
	u32 cmd;
	char driver[32], version[32], fw_version[32], bus_info[32], erom_version[32], reserved[12];
	u32 n_priv_flags, n_stats, testinfo_len, eedump_len, regdump_len;
};
static_assert(sizeof(struct user_ethtool_drvinfo) == 196, "as Linux");
struct user_ethtool_sset_info {		/* u32 for each bit follow */
	u32 cmd, reserved;
	u64 sset_mask;
};
struct user_ethtool_gstrings {		/* len * ETH_GSTRING_LEN bytes follow */
	u32 cmd, string_set, len;
};
struct user_ethtool_stats {		/* n_stats * u64 follow */
	u32 cmd, n_stats;
};
struct user_ethtool_channels {
	u32 cmd, max_rx, max_tx, max_other, max_combined, rx_count, tx_count, other_count, combined_count;
};

#endif
