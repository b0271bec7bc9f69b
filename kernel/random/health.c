/* SPDX-License-Identifier: BSD-2-Clause */
/* Health tests of noise sources; see the header. The caller's lock guards the state. */
#include "health.h"

/* C = 1 + ceil(30 / H) (§4.4.1) and 1 + critbinom(512, 2^-H, 1 - 2^-30) (§4.4.2), by H. */
static const struct cutoff {
	u32 repeats, proportion;
} cutoffs[5] = {
	[1] = { 31, 325 }, [2] = { 16, 190 }, [4] = { 9, 71 },
};

void health_init(struct health *h, u32 bits_per_sample)
{
	*h = (struct health){ .bits_per_sample = bits_per_sample };
}

static bool repetition_ok(struct health *h, u8 sample)
{
	if (h->has_last && sample == h->last) {
		h->repeats++;
	} else {
		h->last = sample;
		h->has_last = true;
		h->repeats = 1;
	}
	return h->repeats < cutoffs[h->bits_per_sample].repeats;
}

static bool proportion_ok(struct health *h, u8 sample)
{
	if (h->window_pos == 0) {
		h->window_first = sample;
		h->window_count = 0;
	}
	if (sample == h->window_first)
		h->window_count++;
	h->window_pos = (h->window_pos + 1) % HEALTH_WINDOW;
	return h->window_count < cutoffs[h->bits_per_sample].proportion;
}

bool health_sample(struct health *h, u8 sample)
{
	bool a = repetition_ok(h, sample), b = proportion_ok(h, sample);

	if (a && b) {
		if (h->passed < HEALTH_STARTUP)
			h->passed++;
		return true;
	}
	h->failures++;
	h->passed = 0;
	h->has_last = false;
	h->window_pos = 0;
	return false;
}

bool health_is_good(const struct health *h)
{
	return h->passed >= HEALTH_STARTUP;
}
