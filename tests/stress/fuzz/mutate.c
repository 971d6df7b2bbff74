/* SPDX-License-Identifier: MIT */
/*
 * Mutations that keep steps whole: libFuzzer's own, which know nothing of
 * them, are used one time in four.
 */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "input.h"
#include "target.h"

#define HEAD sizeof(struct input_head)
#define STEP sizeof(struct input_step)

static uint64_t state_of_chance;

static uint32_t draw(uint32_t below)
{
	state_of_chance = state_of_chance * UINT64_C(6364136223846793005) +
			  UINT64_C(1442695040888963407);
	return (uint32_t)(state_of_chance >> 33) % below;
}

/* Small numbers are indices, offsets and lengths more often than others. */
static uint32_t number(void)
{
	uint32_t n = draw(UINT32_MAX);

	switch (draw(6)) {
	case 0: return n;
	case 1: return UINT32_MAX - draw(4);
	case 2: return 1u << draw(32);
	case 3: return n % 4096;
	default: return n % 130;
	}
}

static uint16_t moment(void)
{
	return draw(3) ? (uint16_t)draw(1u << draw(12)) : 0;
}

static struct input_step random_step(void)
{
	struct input_step s = {
		.op = (uint8_t)draw(256),
		.arg = (uint8_t)draw(256),
		.at = (uint16_t)(draw(4) ? draw(24) : number()),
		.off = (uint16_t)(draw(2) ? draw(32) * 4 : number()),
		.when = moment(),
		.value = number(),
	};

	/* Inside an operation, what it is about to look at is best. */
	if ((s.op & STEP_SCRIBBLE) && s.when && draw(3))
		s.op |= IN_HERE;
	/*
	 * Mostly copy from the same place of a neighbour, or from its other
	 * field.
	 */
	if ((s.op & STEP_SCRIBBLE) && (s.op >> 3 & 7) == COPY_64 && draw(4))
		s.value = draw(128) | (s.off ^ draw(2) * 32u) << 16;
	return s;
}

/* Changes one member of the step. */
static void retouch(struct input_step *s)
{
	struct input_step other = random_step();

	switch (draw(6)) {
	case 0: s->op = other.op; break;
	case 1: s->arg = other.arg; break;
	case 2: s->at = other.at; break;
	case 3: s->off = other.off; break;
	case 4: s->when = draw(2) ? (uint16_t)(s->when + 1) : other.when; break;
	default: s->value = draw(2) ? other.value : s->value + draw(9) - 4;
	}
}

/* Makes room for one at `i`. */
static struct input_step *insert(struct input_step *steps, size_t count,
				 size_t i)
{
	memmove(&steps[i + 1], &steps[i], (count - i) * STEP);
	return &steps[i];
}

static size_t mutate_steps(struct input_step *steps, size_t count, size_t most)
{
	size_t i = draw((uint32_t)count + 1);
	struct input_step other;

	if (count < most && (!count || draw(3) == 0)) {
		other = count && draw(3) == 0 ? steps[draw((uint32_t)count)] :
						random_step();
		*insert(steps, count, i) = other;
		return count + 1;
	}
	if (!count)
		return 0;
	i = draw((uint32_t)count);
	if (draw(5) == 0) {
		memmove(&steps[i], &steps[i + 1], (count - i - 1) * STEP);
		return count - 1;
	}
	if (draw(6) == 0) {
		other = steps[i];
		steps[i] = steps[0];
		steps[0] = other;
		return count;
	}
	retouch(&steps[i]);
	return count;
}

static void mutate_head(struct input_head *head)
{
	switch (draw(4)) {
	case 0: head->image = (uint8_t)draw(8); break;
	case 1: head->image = (uint8_t)draw(image_count()); break;
	case 2: head->what = (uint8_t)draw(256); break;
	default:
		head->flags = (uint8_t)(draw(8) ? 0 : draw(8));
		head->grow = (int8_t)draw(256);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most,
			       unsigned int seed)
{
	struct input_step steps[256];
	size_t count = input_steps(size);
	size_t room = most < HEAD ? 0 : (most - HEAD) / STEP;
	struct input_head head = { 0 };

	state_of_chance = seed;
	if (draw(4) == 0 || most < HEAD)
		return LLVMFuzzerMutate(data, size, most);
	if (room > 255)
		room = 255;
	if (count > room)
		count = room;
	memcpy(&head, data, size < HEAD ? size : HEAD);
	memcpy(steps, data + HEAD, count * STEP);
	if (draw(8) == 0)
		mutate_head(&head);
	else
		count = mutate_steps(steps, count, room);
	memcpy(data, &head, HEAD);
	memcpy(data + HEAD, steps, count * STEP);
	return HEAD + count * STEP;
}
