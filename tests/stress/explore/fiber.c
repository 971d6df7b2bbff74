/* SPDX-License-Identifier: MIT */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "private.h"

/*
 * The bounds of the library's writable data, whose sections objcopy renames to
 * explore_private.
 */
extern uint8_t __start_explore_private[];
extern uint8_t __stop_explore_private[];
/* Its thread-local words: see redirect.h. */
extern uint8_t __start_explore_thread[];
extern uint8_t __stop_explore_thread[];

#define STATICS ((size_t)FIBER_STATICS)
#define LOCALS 512

/* What the threads of a process share. */
struct image {
	uint32_t heap_used;
	uint8_t statics[STATICS];
	uint8_t heap[FIBER_HEAP];
};

struct process {
	bool saved; /* its image is `now`, else `start` */
	uint64_t hash;
	struct image start, now;
};

struct fiber {
	void *sp;
	unsigned int process;
	bool saved; /* its thread-local words are `now`, else `start` */
	uint64_t hash;
	uint8_t start[LOCALS], now[LOCALS];
};

static struct process processes[FIBERS];
static struct fiber fibers[FIBERS];
static uint8_t stacks[FIBERS][FIBER_STACK] __attribute__((aligned(4096)));
static uint8_t untouched[STATICS], untouched_locals[LOCALS];
static void *outside;
static int loaded = -1;
static size_t statics, locals;
int fiber_current = -1;
bool fiber_has_company;

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

static void check_size(const char *what, const char *limit, size_t has,
		       size_t most)
{
	if (has <= most)
		return;
	fprintf(stderr,
		"explore: the library has %zu bytes of %s, more than the %zu "
		"that are kept: raise %s, in tests/stress/explore\n",
		has, what, most, limit);
	exit(2);
}

void fiber_init(void)
{
	statics = (uintptr_t)__stop_explore_private -
		  (uintptr_t)__start_explore_private;
	locals = (uintptr_t)__stop_explore_thread -
		 (uintptr_t)__start_explore_thread;
	check_size("writable data", "FIBER_STATICS", statics, STATICS);
	check_size("thread-local data", "LOCALS", locals, LOCALS);
	memcpy(untouched, __start_explore_private, statics);
	memcpy(untouched_locals, __start_explore_thread, locals);
}

void fiber_clear_all(void)
{
	loaded = -1;
	for (unsigned int i = 0; i < FIBERS; i++) {
		processes[i].saved = false;
		processes[i].start.heap_used = 0;
		memcpy(processes[i].start.statics, untouched, statics);
		fibers[i].saved = false;
		fibers[i].process = i;
		memcpy(fibers[i].start, untouched_locals, locals);
	}
}

void fiber_join(unsigned int fiber, unsigned int process)
{
	fibers[fiber].process = process;
}

unsigned int fiber_process(unsigned int fiber)
{
	return fibers[fiber].process;
}

static struct image *image_of(struct process *p)
{
	return p->saved ? &p->now : &p->start;
}

static uint8_t *locals_of(struct fiber *f)
{
	return f->saved ? f->now : f->start;
}

static uint64_t thread_hash(unsigned int fiber, const uint8_t *words)
{
	const uint8_t *top = stacks[fiber] + FIBER_STACK;
	const uint8_t *sp = fibers[fiber].sp;

	return XXH3_64bits(sp, (size_t)(top - sp)) * 31 +
	       XXH3_64bits(words, locals);
}

static uint64_t memory_hash(const uint8_t *data, const uint8_t *heap,
			    uint32_t used)
{
	return XXH3_64bits(data, statics) * 31 + XXH3_64bits(heap, used);
}

static void put_away_process(struct process *p)
{
	memcpy(p->now.statics, __start_explore_private, statics);
	p->now.heap_used = private_used;
	memcpy(p->now.heap, private_heap, private_used);
	p->saved = true;
	p->hash = memory_hash(p->now.statics, p->now.heap, p->now.heap_used);
}

static void put_away_thread(unsigned int fiber)
{
	struct fiber *f = &fibers[fiber];

	memcpy(f->now, __start_explore_thread, locals);
	f->saved = true;
	f->hash = thread_hash(fiber, f->now);
}

static void load_process(struct process *p)
{
	const struct image *m = image_of(p);

	memcpy(__start_explore_private, m->statics, statics);
	private_used = m->heap_used;
	memcpy(private_heap, m->heap, m->heap_used);
}

void fiber_load(unsigned int fiber)
{
	unsigned int next = fibers[fiber].process, last;

	if (loaded == (int)fiber)
		return;
	last = loaded < 0 ? FIBERS : fibers[loaded].process;
	if (loaded >= 0)
		put_away_thread((unsigned int)loaded);
	if (last != next && loaded >= 0)
		put_away_process(&processes[last]);
	if (last != next)
		load_process(&processes[next]);
	memcpy(__start_explore_thread, locals_of(&fibers[fiber]), locals);
	loaded = (int)fiber;
}

void fiber_keep_all(void)
{
	if (loaded >= 0) {
		put_away_thread((unsigned int)loaded);
		put_away_process(&processes[fibers[loaded].process]);
	}
	loaded = -1;
	for (int i = 0; i < FIBERS; i++) {
		if (processes[i].saved)
			processes[i].start = processes[i].now;
		processes[i].saved = false;
		if (fibers[i].saved)
			memcpy(fibers[i].start, fibers[i].now, locals);
		fibers[i].saved = false;
	}
}

void fiber_restart(unsigned int fiber)
{
	uint8_t *top = stacks[fiber] + FIBER_STACK;
	uint64_t *frame = (uint64_t *)(void *)(top - FRAME_TOP);

	/* Clear the stack: what an earlier run left makes no new state. */
	memset(top - 6144, 0, 6144);
	frame -= FRAME_WORDS;
	frame[FRAME_ENTRY] = (uint64_t)(uintptr_t)begin;
	fibers[fiber].sp = frame;
	fibers[fiber].saved = false;
	fibers[fiber].hash = fiber;
}

void fiber_reset_all(unsigned int n, fiber_fn fn)
{
	loaded = -1;
	entry = fn;
	for (unsigned int i = 0; i < FIBERS; i++) {
		processes[i].saved = false;
		processes[i].hash = i;
		if (i < n)
			fiber_restart(i);
		else
			fibers[i].sp = NULL;
	}
}

void fiber_copy(unsigned int child, unsigned int parent)
{
	fiber_load(child);
	load_process(&processes[fibers[parent].process]);
	memcpy(__start_explore_thread, locals_of(&fibers[parent]), locals);
}

static bool has_company(unsigned int fiber)
{
	for (unsigned int i = 0; i < FIBERS; i++)
		if (i != fiber && fibers[i].process == fibers[fiber].process)
			return true;
	return false;
}

void fiber_run(unsigned int fiber)
{
	fiber_load(fiber);
	fiber_current = (int)fiber;
	fiber_has_company = has_company(fiber);
	fiber_switch(&outside, fibers[fiber].sp);
	fiber_current = -1;
}

void fiber_pause(void)
{
	fiber_switch(&fibers[fiber_current].sp, outside);
}

uint64_t fiber_thread_hash(unsigned int fiber)
{
	return loaded == (int)fiber ?
		       thread_hash(fiber, __start_explore_thread) :
		       fibers[fiber].hash;
}

uint64_t fiber_process_hash(unsigned int process)
{
	return loaded >= 0 && fibers[loaded].process == process ?
		       memory_hash(__start_explore_private, private_heap,
				   private_used) :
		       processes[process].hash;
}

uint64_t fiber_hash(unsigned int fiber)
{
	return fiber_thread_hash(fiber) * 31 +
	       fiber_process_hash(fibers[fiber].process);
}

const void *fiber_view(unsigned int fiber, const void *at)
{
	size_t offset = (size_t)((const uint8_t *)at - __start_explore_thread);

	return loaded == (int)fiber ? at : locals_of(&fibers[fiber]) + offset;
}

unsigned int fiber_word(const void *at)
{
	size_t offset = (size_t)((const uint8_t *)at - __start_explore_private);

	if (offset < statics)
		return (unsigned int)(offset / 8);
	offset = (size_t)((const uint8_t *)at - private_heap);
	return offset < private_used ? (STATICS + (unsigned int)offset) / 8 :
				       FIBER_WORDS;
}
