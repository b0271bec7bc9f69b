/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel's image lies in virtual space: at its link address plus a distance that differs from boot to boot.
 * The architecture's boot code calls slide_choose and slide_apply while the image runs at its link address and is
 * mapped at both; the list of words that hold addresses is made from the linked image (ci/tools/gen_symbols.py)
 * and freed with the init section. The linear map and kernel virtual space stay where they are.
 *
 * Nothing here may store a pointer to the image before slide_apply: it would point to where the image was.
 */
#include <arch/boot.h>
#include <arch/upcall.h>
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/symbols.h>
#include <lib/bits.h>
#include <lib/string.h>

#define SLIDE_STEP (2ull << 20)

u64 image_slide;
static enum { SLIDE_NEVER, SLIDE_REFUSED, SLIDE_NO_SEED, SLIDE_DONE } slide_state;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

bool slide_word(const char *words, size_t len, const char *word)
{
	size_t size = strlen(word);

	for (size_t at = 0; at < len && words[at];) {
		size_t end = at;

		while (end < len && words[end] && !is_blank(words[end]))
			end++;
		if (end - at == 2 && !memcmp(words + at, "--", 2))
			return false;
		if (end - at == size && !memcmp(words + at, word, size))
			return true;
		at = end < len && words[end] ? end + 1 : end;
	}
	return false;
}

__init u64 slide_choose(const struct slide_facts *facts, u64 first, u64 slots)
{
	/* Multiplied by 2^64 over the golden ratio: the upper half depends on all bits. */
	u64 mixed = (facts->seed ^ facts->seed >> 32) * 0x9e3779b97f4a7c15ull >> 32;

	if (facts->words && slide_word(facts->words, facts->words_len, "nokaslr")) {
		slide_state = SLIDE_REFUSED;
		return 0;
	}
	if (!facts->has_seed || !slots) {
		slide_state = SLIDE_NO_SEED;
		return 0;
	}
	slide_state = SLIDE_DONE;
	image_slide = first + mixed * slots / (1ull << 32) * SLIDE_STEP;
	return image_slide;
}

/* The next place of a list, or NULL at its end; the code is told in gen_symbols.py. */
static __init u8 *next_place(const u8 **list, u8 *at)
{
	const u8 *p = *list;
	u32 step = *p++;

	if (step == 0) {
		at = NULL;
	} else if (step < 255) {
		at += step;
	} else {
		step = (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
		p += 4;
		at += step;
	}
	*list = p;
	return at;
}

__init void slide_apply(u64 slide)
{
	const u8 *list = kernel_words;
	u8 *at;

	for (at = (u8 *)__image_start; (at = next_place(&list, at));)
		*(u64 *)at += slide;
	for (at = (u8 *)__image_start; (at = next_place(&list, at));)
		*(u32 *)at += (u32)slide;
}

void slide_report(void)
{
	if (slide_state == SLIDE_NO_SEED)
		log_warn("kaslr: neither firmware nor CPU gave a seed, the kernel lies at its link address");
	else if (slide_state == SLIDE_REFUSED)
		log_info("kaslr: off");
	else if (slide_state == SLIDE_DONE)
		log_info("kaslr: on");
}
