/* SPDX-License-Identifier: MIT */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "private.h"

/* Of the library's objects, renamed by objcopy; bounds made by the linker. */
extern uint8_t __start_explore_private[];
extern uint8_t __stop_explore_private[];

#define STATICS 16384

struct image {
	uint32_t heap_used;
	uint8_t statics[STATICS];
	uint8_t heap[FIBER_HEAP];
};

struct fiber {
	void *sp;
	bool saved; /* its image is `now`, else `start` */
	uint64_t hash;
	struct image start, now;
};

static struct fiber fibers[FIBERS];
static uint8_t stacks[FIBERS][FIBER_STACK] __attribute__((aligned(4096)));
static uint8_t untouched[STATICS];
static void *outside;
static int loaded = -1;
static size_t statics;
int fiber_current = -1;

/* Saves the callee's registers and *from, goes on with what `to` saved. */
void fiber_switch(void **from, void *to);

#if defined(__x86_64__)
/* At a function's start the stack is 8 off a multiple of 16. */
#define FRAME_TOP 24
#define FRAME_WORDS 7
#define FRAME_ENTRY 6
__asm__(".text\n"
	".globl fiber_switch\n"
	".type fiber_switch, @function\n"
	"fiber_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size fiber_switch, . - fiber_switch\n");
#elif defined(__aarch64__)
#define FRAME_TOP 16
#define FRAME_WORDS 20
#define FRAME_ENTRY 11
__asm__(".text\n"
	".globl fiber_switch\n"
	".type fiber_switch, @function\n"
	"fiber_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size fiber_switch, . - fiber_switch\n");
#else
#error "the explorer's fibers know x86-64 and aarch64"
#endif

static fiber_fn entry;

static void begin(void)
{
	entry((unsigned int)fiber_current);
	/* It has told its end; nobody runs it again. */
	for (;;)
		fiber_pause();
}

void fiber_init(void)
{
	statics = (uintptr_t)__stop_explore_private -
		  (uintptr_t)__start_explore_private;
	if (statics > STATICS) {
		fprintf(stderr,
			"explore: the library has %zu bytes of writable data, "
			"more than the %d that a fiber keeps: raise STATICS in "
			"tests/stress/explore/fiber.c\n",
			statics, STATICS);
		exit(2);
	}
	memcpy(untouched, __start_explore_private, statics);
}

void fiber_clear_all(void)
{
	loaded = -1;
	for (int i = 0; i < FIBERS; i++) {
		fibers[i].saved = false;
		fibers[i].start.heap_used = 0;
		memcpy(fibers[i].start.statics, untouched, statics);
	}
}

static struct image *image_of(struct fiber *f)
{
	return f->saved ? &f->now : &f->start;
}

static uint64_t stack_hash(unsigned int fiber)
{
	const uint8_t *top = stacks[fiber] + FIBER_STACK;
	const uint8_t *sp = fibers[fiber].sp;

	return XXH3_64bits(sp, (size_t)(top - sp));
}

static uint64_t memory_hash(const uint8_t *data, const uint8_t *heap,
			    uint32_t used)
{
	return XXH3_64bits(data, statics) * 31 + XXH3_64bits(heap, used);
}

static void put_away(struct fiber *f)
{
	memcpy(f->now.statics, __start_explore_private, statics);
	f->now.heap_used = private_used;
	memcpy(f->now.heap, private_heap, private_used);
	f->saved = true;
	f->hash = stack_hash((unsigned int)(f - fibers)) * 31 +
		  memory_hash(f->now.statics, f->now.heap, f->now.heap_used);
}

void fiber_load(unsigned int fiber)
{
	const struct image *m = image_of(&fibers[fiber]);

	if (loaded == (int)fiber)
		return;
	if (loaded >= 0)
		put_away(&fibers[loaded]);
	memcpy(__start_explore_private, m->statics, statics);
	private_used = m->heap_used;
	memcpy(private_heap, m->heap, m->heap_used);
	loaded = (int)fiber;
}

void fiber_keep_all(void)
{
	if (loaded >= 0)
		put_away(&fibers[loaded]);
	loaded = -1;
	for (int i = 0; i < FIBERS; i++) {
		if (fibers[i].saved)
			fibers[i].start = fibers[i].now;
		fibers[i].saved = false;
	}
}

void fiber_reset_all(unsigned int n, fiber_fn fn)
{
	loaded = -1;
	entry = fn;
	for (unsigned int i = 0; i < FIBERS; i++) {
		uint8_t *top = stacks[i] + FIBER_STACK;
		uint64_t *frame = (uint64_t *)(void *)(top - FRAME_TOP);
		struct fiber *f = &fibers[i];

		f->saved = false;
		f->sp = NULL;
		f->hash = i;
		if (i >= n)
			continue;
		/* So that what a run left there tells two states apart less. */
		memset(top - 6144, 0, 6144);
		frame -= FRAME_WORDS;
		frame[FRAME_ENTRY] = (uint64_t)(uintptr_t)begin;
		f->sp = frame;
	}
}

void fiber_copy(unsigned int child, unsigned int parent)
{
	fiber_load(child);
	memcpy(__start_explore_private, image_of(&fibers[parent])->statics,
	       statics);
	private_used = image_of(&fibers[parent])->heap_used;
	memcpy(private_heap, image_of(&fibers[parent])->heap, private_used);
}

void fiber_run(unsigned int fiber)
{
	fiber_load(fiber);
	fiber_current = (int)fiber;
	fiber_switch(&outside, fibers[fiber].sp);
	fiber_current = -1;
}

void fiber_pause(void)
{
	fiber_switch(&fibers[fiber_current].sp, outside);
}

uint64_t fiber_hash(unsigned int fiber)
{
	if (loaded != (int)fiber)
		return fibers[fiber].hash;
	return stack_hash(fiber) * 31 +
	       memory_hash(__start_explore_private, private_heap, private_used);
}

const void *fiber_view(unsigned int fiber, const void *at)
{
	size_t offset = (size_t)((const uint8_t *)at - __start_explore_private);

	if (loaded == (int)fiber)
		return at;
	return image_of(&fibers[fiber])->statics + offset;
}
