/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Health tests of raw noise sources: repetition count and adaptive proportion (NIST SP 800-90B
 * §4.4.1, §4.4.2) at a false-alarm rate of 2^-30, on samples of one byte.
 */
#ifndef RANDOM_HEALTH_H
#define RANDOM_HEALTH_H

#include <lib/compiler.h>

#define HEALTH_WINDOW 512u		/* samples of one adaptive-proportion window, not binary */
#define HEALTH_STARTUP 1024u		/* samples a source must pass before it is believed, §4.3 */

struct health {
	u32 bits_per_sample;	/* claimed min-entropy: 1, 2 or 4 */
	u32 repeats;		/* of last in a row */
	u32 window_pos, window_count;
	u32 passed;		/* good samples since start or the last failure, up to HEALTH_STARTUP */
	u32 failures;
	u8 last, window_first;
	bool has_last;
};
void health_init(struct health *h, u32 bits_per_sample);
/* False when this sample made a test fail; the start-up count begins anew then. */
bool health_sample(struct health *h, u8 sample);
bool health_is_good(const struct health *h);	/* start-up passed, no failure since */

#endif
